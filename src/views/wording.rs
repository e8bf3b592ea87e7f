//! How calls, arguments and outcomes are put into words: what trace, side-by-side and the tables share.
//!
//! A recording may come from a file that anybody wrote, so every text goes through [`safe`] before it is shown.

use crate::i18n::{either, said};
use crate::lexicon::shown;
use crate::picture::{Ink, span_of};
use crate::trace::packet::{End, Fate};
use crate::trace::{Address, Args, Data, Event, Name, Outcome, Value};

/// The text, what a terminal might obey, hide or reorder written out.
pub(crate) fn safe(text: &str) -> String {
    crate::text::safe(text).into_owned()
}

/// The actors in the order in which they came, which is also the order of their colours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cast(Vec<Name>);

impl Cast {
    /// The actor's place; a new one gets the next.
    pub fn meet(&mut self, actor: &Name) -> usize {
        self.place(actor).unwrap_or_else(|| {
            self.0.push(actor.clone());
            self.0.len() - 1
        })
    }

    /// The actor's place, if it has come on.
    pub fn place(&self, actor: &Name) -> Option<usize> {
        self.0.iter().position(|known| known == actor)
    }

    /// The ink of the actor, if it has come on.
    pub fn ink(&self, actor: &Name) -> Ink {
        self.place(actor).map_or(Ink::Faint, Ink::Of)
    }

    /// How many have come.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Everyone who speaks in these events, except the lab itself.
    pub fn of(events: &[&Event]) -> Cast {
        let mut cast = Cast::default();
        for event in events.iter().filter(|event| &*event.actor != "lab") {
            cast.meet(&event.actor);
        }
        cast
    }
}

/// A value in words; of data at most this many bytes.
pub(crate) fn value(value: &Value, bytes: usize) -> String {
    match value {
        Value::Data(data) => shorten(data, bytes).to_string(),
        Value::Address(at) => safe(&address(at)),
        other => safe(&other.to_string()),
    }
}

/// An address in words; of a socket without one, that it has none.
pub(crate) fn address(address: &Address) -> String {
    if *address == Address::Unix(None) {
        shown(&address.to_string()).into_owned()
    } else {
        address.to_string()
    }
}

/// The start of the data, cut between characters.
fn shorten(data: &Data, bytes: usize) -> Data {
    let mut end = data.kept.len().min(bytes);
    let inside_character = |at: usize| data.kept.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    for _ in 0..3 {
        if end > 0 && inside_character(end) {
            end -= 1;
        }
    }
    Data { bytes: data.bytes, kept: data.kept[..end].to_vec() }
}

/// `(3, 127.0.0.1:4000)`; of data at most this many bytes.
pub(crate) fn arguments(args: &Args, bytes: usize) -> String {
    let all: Vec<String> = args
        .0
        .iter()
        .map(|(_, it)| span_option(args, it).unwrap_or_else(|| value(it, bytes)))
        .collect();
    format!("({})", all.join(", "))
}

/// The value of a socket option that is a time, as a time: `200 ms`. It is recorded in microseconds.
pub(crate) fn span_option(args: &Args, it: &Value) -> Option<String> {
    let times = ["SO_RCVTIMEO", "SO_SNDTIMEO", "SO_LINGER", "TCP_USER_TIMEOUT"];
    let is_time = |name: &Value| matches!(name, Value::Text(name) if times.contains(&&**name));
    match it {
        Value::Number(0)
            if args.get("option").is_some_and(is_time) && args.get("value") == Some(it) =>
        {
            Some(no_time(args).to_owned())
        }
        Value::Number(number)
            if args.get("option").is_some_and(is_time) && args.get("value") == Some(it) =>
        {
            Some(span_of(u64::try_from(*number).unwrap_or(0).saturating_mul(1000)))
        }
        _ => None,
    }
}

/// What the kernel filled in, each value after a space: ` "hello" from 127.0.0.1:4000`, ` ESTABLISHED rtt 35 µs`.
pub(crate) fn filled_in(function: &str, out: &Args, bytes: usize) -> String {
    let mut words = String::new();
    let names_sender = function == "accept" || out.get("data").is_some();
    for (name, it) in out.0.iter().filter(|(name, _)| name != "socket") {
        let shown = value(it, bytes);
        words.push_str(&match (&**name, it) {
            ("address", _) if names_sender => said!(" from {shown}", " 来自 {shown}"),
            ("address" | "data" | "state", _) => format!(" {shown}"),
            ("value", _) => format!(" [{shown}]"),
            (name, Value::Number(number)) if name.ends_with("_us") => {
                let span = span_of(u64::try_from(*number).unwrap_or(0).saturating_mul(1000));
                format!(" {} {span}", safe(name.trim_end_matches("_us")))
            }
            (name, _) => format!(" {} {shown}", safe(name)),
        });
    }
    words
}

/// What 0 means: a limit that is 0 is none, but to linger for 0 seconds is not to linger.
fn no_time(args: &Args) -> &'static str {
    if matches!(args.get("option"), Some(Value::Text(name)) if name == "SO_LINGER") {
        "0 s"
    } else {
        either("no limit", "不限时")
    }
}

/// Errors are bad, except those by which a non-blocking socket says `not yet`.
pub(crate) fn outcome_ink(outcome: &Outcome) -> Ink {
    match outcome {
        Outcome::Result(_) => Ink::Plain,
        Outcome::Errno(name)
            if matches!(&**name, "EAGAIN" | "EWOULDBLOCK" | "EINPROGRESS" | "EALREADY") =>
        {
            Ink::Warn
        }
        Outcome::Errno(_) => Ink::Bad,
    }
}

/// What became of a frame, in a word.
pub(crate) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Passed => either("passed", "通过"),
        Fate::Delayed => either("delayed", "推迟"),
        Fate::Duplicated => either("duplicated", "送两次"),
        Fate::Held => either("held back", "扣住"),
        Fate::Dropped => either("dropped", "丢弃"),
        Fate::Cut => either("lost", "丢失"),
    }
}

/// `1 byte`, `5 bytes`.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        1 => said!("1 byte", "1 字节"),
        _ => said!("{count} bytes", "{count} 字节"),
    }
}

/// An end of the wire, as it is called.
pub(crate) fn end(end: End) -> String {
    shown(&end.to_string()).into_owned()
}

/// The ending of an English noun of which there are so many.
pub(crate) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
