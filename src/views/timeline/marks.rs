//! The marks of a thread: which are shown, as what sign, and in what words.

use super::super::wording::{self, bytes, safe};
use crate::analysis::{Mark, MarkKind, ThreadTimeline};
use crate::i18n::tr;
use crate::picture::Ink;
use crate::trace::Name;

/// The marks that are shown.
pub(super) fn shown_marks(timeline: &ThreadTimeline) -> Vec<&Mark> {
    timeline.marks.iter().filter(|mark| mark.kind != MarkKind::Other).collect()
}

/// What a mark looks like.
pub(super) fn sign_of(mark: &Mark) -> (char, Ink) {
    match mark.kind {
        MarkKind::Sent(_) => ('▲', Ink::Strong),
        MarkKind::Received(..) | MarkKind::End | MarkKind::Accepted(_) => ('▼', Ink::Strong),
        MarkKind::TimedOut | MarkKind::FailedLate(_) | MarkKind::FailedAtOnce(_) => ('✗', Ink::Bad),
        MarkKind::Peeked(_)
        | MarkKind::InProgress
        | MarkKind::Interrupted(_)
        | MarkKind::Ready(_)
        | MarkKind::NoneReady
        | MarkKind::Other => ('┤', Ink::Warn),
    }
}

/// What the call came to, in words: `recv: EAGAIN at once`, `7 bytes from peer`.
pub(super) fn words_of(mark: &Mark) -> String {
    let name = safe(&mark.call);
    let from = |who: &Option<Name>| {
        who.as_ref().map_or_else(String::new, |who| tr!(" from {who}", who = wording::actor(who)))
    };
    match &mark.kind {
        MarkKind::Sent(count) => tr!("sends {bytes}", bytes = bytes(*count)),
        MarkKind::End => tr!("the end of the stream").to_owned(),
        MarkKind::Received(0, who) => tr!("an empty message{from}", from = from(who)),
        MarkKind::Received(count, who) => bytes(*count) + &from(who),
        MarkKind::Peeked(count) => tr!("looks at {bytes}", bytes = bytes(*count)),
        MarkKind::Accepted(who) => {
            tr!("a connection{whose}", whose = from(who))
        }
        MarkKind::TimedOut => tr!("EAGAIN: its own timeout expired").to_owned(),
        MarkKind::FailedLate(errno) => safe(errno),
        MarkKind::FailedAtOnce(errno) => {
            tr!("{name}: {errno} at once", name, errno = safe(errno))
        }
        MarkKind::Interrupted(signal) => {
            tr!("{function}: interrupted by {signal}", function = name, signal = safe(signal))
        }
        MarkKind::InProgress => tr!("{name}: EINPROGRESS", name),
        MarkKind::Ready(0) => tr!("{name}: timed out", name),
        MarkKind::NoneReady => tr!("{name}: none ready", name),
        MarkKind::Ready(ready) => tr!("{name}: {ready} ready", name, ready),
        MarkKind::Other => name,
    }
}
