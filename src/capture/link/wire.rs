//! [`Wire`], through which an experiment controls the link and looks at its frames.

use std::fs::File;
use std::io::{self, PipeWriter, Write};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::forwarder::Forwarder;
use super::mirror::Mirror;
use super::rules::Rules;
use super::topology::Topology;
use crate::capture::{Lab, Recorder, Result, sys};
use crate::trace::packet::{Arp, Ethernet, Frame, Ip, Tcp};
use crate::trace::rule::FrameMatch;
use crate::trace::{FailedCall, Failure, LINK, Name};

/// Controls the link. A rule applies to the frames sent after it was added.
#[derive(Clone, Debug)]
pub struct Wire {
    shared: Arc<Shared>,
}

/// What an experiment's threads and the forwarding thread share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) changed: Condvar,
    wake: PipeWriter,
    /// Whether frames stay in memory, for [`Wire::seen`] and [`Wire::until`].
    keeps_frames: bool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) rules: Rules,
    /// Every frame so far; entered before it is delivered, so that no effect of a frame is seen before the frame itself.
    pub(super) seen: Vec<CapturedFrame>,
    /// How many frames were forwarded and not recorded.
    pub(super) left_out: u64,
    /// The held frames are to be delivered; set back when they have been.
    pub(super) releasing: bool,
    /// How many of `seen` have also been delivered, scheduled or dropped.
    pub(super) sent_on: usize,
    /// Requests to wait for an idle link, and the last request up to which the link was idle (`all_taken`: apart from
    /// delayed frames).
    pub(super) idle_requests: u64,
    pub(super) all_delivered: u64,
    pub(super) all_taken: u64,
}

/// A frame seen on the link, with its time. It dereferences to the [`Frame`].
#[derive(Clone, Debug)]
pub struct CapturedFrame {
    /// When it was read from the device, in nanoseconds since the run began.
    pub at_ns: u64,
    pub frame: Arc<Frame>,
}

impl Deref for CapturedFrame {
    type Target = Frame;
    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl CapturedFrame {
    /// Its Ethernet header, or [`Failure::NoHeader`]; the other layers likewise.
    pub fn ethernet(&self) -> Result<&Ethernet> {
        self.has(&self.frame.layers.ethernet, "Ethernet header")
    }

    pub fn arp(&self) -> Result<&Arp> {
        self.has(&self.frame.layers.arp, "ARP message")
    }

    pub fn ip(&self) -> Result<&Ip> {
        self.has(&self.frame.layers.ip, "IP header")
    }

    pub fn tcp(&self) -> Result<&Tcp> {
        self.has(&self.frame.layers.tcp, "TCP header")
    }

    fn has<'l, T>(&self, layer: &'l Option<T>, name: &'static str) -> Result<&'l T> {
        layer.as_ref().ok_or_else(|| {
            Failure::NoHeader { frame: self.frame.frame, header: name.into() }.into()
        })
    }
}

impl Wire {
    /// Starts the link of an experiment's network on its device.
    pub(in crate::capture) fn start(lab: &Lab, tap: File) -> Result<Wire> {
        let failing = lab.clone();
        let fail = move |error: &io::Error| {
            let call = FailedCall::unknown(&Name::from(LINK), sys::error_name(error));
            failing.fail_now(&Failure::Call(call).into());
        };
        let topology = Box::new(Mirror::new());
        let rules = Rules::default();
        Ok(Wire::connect(lab.recorder_arc(), vec![tap], topology, rules, None, fail)?)
    }

    /// Starts the forwarding thread on these devices; `fail` is told why it had to stop. Without a bound `most` every frame is
    /// recorded, and kept for [`Wire::seen`].
    pub(super) fn connect(
        recorder: &Arc<Recorder>,
        devices: Vec<File>,
        topology: Box<dyn Topology>,
        rules: Rules,
        most: Option<u64>,
        fail: impl FnOnce(&io::Error) + Send + 'static,
    ) -> io::Result<Wire> {
        let (listen, wake) = io::pipe()?;
        let state = Mutex::new(State { rules, ..State::default() });
        let keeps_frames = most.is_none();
        let shared = Arc::new(Shared { state, changed: Condvar::new(), wake, keeps_frames });
        let most = most.unwrap_or(u64::MAX);
        Forwarder::start(recorder, devices, topology, listen, shared.clone(), most, fail)?;
        Ok(Wire { shared })
    }

    // ---- rules ----

    /// These frames never arrive: `wire.drop(first(Syn))`.
    pub fn drop(&self, frames: impl Into<FrameMatch>) {
        self.shared.lock().rules.drop(frames.into());
    }

    /// These frames arrive this much later: `wire.delay(every(Anything), lab.span("delay")?)`.
    pub fn delay(&self, frames: impl Into<FrameMatch>, by: Duration) {
        self.shared.lock().rules.delay(frames.into(), by);
    }

    /// These frames arrive twice.
    pub fn duplicate(&self, frames: impl Into<FrameMatch>) {
        self.shared.lock().rules.duplicate(frames.into());
    }

    /// These frames arrive right after the next one from the same end, which overtakes them.
    pub fn reorder(&self, frames: impl Into<FrameMatch>) {
        self.shared.lock().rules.reorder(frames.into());
    }

    /// These frames are held until [`Wire::let_go`], so that an experiment can look at both ends. The kernel's timers go on: an end
    /// that receives nothing for a second sends again, and that frame overtakes the held ones.
    pub fn hold(&self, frames: impl Into<FrameMatch>) {
        self.shared.lock().rules.hold(frames.into());
    }

    /// Delivers the held frames, and returns when they have been delivered.
    pub fn let_go(&self) {
        let mut state = self.shared.lock();
        state.releasing = true;
        let _ = (&self.shared.wake).write_all(&[0]);
        while state.releasing {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Cuts the link: no packet arrives, in either direction, until [`Wire::plug_in`]. ARP is still answered.
    pub fn cut(&self) {
        self.shared.lock().rules.cut();
    }

    /// Restores the link. Packets lost in the meantime stay lost.
    pub fn plug_in(&self) {
        self.shared.lock().rules.plug_in();
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.shared.lock().rules.clear();
    }

    // ---- frames ----

    /// The frames of that kind that were sent so far, in order, whether or not they arrived: `wire.seen(Syn)`.
    pub fn seen(&self, frames: impl Into<FrameMatch>) -> Vec<CapturedFrame> {
        let frames = frames.into();
        let state = self.shared.lock();
        let counted =
            state.seen.iter().filter(|seen| frames.counts(&seen.frame.layers, seen.frame.sent_by));
        counted
            .zip(1..)
            .filter(|(_, number)| frames.selects(*number))
            .map(|(seen, _)| seen.clone())
            .collect()
    }

    /// Waits until such a frame has been sent, counted from the beginning of the run: `wire.until(nth(2, Syn))`. Unless a rule
    /// delays or holds it, it has been delivered by then. If it never comes only the run's deadline ends the wait.
    pub fn until(&self, frames: impl Into<FrameMatch>) -> CapturedFrame {
        let frames = frames.into();
        let mut missing = frames.completed_by();
        let mut looked_at = 0;
        let mut state = self.shared.lock();
        loop {
            for seen in &state.seen[looked_at..state.sent_on] {
                if frames.counts(&seen.frame.layers, seen.frame.sent_by) {
                    missing -= 1;
                    if missing == 0 {
                        return seen.clone();
                    }
                }
            }
            looked_at = state.sent_on;
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until no frame is in transit: every frame sent so far has been read, and every delayed one delivered. Frames that
    /// a timer of the kernel will send later do not count.
    pub fn settle(&self) {
        self.wait_until_idle(|state| state.all_delivered);
    }

    /// How many frames were forwarded and not recorded, because there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.shared.lock().left_out
    }

    /// Waits until every frame sent so far has been read.
    pub fn settle_now(&self) {
        self.wait_until_idle(|state| state.all_taken);
    }

    fn wait_until_idle(&self, up_to: fn(&State) -> u64) {
        let mut state = self.shared.lock();
        state.idle_requests += 1;
        let request = state.idle_requests;
        let _ = (&self.shared.wake).write_all(&[0]);
        while up_to(&state) < request {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(&self, frame: CapturedFrame) {
        if self.keeps_frames {
            self.lock().seen.push(frame);
        }
    }
}
