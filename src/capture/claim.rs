//! Proofs: the comparisons that decide a claim. The claim's sentence is in the lesson.
//!
//! A proof cannot be made without evidence, so no claim can hold without it.

use std::borrow::Cow;
use std::fmt::Debug;
use std::io;
use std::time::Duration;

use super::sys;
use crate::errno;
use crate::trace::{Evidence, Label, Relation, Return, Value, label};

/// Comparisons that must all hold for a claim to hold.
#[derive(Clone, Debug)]
#[must_use = "a proof proves nothing until it is handed to Lab::claim"]
pub struct Proof {
    pub(super) evidence: Vec<Evidence>,
}

impl Proof {
    fn one(
        what: impl Into<Label>,
        saw: Value,
        relation: Relation,
        with: Value,
        with_what: Option<Label>,
        held: bool,
    ) -> Proof {
        Proof {
            evidence: vec![Evidence {
                what: what.into(),
                saw,
                relation,
                with,
                with_what,
                unit: None,
                lag_ns: None,
                held,
                explanation: None,
            }],
        }
    }

    fn in_ns(mut self) -> Proof {
        for evidence in &mut self.evidence {
            evidence.unit = Some(Cow::Borrowed("ns"));
        }
        self
    }

    /// Both proofs together.
    pub fn and(mut self, other: Proof) -> Proof {
        self.evidence.extend(other.evidence);
        self
    }

    /// The same, where this system has another error than the one that was expected; both by Linux's names.
    pub(super) fn with_error(mut self, expected: &'static str, here: &'static str) -> Proof {
        let (expected, here) = (Value::from(errno::here(expected)), Value::from(errno::here(here)));
        let is_it = |evidence: &&mut Evidence| {
            evidence.relation == Relation::Equal && evidence.with == expected
        };
        for evidence in self.evidence.iter_mut().filter(is_it) {
            evidence.held = evidence.saw == here;
            evidence.with = here.clone();
        }
        self
    }

    /// Says of what does not hold what was expected, and what was seen instead.
    pub fn explained(mut self, explanation: impl Into<Label>) -> Proof {
        let explanation = explanation.into();
        for evidence in self.evidence.iter_mut().filter(|evidence| !evidence.held) {
            evidence.explanation = Some(explanation.clone());
        }
        self
    }

    /// Whether every comparison holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.evidence.is_empty() && self.evidence.iter().all(|evidence| evidence.held)
    }
}

/// An observed value equals an expected one: `eq("bytes received", n, 5)`.
pub fn eq(what: impl Into<Label>, saw: impl Into<Value>, wanted: impl Into<Value>) -> Proof {
    let (saw, wanted) = (saw.into(), wanted.into());
    let held = saw == wanted;
    Proof::one(what, saw, Relation::Equal, wanted, None, held)
}

/// Something is so, or is not: `yes_or_no("the file is there", path.exists(), false)`.
pub fn yes_or_no(what: impl Into<Label>, saw: bool, wanted: bool) -> Proof {
    let word = |is: bool| if is { label!("yes") } else { label!("no") };
    eq(what, word(saw), word(wanted))
}

/// Two observed values are equal: `eq_between("client.local", a, "server.peer", b)`.
pub fn eq_between(
    what: impl Into<Label>,
    saw: impl Into<Value>,
    with_what: impl Into<Label>,
    with: impl Into<Value>,
) -> Proof {
    let (saw, with) = (saw.into(), with.into());
    let held = saw == with;
    Proof::one(what, saw, Relation::Equal, with, Some(with_what.into()), held)
}

/// Two observed values differ.
pub fn ne_between(
    what: impl Into<Label>,
    saw: impl Into<Value>,
    with_what: impl Into<Label>,
    with: impl Into<Value>,
) -> Proof {
    let (saw, with) = (saw.into(), with.into());
    let held = saw != with;
    Proof::one(what, saw, Relation::Different, with, Some(with_what.into()), held)
}

/// An observed number is at least this.
pub fn at_least(what: impl Into<Label>, saw: usize, least: usize) -> Proof {
    Proof::one(what, saw.into(), Relation::AtLeast, least.into(), None, saw >= least)
}

/// An observed number is less than another.
pub fn less(what: impl Into<Label>, saw: usize, with_what: impl Into<Label>, with: usize) -> Proof {
    Proof::one(what, saw.into(), Relation::Less, with.into(), Some(with_what.into()), saw < with)
}

/// A measured time span, and how far the kernel's clock for it was behind when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    span: Duration,
    lag: Option<Duration>,
}

impl From<Duration> for Measured {
    fn from(span: Duration) -> Measured {
        Measured { span, lag: None }
    }
}

/// A span that the kernel counts in ticks, from the entry of this call: how long a timeout of the socket (SO_RCVTIMEO,
/// SO_SNDTIMEO) or a timer of TCP took. The clock of ticks may be behind when the call is made, by more than a tick if a
/// virtual processor was stopped, and the kernel counts by that clock. poll, select, epoll and sleep do not need this: their
/// timers use the monotonic clock.
#[must_use]
pub fn in_ticks(from: &Return, span: Duration) -> Measured {
    Measured { span, lag: from.lag_ns.map(Duration::from_nanos) }
}

/// A measured time is at least the requested one. There is no upper bound, because a busy machine would break it.
pub fn waited_at_least(
    what: impl Into<Label>,
    measured: impl Into<Measured>,
    asked: Duration,
) -> Proof {
    at_least_duration(what, measured, label!("asked"), asked)
}

/// A measured time is at least another, which follows from something else: `at_least_duration("2nd SYN", at, "by the settings", due)`.
/// If it falls short, the lag of the kernel's clock is added, and the evidence says so.
pub fn at_least_duration(
    what: impl Into<Label>,
    measured: impl Into<Measured>,
    with_what: impl Into<Label>,
    least: Duration,
) -> Proof {
    let Measured { span, lag } = measured.into();
    let lag = lag.filter(|lag| span < least && !lag.is_zero());
    let held = span + lag.unwrap_or_default() >= least;
    let (saw, with) = (Value::from(ns(span)), Value::from(ns(least)));
    let mut proof =
        Proof::one(what, saw, Relation::AtLeast, with, Some(with_what.into()), held).in_ns();
    for evidence in &mut proof.evidence {
        evidence.lag_ns = lag.map(ns);
    }
    proof
}

/// Two time spans are the same: values that the kernel reports for its timers, not measured ones.
pub fn eq_duration(
    what: impl Into<Label>,
    saw: Duration,
    with_what: impl Into<Label>,
    with: Duration,
) -> Proof {
    eq_between(what, ns(saw), with_what, ns(with)).in_ns()
}

/// One moment of the run came before another; both in nanoseconds since the run began.
pub fn before(
    what: impl Into<Label>,
    first_ns: u64,
    with_what: impl Into<Label>,
    then_ns: u64,
) -> Proof {
    Proof::one(
        what,
        first_ns.into(),
        Relation::Before,
        then_ns.into(),
        Some(with_what.into()),
        first_ns < then_ns,
    )
    .in_ns()
}

/// A call succeeded.
pub fn succeeded<T: Debug>(what: impl Into<Label>, answer: &io::Result<T>) -> Proof {
    outcome(what, answer, ok())
}

/// The error of a call whose timeout (`SO_RCVTIMEO`, `SO_SNDTIMEO`) is over: socket(7). Winsock tells it from that of a socket which
/// does not block.
pub const TIMED_OUT: &str = if cfg!(windows) { "ETIMEDOUT" } else { "EAGAIN" };

/// A call failed with this error, by whatever name this system has for it: `failed_with("second bind", &answer, "EADDRINUSE")`.
pub fn failed_with<T: Debug>(
    what: impl Into<Label>,
    answer: &io::Result<T>,
    errno: &'static str,
) -> Proof {
    outcome(what, answer, errno::here(errno).into())
}

/// How evidence shows that a call succeeded.
pub fn ok() -> Value {
    label!("ok").into()
}

fn outcome<T>(what: impl Into<Label>, answer: &io::Result<T>, wanted: Value) -> Proof {
    let saw = answer.as_ref().map_or_else(|error| sys::error_name(error).into(), |_| ok());
    eq(what, saw, wanted)
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a wait of 100 ms that took 99.65 ms by the monotonic clock.
    fn short_wait(lag: Option<Duration>) -> (bool, Option<u64>) {
        let measured = Measured { span: Duration::from_micros(99_650), lag };
        let proof = waited_at_least("recv", measured, Duration::from_millis(100));
        assert_eq!(proof.evidence[0].saw, Value::from(99_650_000_u64), "as it was measured");
        (proof.holds(), proof.evidence[0].lag_ns)
    }

    #[test]
    fn a_wait_that_is_short_by_less_than_the_lag_holds_and_its_evidence_names_the_lag() {
        assert_eq!(short_wait(Some(Duration::from_micros(6850))), (true, Some(6_850_000)));
        assert_eq!(short_wait(Some(Duration::from_micros(350))), (true, Some(350_000)));
    }

    #[test]
    fn a_wait_that_is_short_by_more_than_the_lag_is_broken() {
        assert_eq!(short_wait(Some(Duration::from_micros(349))), (false, Some(349_000)));
    }

    #[test]
    fn without_a_lag_the_measured_time_alone_counts() {
        assert_eq!(short_wait(None), (false, None));
        assert_eq!(short_wait(Some(Duration::ZERO)), (false, None));
    }

    #[test]
    fn another_error_takes_the_place_of_the_one_expected_and_of_nothing_else() {
        let code = errno::code(&errno::here("ENOTCONN")).expect("it is known");
        let answer: io::Result<()> = Err(io::Error::from_raw_os_error(code));
        let proof = failed_with("send", &answer, "EPIPE").and(eq("bytes", 5, 5));
        assert!(!proof.holds());
        let proof = proof.with_error("EPIPE", "ENOTCONN");
        assert!(proof.holds(), "{proof:?}");
        assert!(!proof.with_error("ENOTCONN", "EPIPE").holds());
    }

    #[test]
    fn a_wait_that_is_long_enough_says_nothing_of_the_lag() {
        let (asked, lag) = (Duration::from_millis(100), Some(Duration::from_millis(7)));
        let long = waited_at_least("recv", Measured { span: asked, lag }, asked);
        let plain = waited_at_least("recv", asked, asked);
        assert!(long.holds() && long.evidence == plain.evidence, "{long:?}");
    }
}
