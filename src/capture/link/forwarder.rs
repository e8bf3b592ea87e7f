//! The thread that forwards frames from one end of the link to the other.
//!
//! The thread reads the device, applies the rules, records the frame and writes it back. A frame is recorded before it is
//! delivered, so its effects come after it in the recording. Delayed frames wait in a heap and do not hold up others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::decode::{decode, is_icmp_error};
use super::flow_table::{FlowInfo, FlowTable};
use super::wire::{CapturedFrame, Shared};
use super::{FAR, NEAR};
use crate::capture::{Lab, Result, sys};
use crate::trace::packet::{Arp, Disposition, End, Ethernet, Frame, Layers, LinkAction, Raw};
use crate::trace::rule::Rule;
use crate::trace::{EventKind, FailedCall, Failure, LINK, Name};

/// The far neighbour's MAC address: locally administered, as its second digit says (IEEE 802).
const FAR_MAC: [u8; 6] = [0x02, 0, 10, 9, 0, 2];
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;

/// A frame in transit, as it will be delivered.
#[derive(Debug)]
struct PendingFrame {
    number: u64,
    sent_by: End,
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
    lab: Lab,
    name: Name,
    tap: File,
    listen: PipeReader,
    shared: Arc<Shared>,
    flows: FlowTable,
    delayed: BinaryHeap<Reverse<Delayed>>,
    /// Frames that wait to be overtaken or released.
    held: Vec<PendingFrame>,
    frames: u64,
    order: u64,
}

impl Forwarder {
    /// Starts the forwarding thread on this device. A byte on `listen` wakes it.
    pub(super) fn start(
        lab: &Lab,
        tap: File,
        listen: PipeReader,
        shared: Arc<Shared>,
    ) -> Result<()> {
        let mut forwarder = Forwarder {
            lab: lab.clone(),
            name: Name::from(LINK),
            tap,
            listen,
            shared,
            flows: FlowTable::default(),
            delayed: BinaryHeap::new(),
            held: Vec::new(),
            frames: 0,
            order: 0,
        };
        thread::Builder::new().name("wire".to_owned()).spawn(move || {
            if let Err(error) = forwarder.run() {
                let lab = forwarder.lab.clone();
                let call = FailedCall::unknown(&forwarder.name, sys::error_name(&error));
                lab.fail_now(&Failure::Call(call).into());
            }
        })?;
        Ok(())
    }

    /// Forwards frames until the process ends.
    fn run(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let requests = self.shared.lock().idle_requests;
            loop {
                self.deliver_due()?;
                self.deliver_released()?;
                match self.tap.read(&mut buffer) {
                    Ok(length) => self.receive(&buffer[..length])?,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.report_idle(requests);
            let now_ns = self.lab.recorder().now_ns();
            let wait = self
                .delayed
                .peek()
                .map(|Reverse(next)| Duration::from_nanos(next.due.0.saturating_sub(now_ns)));
            let (_, woken) = sys::wait_readable(&self.tap, &self.listen, wait)?;
            if woken && self.listen.read(&mut [0; 64])? == 0 {
                return Ok(());
            }
        }
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
            && next.due.0 <= self.lab.recorder().now_ns()
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

    /// Writes a frame to the device, and after it the frames that it has overtaken.
    fn deliver(&mut self, frame: PendingFrame) -> io::Result<()> {
        if frame.delivery_is_recorded {
            self.lab.recorder().push(&self.name, EventKind::Delivered { frame: frame.number });
        }
        self.tap.write_all(&frame.bytes)?;
        while let Some(at) = self.held.iter().position(|held| held.sent_by == frame.sent_by) {
            let overtaken = self.held.remove(at);
            self.lab.recorder().push(&self.name, EventKind::Delivered { frame: overtaken.number });
            self.tap.write_all(&overtaken.bytes)?;
        }
        Ok(())
    }

    /// Handles a frame that the kernel has sent.
    fn receive(&mut self, bytes: &[u8]) -> io::Result<()> {
        let layers = decode(bytes);
        let ether_type = layers.ethernet.as_ref().map(|ethernet| ethernet.ether_type);
        if let (Some(ARP), Some(arp)) = (ether_type, &layers.arp) {
            if arp.operation == 1 && arp.target_ip == FAR {
                let answer = arp_answer(arp, bytes);
                let question =
                    self.forward(FlowInfo::unknown(End::Client), layers, bytes.to_vec(), None, 0)?;
                if let Some(delay_ns) = question {
                    self.forward(
                        FlowInfo::unknown(End::Server),
                        decode(&answer),
                        answer.clone(),
                        Some(answer),
                        delay_ns,
                    )?;
                }
                return Ok(());
            }
        } else if let (Some(IPV4), Some(ip)) = (ether_type, &layers.ip) {
            if ip.src == NEAR && ip.dst == FAR {
                let info = self.flows.classify(&layers, self.lab.recorder());
                let mirrored = mirror(bytes, &layers);
                // Recorded as the client's side sees it: the server's frames as they arrive there.
                let (recorded, raw) = match info.sent_by {
                    End::Client => (layers, bytes.to_vec()),
                    End::Server => (decode(&mirrored), mirrored.clone()),
                };
                self.forward(info, recorded, raw, Some(mirrored), 0)?;
                return Ok(());
            }
        } else if ether_type.is_some_and(|ether_type| ether_type != ARP && ether_type != IPV4) {
            return Ok(()); // IPv6, which the kernel sends by itself where it cannot be turned off
        }
        // Addressed to someone else, or damaged: there is no receiver on this link.
        let disposition = Disposition {
            action: LinkAction::Dropped,
            delay_ns: 0,
            rules: vec![Rule::NoSuchAddress],
        };
        self.record(FlowInfo::unknown(End::Client), layers, bytes.to_vec(), false, disposition);
        self.notify_waiting();
        Ok(())
    }

    /// Applies the rules to a frame, records it, and schedules `out` for delivery, `delay_ns` later than the rules say. Returns
    /// the total delay if the frame arrives.
    fn forward(
        &mut self,
        info: FlowInfo,
        layers: Layers,
        raw: Vec<u8>,
        out: Option<Vec<u8>>,
        delay_ns: u64,
    ) -> io::Result<Option<u64>> {
        let sent_by = info.sent_by;
        let by_lab = layers.arp.as_ref().is_some_and(|arp| arp.operation == 2);
        let disposition = self.shared.lock().rules.apply(&layers, sent_by);
        let (action, later_ns) =
            (disposition.action, disposition.delay_ns.saturating_add(delay_ns));
        let captured = self.record(info, layers, raw, by_lab, disposition);
        if let Some(bytes) = out.filter(|_| action.arrives()) {
            let frame = |bytes| PendingFrame {
                number: captured.frame.frame,
                sent_by,
                bytes,
                delivery_is_recorded: action != LinkAction::Passed || later_ns > 0,
            };
            if action == LinkAction::Duplicated {
                self.schedule(frame(bytes.clone()), action, captured.at_ns, later_ns)?;
            }
            self.schedule(frame(bytes), action, captured.at_ns, later_ns)?;
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

    fn record(
        &mut self,
        info: FlowInfo,
        layers: Layers,
        raw: Vec<u8>,
        by_lab: bool,
        disposition: Disposition,
    ) -> CapturedFrame {
        self.frames += 1;
        let FlowInfo { sent_by, flow, local, peer, sender, receiver } = info;
        let frame = Arc::new(Frame {
            frame: self.frames,
            sent_by,
            flow,
            local,
            peer,
            sender,
            receiver,
            by_lab,
            layers,
            disposition: Some(disposition),
            raw: Raw(raw),
        });
        let at_ns = self.lab.recorder().push(&self.name, EventKind::Frame(frame.clone()));
        let captured = CapturedFrame { at_ns, frame };
        self.shared.lock().seen.push(captured.clone());
        captured
    }
}

/// The frame as it is delivered: MAC and IP addresses swapped, also in the packet quoted by an ICMP error. A checksum is a sum,
/// and swapping the addresses does not change it.
fn mirror(bytes: &[u8], layers: &Layers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    swap(&mut out, 0, 6);
    swap(&mut out, Ethernet::BYTES + 12, 4);
    if let (Some(ip), Some(icmp)) = (&layers.ip, &layers.icmp)
        && is_icmp_error(icmp.kind)
    {
        swap(&mut out, Ethernet::BYTES + ip.header_bytes + 8 + 12, 4);
    }
    out
}

/// Swaps two adjacent fields of this length, if the frame is long enough.
fn swap(bytes: &mut [u8], at: usize, length: usize) {
    if let Some(both) = bytes.get_mut(at..at + 2 * length) {
        let (one, other) = both.split_at_mut(length);
        one.swap_with_slice(other);
    }
}

/// The far neighbour's answer to this question (RFC 826).
fn arp_answer(question: &Arp, frame: &[u8]) -> Vec<u8> {
    let mut answer = frame[..Ethernet::BYTES + Arp::BYTES].to_vec();
    answer[..6].copy_from_slice(&question.sender_mac.0);
    answer[6..12].copy_from_slice(&FAR_MAC);
    answer[21] = 2; // operation: reply
    answer.copy_within(22..32, 32); // the target is the sender of the question
    answer[22..28].copy_from_slice(&FAR_MAC);
    answer[28..32].copy_from_slice(&FAR.octets());
    answer
}
