//! A run that is stepped, at one moment: the source with a cursor at the call that is about to be made, who is blocked
//! where, and the last calls with their results. A picture of the events so far, as every other.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::trace::{Detail, Trace};
use super::wording::{self, ActorColors, arguments, safe};
use crate::analysis::{OpenCalls, is_run_through};
use crate::i18n::tr;
use crate::picture::code::{self, Language};
use crate::picture::{Ink, Picture, Row, fit};
use crate::text::{wrap, wrap_code};
use crate::trace::recording::Origin;
use crate::trace::{Call, Event, EventKind, PAUSES_PER_LINE, Role, Site};

/// Below this width, source lines have no numbers.
const NO_NUMBERS: usize = 50;

/// One moment of a stepped run.
pub struct Shot<'a> {
    /// What happened so far.
    pub events: &'a [Event],
    /// The call that is about to be made ([`EventKind::Held`]); none while the run does something by itself.
    pub cursor: Option<&'a Event>,
    /// The text of a source file: of this program's own, by its path from the project's root, or of the learner's.
    pub text_of: &'a dyn Fn(&str) -> Option<Cow<'static, str>>,
    /// Of what it is a run.
    pub origin: &'a Origin,
    /// What stands above it all.
    pub title: &'a str,
    /// How much the calls below the source tell.
    pub detail: Detail,
}

/// Who is at a line, and how.
struct Mark<'a> {
    event: &'a Event,
    call: &'a Call,
    sign: char,
}

impl<'a> Shot<'a> {
    /// The picture, of no more than this many columns and rows.
    #[must_use]
    pub fn draw(&self, width: usize, height: usize) -> Picture {
        let open = OpenCalls::after(self.events);
        let at_cursor = self.cursor.and_then(|event| Some((event.process, held(event)?.id)));
        let mut waiting = Self::marks(open.held, '▷');
        waiting.retain(|mark| Some((mark.event.process, mark.call.id)) != at_cursor);
        let blocked = Self::marks(open.entered, '…');
        let below = self.below(&blocked, &waiting, width, (height / 3).clamp(2, 9));
        let mut rows = vec![Row::new().with(fit(self.title, width), Ink::Faint)];
        let room = height.saturating_sub(rows.len() + below.len() + 1).max(1);
        rows.extend(self.source(&blocked, &waiting, width, room));
        rows.push(Row::new().with("─".repeat(width), Ink::Faint));
        rows.extend(below);
        rows.truncate(height);
        Picture(rows)
    }

    /// The line at which the cursor stands, and the call that is about to be made: for output that goes on below.
    #[must_use]
    pub fn line(&self, width: usize) -> Vec<Row> {
        let Some((event, call)) = self.cursor.and_then(|event| Some((event, held(event)?))) else {
            return Vec::new();
        };
        let ink = ActorColors::of(self.events).ink(&event.actor);
        let code = call.site.as_ref().map(|source| {
            let text = (self.text_of)(&source.file).unwrap_or_default();
            let line = text.lines().nth((source.line as usize).saturating_sub(1));
            format!("{}  {}", safe(&source.to_string()), shown(line.unwrap_or_default().trim()))
        });
        let mut rows = vec![
            Row::new()
                .with(fit(&format!("▶ {}  {}", who(event), code.unwrap_or_default()), width), ink),
        ];
        rows.extend(self.about_to(event, call, width, ink));
        rows
    }

    /// The calls of these events, each with this sign.
    fn marks(calls: Vec<(&'a Event, &'a Call)>, sign: char) -> Vec<Mark<'a>> {
        calls.into_iter().map(|(event, call)| Mark { event, call, sign }).collect()
    }

    /// The place that is shown: the cursor's, or else that of the last call.
    fn place(&self) -> Option<&Site> {
        let of = |event: &'_ Event| -> bool {
            matches!(&event.what, EventKind::Held(call) | EventKind::Enter(call) if call.role == Role::Program)
        };
        let event = self.cursor.or_else(|| self.events.iter().rev().find(|event| of(event)))?;
        match &event.what {
            EventKind::Held(call) | EventKind::Enter(call) => call.site.as_ref(),
            _ => None,
        }
    }

    fn source(
        &self,
        blocked: &[Mark<'_>],
        waiting: &[Mark<'_>],
        width: usize,
        room: usize,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        let Some(place) = self.place() else {
            rows.resize(room, Row::new());
            return rows;
        };
        let Some(text) = (self.text_of)(&place.file) else {
            rows.push(Row::new().with(fit(&tr!("(at {place})", place), width), Ink::Faint));
            rows.resize(room, Row::new());
            return rows;
        };
        let cursor =
            self.cursor.and_then(|event| Some(Mark { event, call: held(event)?, sign: '▶' }));
        let marks: Vec<_> = cursor.iter().chain(blocked).chain(waiting).collect();
        let colors = ActorColors::of(self.events);
        // A fifth of the window at most: the source needs the rest.
        let name_width = actors_width(self.events).min((width / 5).clamp(4, 16));
        let gutter = name_width + 3 + if width < NO_NUMBERS { 0 } else { 5 };
        let lines: Vec<String> = text.lines().map(shown).collect();
        let inked = code::rows(Language::of_file(&place.file), lines.iter().map(String::as_str));
        let at = (place.line as usize).clamp(1, lines.len().max(1)) - 1;
        let whole = |line: &str| wrapped(line, width.saturating_sub(gutter).max(8));
        let extra = whole(lines.get(at).map_or("", String::as_str)).len().saturating_sub(1);
        for index in window(&lines, at, room.saturating_sub(extra).max(1)) {
            let here: Vec<_> =
                marks.iter().filter(|mark| is_at(mark.call, &place.file, index + 1)).collect();
            let mark = here.first().map(|mark| {
                (format!("{} {}", mark.sign, who(mark.event)), colors.ink(&mark.event.actor))
            });
            let is_cursor = index == at && self.cursor.is_some();
            let parts: Vec<Row> = if is_cursor {
                let strong = |part: String| Row::new().with(part, Ink::Strong);
                whole(&lines[index]).into_iter().map(strong).collect()
            } else if index == at {
                let room = width.saturating_sub(gutter).max(8);
                let parts = code::wrapped(&inked[index], room).into_iter();
                parts.map(|part| part.cut(room)).collect()
            } else {
                vec![inked[index].clone().cut(width.saturating_sub(gutter))]
            };
            for (part, code) in parts.into_iter().enumerate() {
                let mut row = Row::new();
                if let Some((text, ink)) = mark.as_ref().filter(|_| part == 0) {
                    row.push(fit(text, name_width + 2), *ink);
                }
                row.pad_to(name_width + 3);
                if width >= NO_NUMBERS {
                    row.push(
                        if part == 0 { format!("{:>3}  ", index + 1) } else { " ".repeat(5) },
                        Ink::Faint,
                    );
                }
                row.extend(code);
                rows.push(row);
            }
        }
        rows.resize(room, Row::new());
        rows
    }

    /// What happened last, who is blocked, and what comes next.
    fn below(
        &self,
        blocked: &[Mark<'_>],
        waiting: &[Mark<'_>],
        width: usize,
        most: usize,
    ) -> Vec<Row> {
        let mut last = Vec::new();
        let colors = ActorColors::of(self.events);
        let listed = |marks: &[Mark<'_>]| {
            let each = marks.iter().map(|mark| {
                let (actor, function) = (who(mark.event), safe(mark.call.function()));
                let place = mark.call.site.as_ref().map_or_else(String::new, |source| {
                    format!(
                        "{}:{}",
                        safe(source.file.rsplit('/').next().unwrap_or_default()),
                        source.line
                    )
                });
                tr!("{actor} in {function}(), {place}", actor, function, place)
            });
            each.collect::<Vec<_>>().join("; ")
        };
        let mut tell = |words: String| {
            // Two rows at most: the calls below matter too.
            let rows = wrap(&words, width).into_iter().take(2);
            last.extend(rows.map(|row| Row::new().with(fit(&row, width), Ink::Warn)));
        };
        if !blocked.is_empty() {
            tell(tr!("… blocked: {each}", each = listed(blocked)));
        }
        if !waiting.is_empty() {
            tell(tr!("▷ held, to be made next: {each}", each = listed(waiting)));
        }
        match self.cursor.and_then(|event| Some((event, held(event)?))) {
            Some((event, call)) => {
                last.extend(self.about_to(event, call, width, colors.ink(&event.actor)))
            }
            None => {
                let text = tr!("(no call is about to be made)").to_owned();
                last.push(Row::new().with(fit(&text, width), Ink::Faint));
            }
        }
        let mut trace = Trace::new(self.detail, width).of(self.origin);
        let mut traced: Vec<Row> = self.events.iter().flat_map(|event| trace.push(event)).collect();
        traced.extend(trace.pause());
        let mut rows = traced.split_off(traced.len().saturating_sub(most));
        rows.extend(last);
        rows
    }

    /// The call that is about to be made, with its arguments; and that its line is run through from here, if it is.
    fn about_to(&self, event: &Event, call: &Call, width: usize, ink: Ink) -> Vec<Row> {
        let (actor, words) = (who(event), format!("{}{}", safe(&call.name), arguments(call, 24)));
        let next = tr!("next: {actor} calls {words}", actor, words);
        let mut rows: Vec<Row> = wrapped(&next, width)
            .into_iter()
            .take(2)
            .map(|row| Row::new().with(row, ink))
            .collect();
        if is_run_through(self.events, event) {
            let text = tr!(
                "this call has paused here {PAUSES_PER_LINE} times: from here on it does not pause",
                PAUSES_PER_LINE
            );
            rows.push(Row::new().with(fit(&text, width), Ink::Faint));
        }
        rows
    }
}

/// The actor's name, as it is told.
fn who(event: &Event) -> String {
    wording::actor(&event.actor)
}

fn held(event: &Event) -> Option<&Call> {
    match &event.what {
        EventKind::Held(call) => Some(call),
        _ => None,
    }
}

fn is_at(call: &Call, file: &str, line: usize) -> bool {
    call.site.as_ref().is_some_and(|source| source.file == file && source.line as usize == line)
}

fn actors_width(events: &[Event]) -> usize {
    events
        .iter()
        .filter(|event| event.is_by_actor())
        .map(|event| who(event).width())
        .max()
        .unwrap_or(0)
}

/// A line of a source file as it can be shown.
fn shown(line: &str) -> String {
    safe(&line.replace('\t', "    "))
}

/// The words by which a block begins that is no function, in a script in Python.
const BLOCKS: [&str; 9] =
    ["if", "elif", "else", "for", "while", "with", "try", "except", "finally"];

/// The lines to show of a file: those around this one, within its function if that has as many.
fn window(lines: &[String], at: usize, room: usize) -> std::ops::Range<usize> {
    // A function begins at the margin, and its body is indented. What a script does outside functions, in a loop too, is in none.
    let opens = |at: &usize| {
        let word = lines[*at].split([' ', ':']).next().unwrap_or_default();
        let body = lines.get(at + 1).is_some_and(|next| next.starts_with([' ', '{']));
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && body
            && !BLOCKS.contains(&word)
    };
    let first = (0..lines.len().min(at + 1)).rev().find(opens).unwrap_or(0);
    let end = lines
        .iter()
        .skip(at)
        .position(|line| line.starts_with('}'))
        .map_or(lines.len(), |end| at + end + 1);
    let top = at.saturating_sub(room / 3).min(end.saturating_sub(room)).max(first);
    top..(top + room).min(end)
}

/// A line of code, on as many rows as it needs.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    wrap_code(line, width).iter().map(|row| fit(row, width)).collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::analysis::script::{Script, here};
    use crate::trace::Name;
    use crate::trace::{Syscall, Value};
    use std::sync::Arc;

    const TEXT: &str = "//! A file.\n\nfn other() {}\n\nfn play(\n    lab: &Lab,\n) -> Result<()> {\n    let (one, _) = listener.accept()?; // 你好\n    \
        client.connect(&to)?;\n    Ok(())\n}\n";

    const SCRIPT: &str = "import socket\n\n# A server.\nsock = socket.create_server(ADDRESS)\nwhile True:\n\tconn, _ = sock.accept()\n\tconn.send(b'\x1b[2J')\n";

    /// A server is blocked in accept() (line 7 of the script), and a client is about to connect, on line 9.
    fn shot() -> (Vec<Event>, Event) {
        let mut script = Script::new();
        let accept = script.enter("server", 1, "accept", &[]);
        let mut connect = Call::clone(&accept);
        (connect.id, connect.api, connect.name) = (2, Some("connect".into()), "connect".into());
        connect.site = Some(Site { file: "src/experiments/sample.rs".into(), line: 9 });
        let Value::Address(address) = here(4000) else { unreachable!() };
        connect.syscall = Syscall::Connect { address, length: None };
        script.event("client", EventKind::Held(Arc::new(connect)));
        let cursor = script.events.last().cloned().expect("just made");
        (script.events, cursor)
    }

    fn draw(events: &[Event], cursor: Option<&Event>, width: usize, height: usize) -> String {
        let text_of = |path: &str| match path {
            "src/experiments/sample.rs" => Some(Cow::Borrowed(TEXT)),
            "server.py" => Some(Cow::Borrowed(SCRIPT)),
            _ => None,
        };
        Shot {
            events,
            cursor,
            text_of: &text_of,
            title: "sample · step 2",
            origin: &Origin::Chat,
            detail: Detail::Calls,
        }
        .draw(width, height)
        .text()
    }

    #[test]
    fn the_cursor_stands_at_the_call_that_is_about_to_be_made_and_the_blocked_are_marked() {
        let (events, cursor) = shot();
        assert_snapshot!(draw(&events, Some(&cursor), 60, 14));
    }

    #[test]
    fn it_fits_every_window_and_never_hides_the_cursor() {
        let (mut events, cursor) = shot();
        for width in 20..130 {
            for height in [8, 12, 20, 24, 60] {
                let text = draw(&events, Some(&cursor), width, height);
                assert!(
                    text.lines().count() <= height
                        && text.lines().all(|line| line.width() <= width),
                    "{width}x{height}:\n{text}"
                );
                assert!(text.contains("▶ cli"), "{width}x{height}:\n{text}");
            }
        }
        // Source that is not part of the program is named, and a strange name obeys nothing.
        let Some(EventKind::Held(call)) = events.last().map(|event| event.what.clone()) else {
            panic!("it was held")
        };
        let mut call = Call::clone(&call);
        call.site = Some(Site { file: "src/other.rs".into(), line: 3 });
        let mut foreign = cursor.clone();
        (foreign.actor, foreign.what) = (Name::from("x\u{1b}[2J"), EventKind::Held(Arc::new(call)));
        events.push(foreign.clone());
        let text = draw(&events, Some(&foreign), 80, 24);
        assert!(text.contains("(at src/other.rs:3)") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_script_is_shown_around_the_line_with_its_tabs_as_blanks_and_obeyed_in_nothing() {
        let (events, cursor) = shot();
        let at = |line| {
            let EventKind::Held(call) = &cursor.what else { panic!("it was held") };
            let mut call = Call::clone(call);
            call.site = Some(Site { file: "server.py".into(), line });
            let cursor = Event { what: EventKind::Held(Arc::new(call)), ..cursor.clone() };
            draw(&events, Some(&cursor), 80, 24)
        };
        for (line, marked) in
            [(4, "▶ client   4  sock = "), (6, "▶ client   6      conn, _ = sock.accept()")]
        {
            let text = at(line);
            assert!(text.contains(marked) && !text.contains(['\t', '\u{1b}']), "{text}");
        }
        let text = at(99);
        assert!(text.contains("socket.create_server"), "a file that is shorter now: {text}");
    }

    #[test]
    fn a_line_that_comes_again_and_again_is_said_to_be_run_through() {
        let (mut events, cursor) = shot();
        assert!(!draw(&events, Some(&cursor), 80, 24).contains("run through"));
        events.extend([cursor.clone(), cursor.clone()]);
        assert!(draw(&events, Some(&cursor), 80, 24).contains("from here on it does not pause"));
    }
}
