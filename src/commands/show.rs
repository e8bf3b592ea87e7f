//! Shows a recording: its trace, its pictures, and the verdicts on its claims.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use super::report::{self, Judged, ShownEvidence};
use super::{Failure, Session};
use crate::analysis::{Analysis, BLOCKED_NS};
use crate::i18n::tr;
use crate::labels;
use crate::picture::{Ink, Picture, Row, fit, span_of};
use crate::text::safe;
use crate::trace::recording::{Origin, Recording, is_of};
use crate::trace::{Blocked, Ending, EventKind, LAB, LINK, Name, Shown, Site};
use crate::views::{DrawOptions, View, wording};

/// Of more actors than this the threads and children are not named.
const MOST_NAMED: usize = 12;

/// How far a line of source is indented.
const INDENT: usize = 4;

/// Shows the trace, if the session has one.
pub(super) fn trace(session: &mut Session, recording: &Recording) -> Result<(), Failure> {
    let Some(trace) = session.trace() else {
        return Ok(());
    };
    let mut trace = trace.of(&recording.header.origin);
    let rows: Vec<_> = recording.events().iter().flat_map(|event| trace.push(event)).collect();
    for row in rows.into_iter().chain(trace.pause()) {
        session.terminal.row(&row)?;
    }
    Ok(session.terminal.blank()?)
}

/// Shows a recording in these views, and reports its deadline if that passed.
pub fn pictures(
    session: &mut Session,
    wanted: &[View],
    recording: &Recording,
) -> Result<(), Failure> {
    draw(session, wanted, recording, true)?;
    sentences(session, &deadline(recording))
}

/// Draws a recording in these views, each for the width that the window has when it is seen. A mark is explained in the first picture of
/// a session that has it, or in each.
pub(super) fn draw(
    session: &mut Session,
    wanted: &[View],
    recording: &Recording,
    explains_once: bool,
) -> Result<(), Failure> {
    let numbers = session.numbers();
    for view in views_for(recording, wanted) {
        let explained = explains_once.then(|| session.explained.for_picture());
        session.terminal.drawn_of(recording, move |recording, width| {
            let options = DrawOptions { numbers, explained: explained.as_ref() };
            view.draw_with(&Analysis::of(recording), width, options)
        })?;
        session.terminal.blank()?;
    }
    Ok(())
}

/// Shows sentences, each with its line of source.
pub(super) fn sentences(session: &mut Session, all: &[Sentence]) -> Result<(), Failure> {
    for Sentence { text, source, .. } in all {
        session.terminal.wrapped("", text, Ink::Bad)?;
        if let Some(line) = source {
            let line = safe(line).into_owned();
            session.terminal.drawn(move |width| {
                let line = fit(&line, width.saturating_sub(INDENT));
                Picture(vec![Row::indented(INDENT).with(line, Ink::Strong)])
            })?;
        }
    }
    if !all.is_empty() {
        session.terminal.blank()?;
    }
    Ok(())
}

/// The views that compare times.
const COMPARE_TIMES: [&str; 3] = ["bars", "plot", "states"];

/// Those of the views that can be drawn of this recording: in a stepped run what compares times would compare pauses.
pub(super) fn views_for(recording: &Recording, wanted: &[View]) -> Vec<View> {
    let is_measured =
        || recording.events().iter().any(|event| matches!(event.what, EventKind::Measure { .. }));
    let compares_times = |view: &View| {
        COMPARE_TIMES.contains(&view.name()) && (view.name() != "bars" || is_measured())
    };
    let is_stepped = recording.is_stepped();
    wanted.iter().copied().filter(|view| !(is_stepped && compares_times(view))).collect()
}

/// The views of these names.
pub(super) fn views_named(names: &[String]) -> Result<Vec<View>, Failure> {
    let find = |name: &String| View::find(name).ok_or_else(|| Failure::NoView(name.clone()));
    names.iter().map(find).collect()
}

/// The recording of which these actors alone are shown, their threads and children, and whom they talk with; all if nobody has any
/// of these names.
pub(super) fn only<'r>(recording: &'r Recording, names: &[String]) -> Cow<'r, Recording> {
    let is_named = |actor: &str| names.iter().any(|name| is_called(actor, name));
    let own = recording.events().iter().map(|event| &event.actor).filter(|actor| is_named(actor));
    let mut shown: HashSet<Name> = own.cloned().collect();
    if shown.is_empty() {
        return Cow::Borrowed(recording);
    }
    let analysis = Analysis::of(recording);
    shown.extend(analysis.partners(|actor| is_named(actor)));
    // Of the wire what went between them.
    let between = analysis
        .wire
        .iter()
        .filter(|segment| shown.contains(&segment.from) && shown.contains(&segment.to));
    let frames = between.map(|segment| segment.frame.frame).collect();
    Cow::Owned(recording.clone().showing(Shown { actors: shown, frames }))
}

/// Which of these names nobody in the recording has, and who there is; `None` if each is somebody's.
pub(super) fn nobody(recording: &Recording, names: &[String]) -> Option<String> {
    let actors: BTreeSet<&Name> = recording.events().iter().map(|event| &event.actor).collect();
    let is_known = |name: &String| actors.iter().any(|actor| is_called(actor, name));
    let (known, unknown): (Vec<&String>, Vec<&String>) = names.iter().partition(|it| is_known(it));
    if unknown.is_empty() {
        return None;
    }
    let separator = tr!(context "list", ", ");
    let mut who: Vec<&Name> = actors.iter().copied().collect();
    who.retain(|actor| ![LAB, LINK].contains(&&***actor));
    if who.len() > MOST_NAMED {
        let all = who.clone();
        who.retain(|one| !all.iter().any(|other| other != one && is_of(one, other)));
    }
    let who = who.iter().map(|actor| labels::actor(actor)).collect::<Vec<_>>().join(separator);
    let names = unknown.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(separator);
    Some(if who.is_empty() {
        tr!("nobody is called {names}: no program took part", names)
    } else if known.is_empty() {
        tr!("nobody is called {names}, so all are shown: {who}", names, who)
    } else {
        tr!("nobody is called {names}; these took part: {who}", names, who)
    })
}

/// True if an actor has this name, or is a thread or child of who has it. It may be typed as it is shown, in the reader's language.
fn is_called(actor: &str, name: &str) -> bool {
    is_of(actor, name) || is_of(&labels::actor(actor), name)
}

/// Shows claims with their verdicts below a heading.
pub fn claims(session: &mut Session, judged: &[Judged], heading: &str) -> Result<(), Failure> {
    if judged.is_empty() {
        return Ok(());
    }
    session.terminal.wrapped("", heading, Ink::Faint)?;
    session.terminal.keep_with_next();
    let evidence = match (session.class.big, session.verbose) {
        (true, 0) => ShownEvidence::Broken,
        (_, 0) => ShownEvidence::First,
        _ => ShownEvidence::All,
    };
    let mut said = BTreeSet::new();
    for one in judged {
        report::show(&mut session.terminal, one, evidence, &mut said)?;
        if session.class.big {
            session.terminal.blank()?;
        }
    }
    Ok(session.terminal.blank()?)
}

/// The heading above the claims of a run that has just ended; the first says how to see more.
pub fn checked_now(session: &Session) -> String {
    let heading = tr!("Checked on this machine, just now");
    let hint = tr!("-v shows all that was compared");
    if session.verbose == 0 && session.explained.is_new(hint) {
        tr!("{heading} ({hint})", heading, hint)
    } else {
        heading.to_owned()
    }
}

/// A sentence, and the line of source that it is about.
pub(super) struct Sentence {
    text: String,
    site: Option<Site>,
    source: Option<String>,
}

impl Sentence {
    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// As a program reads it.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "text": self.text,
            "file": self.site.as_ref().map(|site| &site.file),
            "line": self.site.as_ref().map(|site| site.line),
            "source": self.source,
        })
    }

    /// One that is about no line.
    pub(super) fn plain(text: String) -> Sentence {
        Sentence { text, site: None, source: None }
    }

    /// One that is about this line, if it is known.
    pub(super) fn at(text: String, recording: &Recording, source: Option<&Site>) -> Sentence {
        let line = source.and_then(|source| recording.source_line(source));
        Sentence { text, site: source.cloned(), source: line.map(str::to_owned) }
    }
}

/// The same as [`deadline`], each in one line.
pub(super) fn deadline_text(recording: &Recording) -> Vec<String> {
    let in_one = |Sentence { text, source, .. }| match source {
        Some(source) => format!("{text} {source}"),
        None => text,
    };
    deadline(recording).into_iter().map(in_one).collect()
}

/// If a deadline passed, sentences that say which actors were blocked, in which calls, for how long.
fn deadline(recording: &Recording) -> Vec<Sentence> {
    let passed = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Deadline { limit_ns, interrupted, blocked } => {
            Some((wording::time_limit(recording, *limit_ns, *interrupted), blocked))
        }
        _ => None,
    });
    let passed: Vec<_> = passed.collect();
    let is_ended = matches!(recording.ending(), Some(Ending::Deadline | Ending::Interrupted));
    // If several traces ended their programs, the last ended the run.
    let last = passed.len().checked_sub(1).filter(|_| is_ended);
    let all = passed.into_iter().enumerate();
    all.flat_map(|(at, (limit, blocked))| deadline_of(recording, limit, blocked, Some(at) == last))
        .collect()
}

/// The same of one deadline; `ends`: that ended the run.
fn deadline_of(
    recording: &Recording,
    limit: String,
    blocked: &[Blocked],
    ends: bool,
) -> Vec<Sentence> {
    let mut lines = vec![match recording.header.origin {
        Origin::Programs(_) if ends => tr!("After {limit} the programs were ended.", limit),
        Origin::Programs(_) => tr!("After {limit} one of the traces ended its programs.", limit),
        _ => tr!("The deadline of {limit} passed, and the experiment was stopped.", limit),
    }];
    // An experiment that spins is in a call for moments; of a program every call counts in which it was ended.
    let is_told = |one: &&Blocked| {
        matches!(recording.header.origin, Origin::Programs(_)) || one.for_ns >= BLOCKED_NS
    };
    let blocked: Vec<_> = blocked.iter().filter(is_told).collect();
    if blocked.is_empty() {
        lines.push(match recording.header.origin {
            Origin::Programs(_) => tr!("No thread was in a call that is recorded.").to_owned(),
            _ => tr!("No thread was blocked in a call: one was busy elsewhere.").to_owned(),
        });
    }
    let plain = lines.into_iter().map(Sentence::plain);
    plain.chain(blocked.into_iter().map(|one| self::blocked(recording, one))).collect()
}

/// Who was blocked in which call, where, and for how long.
pub(super) fn blocked(recording: &Recording, one: &Blocked) -> Sentence {
    let source = one.call.site.as_ref();
    let at = at_source(source);
    let actor = labels::actor(&one.actor);
    let (function, span) = (one.call.function(), span_of(one.for_ns));
    let text = if one.for_ns >= BLOCKED_NS {
        tr!("{actor} had been blocked in {function}() for {span}{at}.", actor, function, span, at)
    } else {
        tr!("{actor} had just called {function}(){at}.", actor, function, at)
    };
    Sentence::at(text, recording, source)
}

/// Where a call was made, to stand behind it in a sentence; nothing if that is not known.
pub(super) fn at_source(source: Option<&Site>) -> String {
    source.map_or_else(String::new, |source| tr!(", at {source}", source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::script::{Script, here};
    use crate::trace::recording::Program;

    /// A server with a thread for each of two clients, of which the first is answered.
    fn threaded() -> Recording {
        let mut script = Script::connected();
        script.sends("client", 2, "hello").receives("server one", 3, 9, "hello");
        script.socket("another", 4, "AF_INET", "SOCK_STREAM");
        script.call("another", 4, "connect", &[("address", here(4000))], 0);
        script.located("another", 4, here(50001)).accepts("server", 1, 5, here(50001));
        script.located("server", 5, here(4000));
        script.sends("server one", 3, "HELLO").receives("client", 2, 9, "HELLO");
        script.call("server two", 5, "close", &[], 0).call("server one", 3, "close", &[], 0);
        let exited = || serde_json::json!({"event": "exited", "cpu_ns": 1, "status": {"code": 0}});
        script.json("server", exited());
        let mut recording = script.recording();
        let program = |name: &str| Program { name: name.to_owned(), argv: vec![name.to_owned()] };
        recording.header.origin =
            Origin::Programs(["server", "client", "another"].map(program).into());
        recording
    }

    fn drawn(view: &str, name: &str) -> String {
        let recording = threaded();
        let shown = only(&recording, &[name.to_owned()]);
        View::find(view).expect("a view").draw(&shown, 120).text()
    }

    #[test]
    fn a_name_that_nobody_has_hides_nobody_and_is_told_with_those_who_took_part() {
        let recording = threaded();
        let named =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(nobody(&recording, &named(&["client", "server one"])), None);
        let said = nobody(&recording, &named(&["cleint"])).expect("nobody is called so");
        let all = "another, client, server, server one, server two";
        assert_eq!(said, format!("nobody is called `cleint`, so all are shown: {all}"));
        assert!(only(&recording, &named(&["cleint"])).shown_events().count() > 0);
        assert_eq!(only(&recording, &named(&["cleint"])).into_owned(), recording);
        let names = named(&["client", "cleint"]);
        let said = nobody(&recording, &names).expect("nobody is called so");
        assert!(said.starts_with("nobody is called `cleint`; these took part: "), "{said}");
        assert_eq!(only(&recording, &names), only(&recording, &named(&["client"])));
    }

    #[test]
    fn whom_an_actor_talks_with_is_shown_whichever_thread_it_is() {
        let ladder = drawn("ladder", "client");
        assert!(ladder.contains("server one") && ladder.contains(r#""HELLO" 5 B"#), "{ladder}");
        for hidden in ["server two", "another", "unread", "not received"] {
            assert!(!ladder.contains(hidden), "{hidden}: {ladder}");
        }
        for view in ["timeline", "states", "trace"] {
            let picture = drawn(view, "client");
            assert!(picture.contains("server one"), "{view}: {picture}");
            assert!(!picture.contains("server two") && !picture.contains("another "), "{picture}");
        }
    }

    #[test]
    fn what_is_said_of_what_is_shown_comes_from_the_whole_recording() {
        let words = |table: &str| -> Vec<String> {
            let rows = table.lines();
            rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
        };
        let all = View::find("sockets").expect("the table").draw(&threaded(), 120).text();
        let shown = drawn("sockets", "client");
        let (all, rows) = (words(&all), words(&shown));
        let hidden: Vec<&String> = all.iter().filter(|row| !rows.contains(row)).collect();
        assert!(hidden.len() == 1 && hidden[0].contains("another"), "{hidden:?}");
        assert_eq!(shown.matches("accepted, closed\n").count(), 2, "{shown}");
    }

    #[test]
    fn what_goes_to_somebody_who_is_not_shown_has_no_arrow_and_did_not_get_lost() {
        let ladder = drawn("ladder", "another");
        assert!(ladder.contains("accept") && !ladder.contains('✗'), "{ladder}");
        let mut script = Script::new();
        script.udp("server", 1, 4000).udp("client", 2, 4001).udp("another", 3, 4002);
        script.sends_to("server", 1, "to you", 4001).receives_from("client", 2, 9, "to you", 4000);
        script.sends_to("server", 1, "hidden", 4002).receives_from("another", 3, 9, "hidden", 4000);
        let recording = script.recording();
        let shown = only(&recording, &["client".to_owned()]);
        let ladder = View::find("ladder").expect("a view").draw(&shown, 120).text();
        assert!(ladder.contains("hidden") && !ladder.contains("another"), "{ladder}");
        assert!(!ladder.contains("no socket there") && !ladder.contains('✗'), "{ladder}");
    }
}
