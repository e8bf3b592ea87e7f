//! The thread that forwards frames across the link, whatever its topology: rules, delays, holding, recording.
//!
//! The thread reads the devices, asks the [`Topology`] where a frame goes, applies the rules, records the frame and delivers it. A
//! frame is recorded before it is delivered, so its effects come after it in the recording. Delayed frames wait in a heap and
//! do not hold up others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::decode::decode;
use super::topology::{Crossing, Destination, Route, Topology};
use super::wire::{CapturedFrame, Shared};
use crate::capture::{Recorder, sys};
use crate::trace::packet::{Disposition, End, Frame, LinkAction, Raw};
use crate::trace::rule::Rule;
use crate::trace::{Address, EventKind, LINK, Name};

/// A frame in transit, as it will be delivered.
#[derive(Debug)]
struct PendingFrame {
    number: u64,
    /// The device that it came from, and which end of its conversation sent it.
    sender: (usize, End),
    to: Destination,
    bytes: Vec<u8>,
    /// Whether its delivery is recorded as an event of its own; not for frames that pass at once.
    delivery_is_recorded: bool,
}

/// A delayed frame; the heap is ordered by `due` alone.
#[derive(Debug)]
struct Delayed {
    /// Its time, and its place among those due at the same time.
    due: (u64, u64),
    frame: PendingFrame,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Delayed) -> bool {
        self.due == other.due
    }
}
impl Eq for Delayed {}
impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Delayed) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Delayed {
    fn cmp(&self, other: &Delayed) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

/// The state of the forwarding thread.
pub(super) struct Forwarder {
    recorder: Arc<Recorder>,
    name: Name,
    devices: Vec<File>,
    topology: Box<dyn Topology>,
    listen: PipeReader,
    shared: Arc<Shared>,
    delayed: BinaryHeap<Reverse<Delayed>>,
    /// Frames that wait to be overtaken or released.
    held: Vec<PendingFrame>,
    frames: u64,
    /// So many frames are recorded; what comes later is only forwarded, and counted.
    most: u64,
    order: u64,
}

impl Forwarder {
    /// Starts the forwarding thread on these devices. A byte on `listen` wakes it; `fail` is told why it had to stop.
    pub(super) fn start(
        recorder: &Arc<Recorder>,
        devices: Vec<File>,
        topology: Box<dyn Topology>,
        listen: PipeReader,
        shared: Arc<Shared>,
        most: u64,
        fail: impl FnOnce(&io::Error) + Send + 'static,
    ) -> io::Result<()> {
        let mut forwarder = Forwarder {
            recorder: recorder.clone(),
            name: Name::from(LINK),
            devices,
            topology,
            listen,
            shared,
            delayed: BinaryHeap::new(),
            held: Vec::new(),
            frames: 0,
            most,
            order: 0,
        };
        thread::Builder::new().name("wire".to_owned()).spawn(move || {
            if let Err(error) = forwarder.run() {
                fail(&error);
            }
        })?;
        Ok(())
    }

    /// Forwards frames until the process ends.
    fn run(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let requests = self.shared.lock().idle_requests;
            while self.forward_waiting(&mut buffer)? {}
            self.report_idle(requests);
            let now_ns = self.recorder.now_ns();
            let wait = self
                .delayed
                .peek()
                .map(|Reverse(next)| Duration::from_nanos(next.due.0.saturating_sub(now_ns)));
            let woken = sys::wait_readable(&self.devices, &self.listen, wait)?;
            if woken && self.listen.read(&mut [0; 64])? == 0 {
                return Ok(());
            }
        }
    }

    /// Delivers what is due, and takes one frame from each device. Returns false if there was none.
    fn forward_waiting(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let mut any = false;
        for from in 0..self.devices.len() {
            self.deliver_due()?;
            self.deliver_released()?;
            match self.devices[from].read(buffer) {
                Ok(length) => self.receive(from, &buffer[..length])?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            any = true;
        }
        Ok(any)
    }

    fn report_idle(&self, requests: u64) {
        let mut state = self.shared.lock();
        if state.all_delivered < requests {
            state.all_taken = requests;
            if self.delayed.is_empty() {
                state.all_delivered = requests;
            }
            self.shared.changed.notify_all();
        }
    }

    fn deliver_due(&mut self) -> io::Result<()> {
        while let Some(Reverse(next)) = self.delayed.peek()
            && next.due.0 <= self.recorder.now_ns()
        {
            let Some(Reverse(next)) = self.delayed.pop() else {
                break;
            };
            self.deliver(next.frame)?;
        }
        Ok(())
    }

    fn deliver_released(&mut self) -> io::Result<()> {
        if self.shared.lock().releasing {
            for frame in std::mem::take(&mut self.held) {
                self.deliver(frame)?;
            }
            self.shared.lock().releasing = false;
            self.shared.changed.notify_all();
        }
        Ok(())
    }

    /// Delivers a frame, and after it the frames that it has overtaken.
    fn deliver(&mut self, frame: PendingFrame) -> io::Result<()> {
        if frame.delivery_is_recorded {
            self.recorder.push(&self.name, EventKind::Delivered { frame: frame.number });
        }
        self.write(&frame)?;
        while let Some(at) = self.held.iter().position(|held| held.sender == frame.sender) {
            let overtaken = self.held.remove(at);
            if overtaken.delivery_is_recorded {
                self.recorder.push(&self.name, EventKind::Delivered { frame: overtaken.number });
            }
            self.write(&overtaken)?;
        }
        Ok(())
    }

    fn write(&mut self, frame: &PendingFrame) -> io::Result<()> {
        match frame.to {
            Destination::Device(at) => self.devices[at].write_all(&frame.bytes),
            Destination::AllBut(sender) => {
                let mut others =
                    self.devices.iter_mut().enumerate().filter(|(at, _)| *at != sender);
                others.try_for_each(|(_, device)| device.write_all(&frame.bytes))
            }
            Destination::Link | Destination::Nobody => Ok(()),
        }
    }

    /// Handles a frame that a kernel has sent through this device.
    fn receive(&mut self, from: usize, bytes: &[u8]) -> io::Result<()> {
        let routed = self.topology.route(from, bytes, decode(bytes), &self.recorder);
        let Some(Route { crossing, reply }) = routed else {
            return Ok(());
        };
        let delay_ns = self.forward(from, crossing, 0)?;
        if let (Some(delay_ns), Some(reply)) = (delay_ns, reply) {
            self.forward(from, reply, delay_ns)?;
        }
        Ok(())
    }

    /// Applies the rules to a frame, records it, and schedules its delivery, `delay_ns` later than the rules say. Returns the
    /// total delay if the frame arrives.
    fn forward(
        &mut self,
        from: usize,
        crossing: Crossing,
        delay_ns: u64,
    ) -> io::Result<Option<u64>> {
        let (to, sent_by) = (crossing.to, crossing.info.sent_by);
        let disposition = match to {
            Destination::Nobody => Disposition {
                action: LinkAction::Dropped,
                delay_ns: 0,
                rules: vec![Rule::NoSuchAddress],
            },
            _ => {
                let now_ns = self.recorder.now_ns();
                self.shared.lock().rules.apply(&crossing.layers, sent_by, now_ns)
            }
        };
        let (action, later_ns) =
            (disposition.action, disposition.delay_ns.saturating_add(delay_ns));
        let (number, at_ns, bytes) = self.record(crossing, disposition);
        if action.arrives() && to != Destination::Link {
            let delivery_is_recorded =
                number <= self.most && (action != LinkAction::Passed || later_ns > 0);
            let frame = |bytes| PendingFrame {
                number,
                sender: (from, sent_by),
                to,
                bytes,
                delivery_is_recorded,
            };
            if action == LinkAction::Duplicated {
                self.schedule(frame(bytes.clone()), action, at_ns, later_ns)?;
            }
            self.schedule(frame(bytes), action, at_ns, later_ns)?;
        }
        self.notify_waiting();
        Ok(action.arrives().then_some(later_ns))
    }

    /// Wakes the threads that wait for a frame.
    fn notify_waiting(&self) {
        let mut state = self.shared.lock();
        state.sent_on = state.seen.len();
        self.shared.changed.notify_all();
    }

    fn schedule(
        &mut self,
        frame: PendingFrame,
        action: LinkAction,
        at_ns: u64,
        later_ns: u64,
    ) -> io::Result<()> {
        if action == LinkAction::Held {
            self.held.push(frame);
        } else if later_ns > 0 {
            self.order += 1;
            self.delayed.push(Reverse(Delayed {
                due: (at_ns.saturating_add(later_ns), self.order),
                frame,
            }));
        } else {
            self.deliver(frame)?;
        }
        Ok(())
    }

    /// Records a frame. Returns its number, its time, and the bytes to deliver.
    fn record(&mut self, crossing: Crossing, disposition: Disposition) -> (u64, u64, Vec<u8>) {
        self.frames += 1;
        let Crossing { info, layers, raw, by_lab, bytes, .. } = crossing;
        if self.frames > self.most {
            self.shared.lock().left_out += 1;
            return (self.frames, self.recorder.now_ns(), bytes);
        }
        let frame = Arc::new(Frame {
            frame: self.frames,
            sent_by: info.sent_by,
            flow: info.flow,
            local: info.ends.map(|(local, _)| Address::Inet(local)),
            peer: info.ends.map(|(_, peer)| Address::Inet(peer)),
            sender: info.sender,
            receiver: info.receiver,
            by_lab,
            layers,
            disposition: Some(disposition),
            raw: Raw(raw),
        });
        let at_ns = self.recorder.push(&self.name, EventKind::Frame(frame.clone()));
        self.shared.keep(CapturedFrame { at_ns, frame });
        (self.frames, at_ns, bytes)
    }
}
