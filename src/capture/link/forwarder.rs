//! The cable: the thread that carries frames from one end to the other, and [`Wire`], by which an experiment holds it.
//!
//! One thread reads the device, judges, records and writes back. A frame is recorded before it is delivered, so whatever
//! it causes comes after it in the recording. What is delayed waits in a heap, and holds nobody else up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::decode::{complains, decode};
use super::flow_table::{Belongs, FlowTable};
use super::rules::Plan;
use super::{FAR, NEAR};
use crate::capture::{Lab, Result, sys};
use crate::trace::packet::{Arp, End, Ethernet, Fate, Frame, Ip, Layers, Raw, Tcp, Treatment};
use crate::trace::rule::{Rule, Which};
use crate::trace::{EventKind, FailedCall, Failure, Name};

/// The far neighbour's MAC address: locally administered, as its second digit says (IEEE 802).
const FAR_MAC: [u8; 6] = [0x02, 0, 10, 9, 0, 2];
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;

/// The wire, in the experiment's hands. Rules hold from the moment they are said.
#[derive(Clone, Debug)]
pub struct Wire {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    wake: PipeWriter,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    /// Every frame that was taken; noted here before it is delivered, so that no effect of a frame is seen before the frame.
    seen: Vec<CapturedFrame>,
    /// Whether somebody waits until what is held has been delivered.
    let_go: bool,
    /// How many of them have also been sent on.
    sent_on: usize,
    /// How often somebody has asked for quiet, and up to which time of asking nothing was on its way, or at least nothing
    /// but what is delayed.
    asked: u64,
    all_delivered: u64,
    all_taken: u64,
}

/// A frame that was seen on the wire, and when; it can be used as the [`Frame`] itself.
#[derive(Clone, Debug)]
pub struct CapturedFrame {
    /// When the wire took it from the sender, in nanoseconds since the run began.
    pub at_ns: u64,
    /// The frame, as it was recorded.
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
    /// Starts the cable's thread on this device.
    pub(in crate::capture) fn start(lab: &Lab, tap: File) -> Result<Wire> {
        let (listen, wake) = io::pipe()?;
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), wake });
        let mut cable = Cable {
            lab: lab.clone(),
            name: Name::from("wire"),
            tap,
            listen,
            shared: shared.clone(),
            flows: FlowTable::default(),
            late: BinaryHeap::new(),
            held: Vec::new(),
            frames: 0,
            order: 0,
        };
        thread::Builder::new().name("wire".to_owned()).spawn(move || {
            if let Err(error) = cable.carry_on() {
                let lab = cable.lab.clone();
                let call = FailedCall::unknown(&cable.name, sys::error_name(&error));
                lab.fail_now(&Failure::Call(call).into());
            }
        })?;
        Ok(Wire { shared })
    }

    // ---- what it is to do ----

    /// These frames never arrive: `wire.drop(first(Syn))`.
    pub fn drop(&self, which: impl Into<Which>) {
        self.shared.lock().plan.drop(which.into());
    }

    /// These frames arrive later by that much: `wire.delay(every(Anything), lab.span("delay")?)`.
    pub fn delay(&self, which: impl Into<Which>, by: Duration) {
        self.shared.lock().plan.delay(which.into(), by);
    }

    /// These frames arrive twice.
    pub fn duplicate(&self, which: impl Into<Which>) {
        self.shared.lock().plan.duplicate(which.into());
    }

    /// These frames arrive right after the next one from the same end: it overtakes them.
    pub fn reorder(&self, which: impl Into<Which>) {
        self.shared.lock().plan.reorder(which.into());
    }

    /// These frames wait until [`Wire::let_go`], so that there is time to look at both ends. The kernel's timers go on: an end
    /// that hears nothing for a second sends again, and what it sends overtakes what is held.
    pub fn hold(&self, which: impl Into<Which>) {
        self.shared.lock().plan.hold(which.into());
    }

    /// Delivers what is held; returns when it has been.
    pub fn let_go(&self) {
        let mut state = self.shared.lock();
        state.let_go = true;
        let _ = (&self.shared.wake).write_all(&[0]);
        while state.let_go {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Cuts it: no packet arrives, in either direction, until it is plugged in again. ARP is still answered.
    pub fn cut(&self) {
        self.shared.lock().plan.cut();
    }

    /// Plugs it in again. What was lost meanwhile stays lost.
    pub fn plug_in(&self) {
        self.shared.lock().plan.plug_in();
    }

    /// Takes back all rules that were said.
    pub fn clear(&self) {
        self.shared.lock().plan.clear();
    }

    // ---- what it saw ----

    /// The frames of that kind that were sent so far, in order, whether or not they arrived: `wire.seen(Syn)`.
    pub fn seen(&self, which: impl Into<Which>) -> Vec<CapturedFrame> {
        let which = which.into();
        let state = self.shared.lock();
        let counted =
            state.seen.iter().filter(|seen| which.counts(&seen.frame.layers, seen.frame.sent_by));
        counted
            .zip(1..)
            .filter(|(_, number)| which.means(*number))
            .map(|(seen, _)| seen.clone())
            .collect()
    }

    /// Waits until such a frame has been sent, counted from the beginning of the run: `wire.until(nth(2, Syn))`. If it was
    /// to be delivered at once, it has been. Only the run's deadline ends the wait for what never comes.
    pub fn until(&self, which: impl Into<Which>) -> CapturedFrame {
        let which = which.into();
        let mut missing = which.completed_by();
        let mut looked_at = 0;
        let mut state = self.shared.lock();
        loop {
            for seen in &state.seen[looked_at..state.sent_on] {
                if which.counts(&seen.frame.layers, seen.frame.sent_by) {
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

    /// Waits until nothing is on its way any more: every frame that was sent has been taken, and every one that was delayed
    /// has been delivered. What a timer of the kernel will send later is not waited for.
    pub fn settle(&self) {
        self.quiet(|state| state.all_delivered);
    }

    /// Waits until every frame that was sent has been taken.
    pub(in crate::capture) fn settle_now(&self) {
        self.quiet(|state| state.all_taken);
    }

    fn quiet(&self, up_to: fn(&State) -> u64) {
        let mut state = self.shared.lock();
        state.asked += 1;
        let asked = state.asked;
        let _ = (&self.shared.wake).write_all(&[0]);
        while up_to(&state) < asked {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A frame on its way, as it will come out.
#[derive(Debug)]
struct OnItsWay {
    number: u64,
    sent_by: End,
    bytes: Vec<u8>,
    /// Whether its coming out is told: not of those that go straight through.
    tell: bool,
}

/// When a delayed frame is due, and its place among those due at once; the heap is ordered by that alone.
#[derive(Debug)]
struct Late {
    due: (u64, u64),
    frame: OnItsWay,
}

impl PartialEq for Late {
    fn eq(&self, other: &Late) -> bool {
        self.due == other.due
    }
}
impl Eq for Late {}
impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Late) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Late {
    fn cmp(&self, other: &Late) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

/// What the cable's thread has.
struct Cable {
    lab: Lab,
    name: Name,
    tap: File,
    listen: PipeReader,
    shared: Arc<Shared>,
    flows: FlowTable,
    late: BinaryHeap<Reverse<Late>>,
    /// Those that wait to be overtaken.
    held: Vec<OnItsWay>,
    frames: u64,
    order: u64,
}

impl Cable {
    /// Carries frames until the process ends.
    fn carry_on(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let asked = self.shared.lock().asked;
            loop {
                self.deliver_what_is_due()?;
                self.deliver_what_is_let_go()?;
                match self.tap.read(&mut buffer) {
                    Ok(length) => self.take(&buffer[..length])?,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.say_quiet(asked);
            let now_ns = self.lab.recorder().now_ns();
            let wait = self
                .late
                .peek()
                .map(|Reverse(next)| Duration::from_nanos(next.due.0.saturating_sub(now_ns)));
            let (_, woken) = crate::capture::sys::wait_readable(&self.tap, &self.listen, wait)?;
            if woken && self.listen.read(&mut [0; 64])? == 0 {
                return Ok(());
            }
        }
    }

    fn say_quiet(&self, asked: u64) {
        let mut state = self.shared.lock();
        if state.all_delivered < asked {
            state.all_taken = asked;
            if self.late.is_empty() {
                state.all_delivered = asked;
            }
            self.shared.changed.notify_all();
        }
    }

    fn deliver_what_is_due(&mut self) -> io::Result<()> {
        while let Some(Reverse(next)) = self.late.peek()
            && next.due.0 <= self.lab.recorder().now_ns()
        {
            let Some(Reverse(late)) = self.late.pop() else {
                break;
            };
            self.deliver(late.frame)?;
        }
        Ok(())
    }

    fn deliver_what_is_let_go(&mut self) -> io::Result<()> {
        if self.shared.lock().let_go {
            for frame in std::mem::take(&mut self.held) {
                self.deliver(frame)?;
            }
            self.shared.lock().let_go = false;
            self.shared.changed.notify_all();
        }
        Ok(())
    }

    /// Puts a frame into the kernel's hands, and after it those that it has overtaken.
    fn deliver(&mut self, frame: OnItsWay) -> io::Result<()> {
        if frame.tell {
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

    /// Takes a frame that the kernel has sent.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let layers = decode(bytes);
        let ether_type = layers.ethernet.as_ref().map(|ethernet| ethernet.ether_type);
        if let (Some(ARP), Some(arp)) = (ether_type, &layers.arp) {
            if arp.operation == 1 && arp.target_ip == FAR {
                let answer = arp_answer(arp, bytes);
                let question =
                    self.pass(Belongs::to_none(End::Client), layers, bytes.to_vec(), None, 0)?;
                if let Some(delay_ns) = question {
                    self.pass(
                        Belongs::to_none(End::Server),
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
                let belongs = self.flows.place(&layers, self.lab.recorder());
                let mirrored = mirror(bytes, &layers);
                // Told as the client's side sees it: the server's frames as they arrive there.
                let (told, raw) = match belongs.sent_by {
                    End::Client => (layers, bytes.to_vec()),
                    End::Server => (decode(&mirrored), mirrored.clone()),
                };
                self.pass(belongs, told, raw, Some(mirrored), 0)?;
                return Ok(());
            }
        } else if ether_type.is_some_and(|ether_type| ether_type != ARP && ether_type != IPV4) {
            return Ok(()); // IPv6, which the kernel speaks unasked where it cannot be turned off
        }
        // Somebody else's, or damaged: this wire has nobody to give it to.
        let treatment =
            Treatment { fate: Fate::Dropped, delay_ns: 0, rules: vec![Rule::NoSuchAddress] };
        self.note(Belongs::to_none(End::Client), layers, bytes.to_vec(), false, treatment);
        self.sent_on();
        Ok(())
    }

    /// Judges a frame, records it, and sends `out` on its way, later by what the plan says and `delay_ns` besides. Gives by
    /// how much the plan delays it, if it arrives.
    fn pass(
        &mut self,
        belongs: Belongs,
        layers: Layers,
        raw: Vec<u8>,
        out: Option<Vec<u8>>,
        delay_ns: u64,
    ) -> io::Result<Option<u64>> {
        let sent_by = belongs.sent_by;
        let by_lab = layers.arp.as_ref().is_some_and(|arp| arp.operation == 2);
        let treatment = self.shared.lock().plan.judge(&layers, sent_by);
        let (fate, later_ns) = (treatment.fate, treatment.delay_ns.saturating_add(delay_ns));
        let sighting = self.note(belongs, layers, raw, by_lab, treatment);
        if let Some(bytes) = out.filter(|_| fate.arrives()) {
            let frame = |bytes| OnItsWay {
                number: sighting.frame.frame,
                sent_by,
                bytes,
                tell: fate != Fate::Passed || later_ns > 0,
            };
            if fate == Fate::Duplicated {
                self.send_on(frame(bytes.clone()), fate, sighting.at_ns, later_ns)?;
            }
            self.send_on(frame(bytes), fate, sighting.at_ns, later_ns)?;
        }
        self.sent_on();
        Ok(fate.arrives().then_some(later_ns))
    }

    /// Lets those know who wait for a frame.
    fn sent_on(&self) {
        let mut state = self.shared.lock();
        state.sent_on = state.seen.len();
        self.shared.changed.notify_all();
    }

    fn send_on(
        &mut self,
        frame: OnItsWay,
        fate: Fate,
        at_ns: u64,
        later_ns: u64,
    ) -> io::Result<()> {
        if fate == Fate::Held {
            self.held.push(frame);
        } else if later_ns > 0 {
            self.order += 1;
            self.late
                .push(Reverse(Late { due: (at_ns.saturating_add(later_ns), self.order), frame }));
        } else {
            self.deliver(frame)?;
        }
        Ok(())
    }

    /// Records a frame.
    fn note(
        &mut self,
        belongs: Belongs,
        layers: Layers,
        raw: Vec<u8>,
        by_lab: bool,
        treatment: Treatment,
    ) -> CapturedFrame {
        self.frames += 1;
        let Belongs { sent_by, flow, local, peer, sender, receiver } = belongs;
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
            treatment,
            raw: Raw(raw),
        });
        let at_ns = self.lab.recorder().push(&self.name, EventKind::Frame(frame.clone()));
        let sighting = CapturedFrame { at_ns, frame };
        self.shared.lock().seen.push(sighting.clone());
        sighting
    }
}

/// The same frame as it comes out: MAC and IP addresses swapped, also in the packet that an ICMP message complains of.
/// A checksum is a sum, and swapping does not change it.
fn mirror(bytes: &[u8], layers: &Layers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    swap(&mut out, 0, 6);
    swap(&mut out, Ethernet::BYTES + 12, 4);
    if let (Some(ip), Some(icmp)) = (&layers.ip, &layers.icmp)
        && complains(icmp.kind)
    {
        swap(&mut out, Ethernet::BYTES + ip.header_bytes + 8 + 12, 4);
    }
    out
}

/// Swaps two neighbouring fields of that length, if they are there.
fn swap(bytes: &mut [u8], at: usize, length: usize) {
    if let Some(both) = bytes.get_mut(at..at + 2 * length) {
        let (one, other) = both.split_at_mut(length);
        one.swap_with_slice(other);
    }
}

/// The far neighbour's answer to this question (RFC 826).
fn arp_answer(question: &Arp, asked: &[u8]) -> Vec<u8> {
    let mut answer = asked[..Ethernet::BYTES + Arp::BYTES].to_vec();
    answer[..6].copy_from_slice(&question.sender_mac.0);
    answer[6..12].copy_from_slice(&FAR_MAC);
    answer[21] = 2; // an answer
    answer.copy_within(22..32, 32); // it goes to who asked
    answer[22..28].copy_from_slice(&FAR_MAC);
    answer[28..32].copy_from_slice(&FAR.octets());
    answer
}
