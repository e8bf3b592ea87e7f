//! Lists of descriptors, as select and poll take them.

use std::borrow::Cow;
use std::fmt;

use super::Text;
use crate::trace::Value;

/// Some items of a list, and how many there are: a call may watch thousands of descriptors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed<T> {
    /// The first of them, at most [`Listed::SHOWN`].
    pub shown: Vec<T>,
    /// How many there are.
    pub count: usize,
}

/// Descriptors, as select(2) has them; none stands for a null pointer.
pub type FdList = Listed<i64>;
/// Descriptors with their events, as poll(2) has them.
pub type PollList = Listed<(i64, Text)>;

impl<T> Listed<T> {
    /// So many items are kept.
    pub const SHOWN: usize = 8;

    /// Keeps the start of these.
    pub fn of(all: impl ExactSizeIterator<Item = T>) -> Listed<T> {
        let count = all.len();
        Listed { shown: all.take(Self::SHOWN).collect(), count }
    }

    fn written(&self, one: impl Fn(&T) -> String) -> String {
        let shown = self.shown.iter().map(one).collect::<Vec<_>>().join(", ");
        if self.count > self.shown.len() {
            format!("[{shown}, … {} in all]", self.count)
        } else {
            format!("[{shown}]")
        }
    }

    fn read(text: &str, one: impl Fn(&str) -> Option<T>) -> Option<Listed<T>> {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        let (items, count) = match inside.rsplit_once("… ") {
            Some((items, count)) => (items, Some(count.strip_suffix(" in all")?.parse().ok()?)),
            None => (inside, None),
        };
        let items = items.split(", ").filter(|item| !item.is_empty());
        let shown: Vec<T> = items.map(one).collect::<Option<_>>()?;
        let count = count.unwrap_or(shown.len());
        Some(Listed { shown, count })
    }
}

impl FdList {
    pub(super) fn value(&self) -> Value {
        match self.count {
            0 => "NULL".into(),
            _ => self.written(i64::to_string).into(),
        }
    }

    pub(super) fn parse(text: &str) -> Option<FdList> {
        if text == "NULL" {
            return Some(FdList::default());
        }
        FdList::read(text, |fd| fd.parse().ok())
    }
}

impl fmt::Display for FdList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}

impl fmt::Display for PollList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|(fd, events)| format!("{fd}: {events}")))
    }
}

impl PollList {
    pub(super) fn parse(text: &str) -> Option<PollList> {
        PollList::read(text, |item| {
            let (fd, events) = item.split_once(": ")?;
            Some((fd.parse().ok()?, Cow::Owned(events.to_owned())))
        })
    }
}
