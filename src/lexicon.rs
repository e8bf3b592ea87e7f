//! Ground floor: what recordings say in English, as it is shown. A recording keeps the experiment's own words, so that it can
//! be replayed in every language; whoever shows them asks here: [`shown`].
//!
//! A label is an entry of the catalogue, in the context `recording`, or made of entries by a rule below. What is neither stays
//! as it is: names of calls and errors, addresses, data.

use std::borrow::Cow;

use crate::i18n::{Language, find, spoken, tr};

/// The label in the language that is spoken.
#[must_use]
pub fn shown(label: &str) -> Cow<'_, str> {
    translated(label).unwrap_or(Cow::Borrowed(label))
}

/// The label in the language that is spoken; `None` in English, and if neither an entry nor a rule knows it.
#[must_use]
pub fn translated(label: &str) -> Option<Cow<'static, str>> {
    if spoken() == Language::ENGLISH {
        return None;
    }
    entry(label).map(Cow::Borrowed).or_else(|| composed(label).map(Cow::Owned))
}

fn entry(label: &str) -> Option<&'static str> {
    find(Some("recording"), label)
}

/// `client.recv`, `alice received`, `1st connect`, `client types hello`: made of a part that has an entry, and another.
fn composed(label: &str) -> Option<String> {
    if let Some((who, call)) = label.split_once('.')
        && is_code(call)
    {
        return Some(format!("{}.{call}", entry(who)?));
    }
    if let Some(who) = label.strip_suffix(" received") {
        return Some(tr!(context "recording", "{who} received", who = person(who)?));
    }
    if let Some(who) = label.strip_suffix("'s") {
        return Some(tr!(context "recording", "{who}'s", who = entry(who)?));
    }
    if let Some((who, what)) = label.split_once(" types ") {
        let who = person(who)?;
        return Some(if what == "Ctrl-D" {
            tr!(context "recording", "{who} types Ctrl-D", who)
        } else {
            format!("{} {what}", tr!(context "recording", "{who} types", who))
        });
    }
    if let Some(what) = label.strip_prefix("shows ") {
        return Some(format!("{} {what}", tr!(context "recording", "shows")));
    }
    if let Some((number, place)) =
        label.strip_prefix("fd ").and_then(|rest| rest.split_once(" at "))
    {
        let number = number.parse::<u32>().ok()?;
        return Some(tr!(context "recording", "fd {number} at {place}", number, place));
    }
    if let Some(span) = label.strip_prefix("timeout of ") {
        return Some(tr!(context "recording", "timeout of {span}", span));
    }
    if let Some((nth, what)) = ordinal(label) {
        return match what {
            "pause" => Some(tr!(context "recording", "{nth} pause", nth)),
            "copy" => Some(tr!(context "recording", "{nth} copy", nth)),
            "SYN" | "FIN" => Some(tr!(context "recording", "{nth} {segment}", nth, segment = what)),
            call => is_code(call).then(|| tr!(context "recording", "{nth} {call}", nth, call)),
        };
    }
    // `client SYN · server SYN,ACK`: who sent which segment.
    let segment = |one: &str| {
        one.split_once(' ').and_then(|(who, flags)| Some(format!("{} {flags}", entry(who)?)))
    };
    label
        .contains(" · ")
        .then(|| label.split(" · ").map(segment).collect::<Option<Vec<_>>>())
        .flatten()
        .map(|all| all.join(" · "))
}

/// Somebody: a part that has an entry, or a person's name, which stays.
fn person(who: &str) -> Option<&str> {
    entry(who).or(["alice", "bob", "carol", "tcp", "udp"].contains(&who).then_some(who))
}

/// What a program calls something: `recv`, `SO_ERROR`.
fn is_code(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// `2nd SYN` as 2 and `SYN`.
fn ordinal(label: &str) -> Option<(u32, &str)> {
    let (number, what) = label.split_once(' ')?;
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| number.strip_suffix(ending))?;
    Some((digits.parse().ok()?, what))
}
