//! What stands in a column: a call, or what somebody did besides, in as many rows as it needs.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::align::Differs;
use crate::analysis::{Action, ActionKind, Analysis, CallSpan, SocketUse};
use crate::i18n::tr;
use crate::picture::{Ink, Row, paragraph, span_of};
use crate::text::wrap;
use crate::trace::{Address, Output, Syscall, SyscallKind, Value};
use crate::views::wording::{self, ActorColors, argument, option_span, outcome_ink, safe, value};

/// A call that took this long says so, in nanoseconds.
const SLOW_NS: u64 = 1_000_000;

/// A call as a column shows it. What is compared is not what is shown: descriptors and ports differ in every run.
#[derive(Clone, Default)]
pub(super) struct Cell {
    /// True for words that stand for calls that are left out.
    pub(super) is_note: bool,
    pub(super) who: String,
    pub(super) who_ink: Ink,
    pub(super) function: String,
    pub(super) args: String,
    pub(super) args_short: String,
    pub(super) args_key: String,
    pub(super) outcome: String,
    pub(super) outcome_key: String,
    pub(super) outcome_ink: Ink,
    pub(super) took: String,
    /// The error, or nothing: calls that agree in this are of one kind.
    pub(super) error: String,
}

impl Cell {
    /// The cell of what an actor did; with colours it says who.
    pub(super) fn of(action: &Action, analysis: &Analysis, colors: Option<&ActorColors>) -> Cell {
        let said = |cell: Cell| Cell {
            who: colors.map_or_else(String::new, |_| wording::actor(&action.actor)),
            who_ink: colors.map_or(Ink::Plain, |colors| colors.ink(&action.actor)),
            ..cell
        };
        match action.what {
            ActionKind::Call(call) => said(Cell::of_call(&analysis.calls[call], analysis)),
            ActionKind::Deed(deed, errno) => {
                let errno = safe(errno.unwrap_or_default());
                let cell = Cell {
                    outcome: errno.clone(),
                    outcome_key: errno.clone(),
                    outcome_ink: Ink::Bad,
                    function: wording::label(deed),
                    ..Cell::default()
                };
                said(Cell { error: errno, ..cell })
            }
        }
    }

    pub(super) fn of_call(span: &CallSpan, analysis: &Analysis) -> Cell {
        let syscall = &span.call.syscall;
        // Which descriptor is free says nothing; and a setter is named for its option, whose level says nothing new.
        let args: Vec<(_, Value)> =
            syscall.args().0.into_iter().filter(|(name, _)| name != "fd").collect();
        let is_setter = matches!(syscall, Syscall::SetOption { .. });
        let shown = || args.iter().skip(usize::from(is_setter)).map(|(_, it)| it);
        let joined = |words: Vec<String>| format!("({})", words.join(", "));
        let (outcome, outcome_key, ink, error) = outcome(span);
        let took_ns =
            span.exit.as_ref().map_or(0, |back| back.at_ns.saturating_sub(span.entered_ns));
        let in_words =
            |words: fn(&Value) -> String| shown().map(|it| argument(syscall, it, words)).collect();
        let closed = which(span, analysis).map(|which| format!("({which})"));
        Cell {
            function: safe(span.call.function()),
            args: closed.clone().unwrap_or_else(|| joined(in_words(|it| short(it, 24)))),
            args_short: closed.unwrap_or_else(|| joined(in_words(shorter))),
            args_key: joined(args.iter().map(|(_, it)| key(it)).collect()),
            outcome,
            outcome_key,
            outcome_ink: ink,
            took: if took_ns >= SLOW_NS { span_of(took_ns) } else { String::new() },
            error,
            ..Cell::default()
        }
    }

    /// Words that stand for calls that are left out.
    pub(super) fn note(words: String) -> Cell {
        Cell { is_note: true, function: words, ..Cell::default() }
    }

    pub(super) fn is_like(&self, other: &Cell) -> bool {
        (&self.who, &self.function, &self.error) == (&other.who, &other.function, &other.error)
    }

    /// Whether in rows of this width no word of it is broken, but for the data that is shown, which may be of any length.
    pub(super) fn is_whole_in(&self, width: usize) -> bool {
        let rows = self.rows(width, Differs::default());
        let rows: Vec<String> = rows.iter().map(Row::text).collect();
        let has = |text: &str| words(text).all(|word| rows.iter().any(|row| row.contains(word)));
        let said = [&self.who, &self.function, &self.outcome];
        // The bracket may stand in the row above.
        let args = [&self.args, &self.args_short].map(|args| args.trim_start_matches('('));
        said.into_iter().all(|text| has(text)) && args.into_iter().any(has)
    }

    /// The cell in rows of this width: one if it fits, or the outcome below the call.
    pub(super) fn rows(&self, width: usize, differs: Differs) -> Vec<Row> {
        if self.is_note {
            return paragraph(&self.function, width, Ink::Plain);
        }
        let ink = |differs: bool| if differs { Ink::Strong } else { Ink::Plain };
        let who = || {
            let mut row = Row::new();
            if !self.who.is_empty() {
                row.push(format!("{} ", self.who), self.who_ink);
            }
            row.with(self.function.clone(), ink(differs.function))
        };
        let outcome = |row: Row, arrow: &str, took: bool| {
            if self.outcome.is_empty() {
                return row;
            }
            let outcome_ink = if self.outcome_ink == Ink::Plain {
                ink(differs.outcome)
            } else {
                self.outcome_ink
            };
            let row = row.with(arrow, Ink::Faint).with(self.outcome.clone(), outcome_ink);
            if took && !self.took.is_empty() {
                row.with(format!("  {}", self.took), Ink::Faint)
            } else {
                row
            }
        };
        let call = |args: &String| who().with(args.clone(), ink(differs.args));
        let took = !self.took.is_empty();
        let one = |args: &String, took: bool| {
            Some(outcome(call(args), " → ", took)).filter(|row| row.width() <= width)
        };
        if let Some(row) =
            one(&self.args, true).or_else(|| if took { None } else { one(&self.args_short, false) })
        {
            return vec![row];
        }
        let mut rows = Vec::new();
        if let Some(above) =
            [&self.args, &self.args_short].into_iter().map(call).find(|row| row.width() <= width)
        {
            rows.push(above);
        } else {
            let open = who().with("(", ink(differs.args));
            let open_fits = open.width() <= width || who().width() > width;
            rows.push(if open_fits { open } else { who() });
            let args = [&self.args, &self.args_short]
                .into_iter()
                .find(|args| args.width() < width)
                .unwrap_or(&self.args_short);
            let args = if open_fits { args.trim_start_matches('(') } else { args };
            let both =
                outcome(Row::new().with(format!("  {args}"), ink(differs.args)), " → ", took);
            if both.width() <= width {
                return vec![rows.remove(0).cut(width), both];
            }
            rows.extend(
                wrap(args, width - 2)
                    .iter()
                    .map(|line| Row::new().with(format!("  {line}"), ink(differs.args))),
            );
        }
        let below = outcome(Row::new(), "  → ", true);
        if below.width() <= width {
            rows.push(below);
        } else {
            let mut lines = wrap(&self.outcome, width - 4).into_iter();
            let outcome_ink = if self.outcome_ink == Ink::Plain {
                ink(differs.outcome)
            } else {
                self.outcome_ink
            };
            rows.push(
                Row::new()
                    .with("  → ", Ink::Faint)
                    .with(lines.next().unwrap_or_default(), outcome_ink),
            );
            rows.extend(lines.map(|line| Row::new().with(format!("    {line}"), outcome_ink)));
        }
        rows.into_iter().filter(|row| row.width() > 0).map(|row| row.cut(width)).collect()
    }
}

/// What has no place to be broken at: words outside of quotes, and of these what stands between wide characters.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends = |it: char| it == ' ' || it.width().is_some_and(|width| width > 1);
    text.split('"').step_by(2).flat_map(move |text| text.split(ends))
}

/// Which socket is closed, where the column closes several: one that listens, or one that was accepted.
fn which(span: &CallSpan, analysis: &Analysis) -> Option<&'static str> {
    let socket =
        span.socket.filter(|_| span.is(SyscallKind::Close)).map(|at| &analysis.sockets[at])?;
    match socket.usage() {
        SocketUse::Listening => Some(tr!("listener")),
        SocketUse::Accepted => Some(tr!("connection")),
        _ => None,
    }
}

/// What the call gave back: as it is shown, as it is compared, its ink, and the error.
fn outcome(span: &CallSpan) -> (String, String, Ink, String) {
    let Some(back) = &span.exit else {
        return ("…".to_owned(), "…".to_owned(), Ink::Warn, "…".to_owned());
    };
    let ink = outcome_ink(&span.call.syscall, &back.outcome);
    if let Some(errno) = span.errno() {
        return (safe(errno), errno.to_owned(), ink, errno.to_owned());
    }
    let result = span.result().unwrap_or(0);
    let ok = tr!("ok");
    let descriptor = matches!(span.call.kind(), SyscallKind::Socket | SyscallKind::Accept);
    let waits = matches!(
        span.call.kind(),
        SyscallKind::Select | SyscallKind::Poll | SyscallKind::EpollWait
    );
    let (mut shown, mut compared) = match result {
        _ if descriptor => (ok.to_owned(), "ok".to_owned()),
        number if span.sending().is_some() || span.receives() => {
            (number.to_string(), number.to_string())
        }
        // That none is ready is a result.
        0 if !waits => (ok.to_owned(), "ok".to_owned()),
        number => (number.to_string(), number.to_string()),
    };
    for (name, it) in back.out.args().0.iter().filter(|(name, _)| name != "socket") {
        // What a getter of an option that is a time gave back is a time.
        let time = match (&span.call.syscall, &back.out) {
            (Syscall::GetOption { option }, Output::Value(_)) => option_span(option, it),
            _ => None,
        };
        if let Some(time) = time {
            (shown, compared) = (time, key(it));
            continue;
        }
        let mut text = short(it, 24);
        if &**name == "address" && (descriptor || span.receives()) {
            text = tr!("from {address}", address = text);
        }
        shown = if shown == ok { text } else { format!("{shown} {text}") };
        compared = format!("{compared} {}", key(it));
    }
    (shown, compared, ink, String::new())
}

/// A value in few words: of a path its last part.
fn short(it: &Value, bytes: usize) -> String {
    let words = value(it, bytes);
    match (it, words.rsplit_once('/')) {
        (Value::Address(Address::Unix(Some(_))), Some((folder, name))) if !folder.is_empty() => {
            format!("…/{name}")
        }
        _ => words,
    }
}

/// In fewer words: constants without their prefix.
fn shorter(it: &Value) -> String {
    let words = short(it, 8);
    let plain = ["AF_", "SOCK_", "IPPROTO_"].iter().find_map(|prefix| words.strip_prefix(prefix));
    plain.map_or_else(|| words.clone(), str::to_owned)
}

/// What is compared of a value: of an address not the port that the kernel chose.
fn key(it: &Value) -> String {
    match it {
        Value::Address(Address::Inet(at)) => format!("{} {}", at.ip(), at.port() == 0),
        Value::Address(Address::Inet6(at)) => format!("{} {}", at.ip(), at.port() == 0),
        Value::Address(Address::Unix(path)) => format!("path {}", path.is_some()),
        other => other.to_string(),
    }
}
