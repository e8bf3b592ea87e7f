//! Proofs: what is compared with what when a claim is checked. The sentence that is claimed stands in the lesson.
//!
//! A proof cannot be made without naming what was seen, so no claim can hold without evidence.

use std::borrow::Cow;
use std::fmt::Debug;
use std::io;
use std::time::Duration;

use super::sys;
use crate::trace::{Evidence, Relation, Value};

/// Comparisons that must all hold for a claim to hold.
#[derive(Clone, Debug)]
#[must_use = "a proof proves nothing until it is handed to Lab::claim"]
pub struct Proof {
    pub(super) evidence: Vec<Evidence>,
}

impl Proof {
    fn one(
        what: &'static str,
        saw: Value,
        relation: Relation,
        with: Value,
        with_what: Option<&'static str>,
        held: bool,
    ) -> Proof {
        let with_what = with_what.map(Cow::Borrowed);
        Proof {
            evidence: vec![Evidence {
                what: Cow::Borrowed(what),
                saw,
                relation,
                with,
                with_what,
                unit: None,
                held,
            }],
        }
    }

    fn in_ns(mut self) -> Proof {
        for evidence in &mut self.evidence {
            evidence.unit = Some(Cow::Borrowed("ns"));
        }
        self
    }

    /// This, and that as well.
    pub fn and(mut self, other: Proof) -> Proof {
        self.evidence.extend(other.evidence);
        self
    }

    /// Whether all of it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.evidence.is_empty() && self.evidence.iter().all(|evidence| evidence.held)
    }
}

/// What was seen is this value: `is("bytes received", n, 5)`.
pub fn is(what: &'static str, saw: impl Into<Value>, wanted: impl Into<Value>) -> Proof {
    let (saw, wanted) = (saw.into(), wanted.into());
    let held = saw == wanted;
    Proof::one(what, saw, Relation::Equal, wanted, None, held)
}

/// Two things that were seen are equal: `equal("client.local", a, "server.peer", b)`.
pub fn equal(
    what: &'static str,
    saw: impl Into<Value>,
    with_what: &'static str,
    with: impl Into<Value>,
) -> Proof {
    let (saw, with) = (saw.into(), with.into());
    let held = saw == with;
    Proof::one(what, saw, Relation::Equal, with, Some(with_what), held)
}

/// Two things that were seen differ.
pub fn differ(
    what: &'static str,
    saw: impl Into<Value>,
    with_what: &'static str,
    with: impl Into<Value>,
) -> Proof {
    let (saw, with) = (saw.into(), with.into());
    let held = saw != with;
    Proof::one(what, saw, Relation::Different, with, Some(with_what), held)
}

/// A number that was seen is at least this.
pub fn at_least(what: &'static str, saw: usize, least: usize) -> Proof {
    Proof::one(what, saw.into(), Relation::AtLeast, least.into(), None, saw >= least)
}

/// A number that was seen is less than another.
pub fn less(what: &'static str, saw: usize, with_what: &'static str, with: usize) -> Proof {
    Proof::one(what, saw.into(), Relation::Less, with.into(), Some(with_what), saw < with)
}

/// A time that was measured is at least what was asked. There is no opposite: a busy machine must not make a lesson lie.
pub fn lasted(what: &'static str, measured: Duration, asked: Duration) -> Proof {
    Proof::one(
        what,
        nanoseconds(measured),
        Relation::AtLeast,
        nanoseconds(asked),
        Some("asked"),
        measured >= asked,
    )
    .in_ns()
}

/// A time that was measured is at least another, which follows from something else: `no_sooner("2nd SYN", at, "by the settings", due)`.
pub fn no_sooner(
    what: &'static str,
    measured: Duration,
    with_what: &'static str,
    least: Duration,
) -> Proof {
    Proof::one(
        what,
        nanoseconds(measured),
        Relation::AtLeast,
        nanoseconds(least),
        Some(with_what),
        measured >= least,
    )
    .in_ns()
}

/// Two spans of time are the same: what the kernel says of its timers, not what was measured.
pub fn as_long(
    what: &'static str,
    saw: Duration,
    with_what: &'static str,
    with: Duration,
) -> Proof {
    equal(what, nanoseconds(saw), with_what, nanoseconds(with)).in_ns()
}

/// One moment of the run came before another; both in nanoseconds since the run began.
pub fn before(what: &'static str, first_ns: u64, with_what: &'static str, then_ns: u64) -> Proof {
    Proof::one(
        what,
        first_ns.into(),
        Relation::Before,
        then_ns.into(),
        Some(with_what),
        first_ns < then_ns,
    )
    .in_ns()
}

/// A call succeeded.
pub fn succeeded<T: Debug>(what: &'static str, answer: &io::Result<T>) -> Proof {
    outcome(what, answer, "ok")
}

/// A call failed with this error: `failed_with("second bind", &answer, "EADDRINUSE")`.
pub fn failed_with<T: Debug>(
    what: &'static str,
    answer: &io::Result<T>,
    errno: &'static str,
) -> Proof {
    outcome(what, answer, errno)
}

fn outcome<T>(what: &'static str, answer: &io::Result<T>, wanted: &'static str) -> Proof {
    let saw = answer.as_ref().map_or_else(sys::error_name, |_| Cow::Borrowed("ok"));
    let held = saw == wanted;
    Proof::one(
        what,
        Value::Text(saw),
        Relation::Equal,
        Value::Text(Cow::Borrowed(wanted)),
        None,
        held,
    )
}

fn nanoseconds(span: Duration) -> Value {
    Value::from(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}
