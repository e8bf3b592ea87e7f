//! What each actor's thread did from beginning to end: ran, was ready, was blocked in which call. Views draw from it; it draws
//! nothing.

use super::wording::safe;
use crate::event::Sample;

/// What the kernel says of a thread, in words: `asleep in recvfrom (wait_woken)`.
pub(super) fn doing(sample: &Sample) -> String {
    let state = match sample.state {
        Some('R') => "R: running or ready",
        Some('S') => "S: asleep",
        Some('D') => "D: asleep, not to be interrupted",
        Some('T' | 't') => "T: stopped",
        Some('Z') => "Z: ended, not yet collected",
        Some(_) => "another state",
        None => "gone: the kernel knows it no more",
    };
    let call = sample.syscall.as_ref().map_or(String::new(), |call| format!(" in {}", safe(call)));
    let place = sample.wait_channel.as_ref().map_or(String::new(), |place| format!(" ({})", safe(place)));
    format!("kernel: {state}{call}{place}")
}
