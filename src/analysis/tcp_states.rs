//! The TCP states of both ends of what went over the wire that are a certain consequence of the segments (RFC 9293, section
//! 3.3.2), each when it came about.

use std::collections::HashMap;

use super::address::plain;
use super::{Analysis, Asker, Segment};
use crate::trace::packet::{End, Tcp};
use crate::trace::{Address, EventKind, Fact, Name, Observation};

/// A change of an end's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// When it came about, in nanoseconds since the run began.
    pub at_ns: u64,
    /// Whose end.
    pub who: Name,
    /// The state, in the kernel's spelling; CLOSED where an end's record is gone.
    pub state: &'static str,
    /// The conversation and the end.
    end: (u32, End),
}

/// What the kernel said of an end when it was asked.
struct Report {
    at_ns: u64,
    end: (u32, End),
    state: String,
}

/// What is known of an end by its segments.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// The number after its SYN.
    first: u32,
    /// The number that it expects next from its peer, as far as nothing is missing.
    expects: Option<u32>,
    fin_sent: Option<u32>,
    fin_acked: bool,
    peer_fin_acked: bool,
    peer_fin: Option<u32>,
    synced: bool,
    /// It answered a SYN.
    passive: bool,
    /// It closed after its peer had.
    closes_last: bool,
    /// States that an arrival leads to, with its time, unless the end ignored it. What it sends next tells.
    unconfirmed: Vec<(u64, &'static str)>,
}

impl Analysis<'_> {
    /// The TCP state that this call led to: a new one that the instrument saw before the next call on its socket.
    pub fn state_after(&self, call: usize) -> Option<&str> {
        let span = &self.calls[call];
        let socket = &self.sockets[span.socket?];
        let next = self.calls[call + 1..].iter().find(|next| next.socket == span.socket);
        let meanwhile = span.returned_ns()..=next.map_or(u64::MAX, |next| next.entered_ns);
        let mut new = socket.state_changes();
        new.find(|report| report.asked_by == Asker::Instrument && meanwhile.contains(&report.at_ns))
            .map(|report| &*report.state)
    }

    pub(super) fn follow_states(&mut self) {
        let mut changes = self.derived_states();
        changes.sort_by_key(|change| change.at_ns);
        let mut last: HashMap<(u32, End), &str> = HashMap::new();
        for change in changes {
            let before = last.get(&change.end);
            if before.is_none_or(|before| rank(before) < rank(change.state)) {
                last.insert(change.end, change.state);
                self.states.push(change);
            }
        }
    }

    /// What TCP_INFO, and the kernel's table of sockets, said.
    fn reports(&self) -> Vec<Report> {
        let ports = |local: &Address, peer: &Address| Some((plain(local)?, plain(peer)?));
        let mut ends: HashMap<_, Vec<(u64, u32, End)>> = HashMap::new();
        for segment in self.wire.iter().filter(|segment| segment.tcp().is_some()) {
            let (frame, at_ns) = (&segment.frame, segment.left_ns);
            let (Some(flow), Some(local), Some(peer)) = (frame.flow, &frame.local, &frame.peer)
            else {
                continue;
            };
            let Some((here, there)) = ports(local, peer) else {
                continue;
            };
            // An end that has not sent anything has no record in the kernel of which it could tell.
            ends.entry((here, there)).or_default().push((at_ns, flow, frame.sent_by));
        }
        let mut said = Vec::new();
        let mut say = |at_ns: u64, local: &Address, peer: &Address, state: &str| {
            let Some(known) = ports(local, peer).and_then(|ends_of| ends.get(&ends_of)) else {
                return;
            };
            let before = known.iter().rev().find(|(since, ..)| *since <= at_ns);
            let Some((_, flow, end)) = before.or(known.first()) else { return };
            said.push(Report { at_ns, end: (*flow, *end), state: state.to_owned() });
        };
        for socket in self.sockets.iter().filter(|socket| socket.backlog.is_none()) {
            let (Some(local), Some(peer)) = (&socket.local, &socket.peer) else {
                continue;
            };
            socket.state_changes().for_each(|report| say(report.at_ns, local, peer, &report.state));
        }
        for event in self.recording.events() {
            if let EventKind::Observed(Observation {
                fact: Fact::TcpTable { local, peer, state },
                ..
            }) = &event.what
            {
                say(event.at_ns, local, peer, state);
            }
        }
        said
    }

    /// What follows from the segments; what the kernel reported only confirms it.
    fn derived_states(&self) -> Vec<StateChange> {
        let reports = self.reports();
        // Leaving and arriving, in order; what arrives at once comes after its leaving.
        let mut moments: Vec<(u64, usize, bool)> = Vec::new();
        for (index, segment) in
            self.wire.iter().enumerate().filter(|(_, segment)| segment.tcp().is_some())
        {
            moments.push((segment.left_ns, index, false));
            moments.extend(segment.arrived_ns.first().map(|at_ns| (*at_ns, index, true)));
        }
        moments.sort_unstable();
        let mut ends: HashMap<(u32, End), Seen> = HashMap::new();
        let mut changes = Vec::new();
        for (at_ns, index, arrives) in moments {
            let segment = &self.wire[index];
            let (Some(flow), Some(tcp)) = (segment.frame.flow, segment.tcp()) else {
                continue;
            };
            let (end, who) = match arrives {
                true => (segment.frame.sent_by.other(), &segment.to),
                false => (segment.frame.sent_by, &segment.from),
            };
            let seen = ends.entry((flow, end)).or_default();
            let mut new = match arrives {
                true => seen.receive(at_ns, tcp, segment.takes()),
                false => seen.send(at_ns, tcp, segment.takes()),
            };
            if !seen.unconfirmed.is_empty() && self.is_opened(&reports, (flow, end), at_ns) {
                new.extend(seen.confirm("ESTABLISHED"));
            }
            new.sort_unstable();
            changes.extend(new.into_iter().map(|(at_ns, state)| StateChange {
                at_ns,
                who: who.clone(),
                state,
                end: (flow, end),
            }));
        }
        changes
    }

    /// True if the kernel said later that this end is open, and the end did not send its SYN again meanwhile.
    fn is_opened(&self, reports: &[Report], end: (u32, End), at_ns: u64) -> bool {
        let said = reports.iter().find(|report| report.end == end && report.at_ns >= at_ns);
        let of_end = |segment: &&Segment| {
            segment.frame.flow == Some(end.0) && segment.frame.sent_by == end.1
        };
        let mut later = self.wire.iter().filter(of_end).filter(|segment| segment.left_ns > at_ns);
        said.is_some_and(|report| report.state == "ESTABLISHED")
            && !later.any(|segment| segment.tcp().is_some_and(|tcp| tcp.flags.syn()))
    }
}

impl Seen {
    /// It sends a segment that takes up so many numbers. Returns its states since then.
    fn send(&mut self, at_ns: u64, tcp: &Tcp, takes: u32) -> Vec<(u64, &'static str)> {
        let (flags, ack, next) = (tcp.flags, tcp.ack, tcp.seq.wrapping_add(takes));
        let mut new = Vec::new();
        if flags.rst() {
            new.extend(self.synced.then_some((at_ns, "CLOSED")));
            return new;
        }
        if flags.syn() {
            (self.synced, self.passive, self.first) = (true, flags.ack(), next);
            self.unconfirmed.clear();
            return vec![(at_ns, if flags.ack() { "SYN_RECV" } else { "SYN_SENT" })];
        }
        new.extend(self.confirm("ESTABLISHED"));
        // It has heard the peer's FIN if it acknowledges it.
        if self.peer_fin.is_some_and(|fin| flags.ack() && ack == fin) {
            self.peer_fin_acked = true;
            new.append(&mut self.unconfirmed);
        }
        if flags.fin() && self.fin_sent.replace(next).is_some() {
            return new; // again
        }
        self.closes_last |= flags.fin() && self.peer_fin_acked;
        let state = match (self.fin_sent, self.peer_fin_acked) {
            (Some(_), true) if flags.fin() => Some("LAST_ACK"),
            (Some(_), false) if flags.fin() => Some("FIN_WAIT1"),
            (Some(_), true) if self.fin_acked && !self.closes_last => Some("TIME_WAIT"),
            (None, true) => Some("CLOSE_WAIT"),
            // Nobody sends data, or acknowledges a SYN-ACK, but in this state.
            (None, false) if takes > 0 || !self.passive => Some("ESTABLISHED"),
            _ => None,
        };
        new.extend(state.map(|state| (at_ns, state)));
        new
    }

    /// A segment reaches it that takes up so many numbers. Returns its states since then.
    fn receive(&mut self, at_ns: u64, tcp: &Tcp, takes: u32) -> Vec<(u64, &'static str)> {
        let (flags, ack, next) = (tcp.flags, tcp.ack, tcp.seq.wrapping_add(takes));
        let mut new = Vec::new();
        if flags.rst() {
            return new; // whether it is obeyed, its numbers decide (RFC 9293, section 3.10.7)
        }
        if flags.syn() || self.expects == Some(tcp.seq) {
            self.expects = Some(next);
        }
        if self.passive && !flags.syn() && flags.ack() && ack == self.first {
            self.unconfirmed.push((at_ns, "ESTABLISHED"));
        }
        let acks_fin = flags.ack() && !self.fin_acked && self.fin_sent == Some(ack);
        self.fin_acked |= acks_fin;
        if acks_fin && !flags.fin() {
            let state = match self.peer_fin {
                None => "FIN_WAIT2",
                Some(_) if self.closes_last => "CLOSED",
                Some(_) => "TIME_WAIT",
            };
            new.push((at_ns, state));
        }
        if flags.fin() {
            self.peer_fin = Some(next);
            if self.expects == self.peer_fin {
                let state = match self.fin_sent {
                    None => "CLOSE_WAIT",
                    Some(_) if self.fin_acked => "TIME_WAIT",
                    Some(_) => "CLOSING",
                };
                self.unconfirmed.push((at_ns, state));
            }
        }
        new
    }

    /// Takes this state from those that are not confirmed.
    fn confirm(&mut self, state: &str) -> Vec<(u64, &'static str)> {
        self.unconfirmed.extract_if(.., |(_, led_to)| *led_to == state).collect()
    }
}

/// How far a state is on the way from nothing to nothing; a derived one never goes back.
fn rank(state: &str) -> u8 {
    match state {
        "LISTEN" => 0,
        "SYN_SENT" => 1,
        "SYN_RECV" => 2,
        "ESTABLISHED" => 3,
        "CLOSE_WAIT" | "FIN_WAIT1" => 4,
        "FIN_WAIT2" | "CLOSING" => 5,
        "LAST_ACK" => 6,
        "TIME_WAIT" => 7,
        _ => 8,
    }
}
