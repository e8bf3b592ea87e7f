//! The TCP states of both ends of what went over the wire: those that the kernel said, and between them those that are a
//! certain consequence of the segments (RFC 9293, section 3.3.2).

use std::collections::HashMap;

use super::address::plain;
use super::{Analysis, Asker};
use crate::trace::packet::{End, Flags};
use crate::trace::{Address, EventKind, Fact, Name, Observation};

/// A change of an end's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// When it was seen, in nanoseconds since the run began.
    pub at_ns: u64,
    /// Whose end.
    pub who: Name,
    /// The state, in the kernel's spelling; CLOSED where an end's record is gone, `none` where the kernel was asked and knows of
    /// no such end: since when, nobody has said.
    pub state: String,
    /// True if nobody asked the kernel: the segments sent and received leave no other.
    pub derived: bool,
    /// The conversation and the end.
    end: (u32, End),
}

/// What is known of an end by its segments.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    fin_sent: Option<u32>,
    fin_acked: bool,
    peer_fin_acked: bool,
    peer_fin: Option<u32>,
    synced: bool,
    /// It answered a SYN.
    passive: bool,
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
        let mut all = self.derived_states();
        all.extend(self.reported_states());
        all.sort_by_key(|change| (change.at_ns, change.derived));
        let mut next: HashMap<(u32, End), StateChange> = HashMap::new();
        let mut kept: Vec<StateChange> = Vec::new();
        // From the end: a derived state that the kernel itself says next is left to the kernel.
        for change in all.into_iter().rev() {
            let said_next = next
                .get(&change.end)
                .is_some_and(|next| next.state == change.state && !next.derived);
            if !(change.derived && said_next) {
                next.insert(change.end, change.clone());
                kept.push(change);
            }
        }
        let mut last: HashMap<(u32, End), String> = HashMap::new();
        for change in kept.into_iter().rev() {
            let before = last.get(&change.end);
            let none_yet = before.is_none() && ["CLOSED", "none"].contains(&&*change.state);
            let backwards =
                change.derived && before.is_some_and(|before| rank(before) >= rank(&change.state));
            if !none_yet && !backwards && before != Some(&change.state) {
                last.insert(change.end, change.state.clone());
                self.states.push(change);
            }
        }
    }

    /// What TCP_INFO, and the kernel's table of sockets, said.
    fn reported_states(&self) -> Vec<StateChange> {
        let ports = |local: &Address, peer: &Address| Some((plain(local)?, plain(peer)?));
        let mut ends: HashMap<_, Vec<(u64, u32, End, Name)>> = HashMap::new();
        for segment in self.wire.iter().filter(|segment| segment.tcp().is_some()) {
            let (frame, at_ns) = (&segment.frame, segment.left_ns);
            let (Some(flow), Some(local), Some(peer)) = (frame.flow, &frame.local, &frame.peer)
            else {
                continue;
            };
            let Some((here, there)) = ports(local, peer) else {
                continue;
            };
            let far = (
                std::net::SocketAddr::new(here.ip(), there.port()),
                std::net::SocketAddr::new(there.ip(), here.port()),
            );
            ends.entry((here, there)).or_default().push((
                at_ns,
                flow,
                frame.sent_by,
                segment.from.clone(),
            ));
            ends.entry(far).or_default().push((
                at_ns,
                flow,
                frame.sent_by.other(),
                segment.to.clone(),
            ));
        }
        let mut said = Vec::new();
        let mut say = |at_ns: u64, local: &Address, peer: &Address, state: &str| {
            let Some(known) = ports(local, peer).and_then(|ends_of| ends.get(&ends_of)) else {
                return;
            };
            let Some((_, flow, end, who)) =
                known.iter().rev().find(|(since, ..)| *since <= at_ns).or(known.first())
            else {
                return;
            };
            let state = match state {
                "CLOSE" => "CLOSED",
                "NEW_SYN_RECV" => "SYN_RECV",
                other => other,
            };
            said.push(StateChange {
                at_ns,
                who: who.clone(),
                state: state.to_owned(),
                derived: false,
                end: (*flow, *end),
            });
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

    /// What follows from the segments alone.
    fn derived_states(&self) -> Vec<StateChange> {
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
            let state = match arrives {
                true => seen.receive(tcp.flags, tcp.seq.wrapping_add(segment.takes()), tcp.ack),
                false => seen.send(
                    tcp.flags,
                    tcp.seq.wrapping_add(segment.takes()),
                    tcp.ack,
                    segment.takes() > 0,
                ),
            };
            if let Some(state) = state {
                changes.push(StateChange {
                    at_ns,
                    who: who.clone(),
                    state: state.to_owned(),
                    derived: true,
                    end: (flow, end),
                });
            }
        }
        changes
    }
}

impl Seen {
    /// It sends a segment; `next` is the sequence number after it.
    fn send(&mut self, flags: Flags, next: u32, ack: u32, says: bool) -> Option<&'static str> {
        if flags.rst() {
            return Some("CLOSED").filter(|_| self.synced);
        }
        if flags.syn() {
            (self.synced, self.passive) = (true, flags.ack());
            return Some(if flags.ack() { "SYN_RECV" } else { "SYN_SENT" });
        }
        // It has heard the peer's FIN if it acknowledges it.
        self.peer_fin_acked |= self.peer_fin.is_some_and(|fin| flags.ack() && ack == fin);
        if flags.fin() && self.fin_sent.replace(next).is_some() {
            return None; // again
        }
        match (self.fin_sent, self.peer_fin_acked) {
            (Some(_), true) if flags.fin() => Some("LAST_ACK"),
            (Some(_), false) if flags.fin() => Some("FIN_WAIT1"),
            (Some(_), true) if self.fin_acked => Some("TIME_WAIT"),
            (None, true) => Some("CLOSE_WAIT"),
            // Nobody sends data, or acknowledges a SYN-ACK, but in this state.
            (None, false) if says || !self.passive => Some("ESTABLISHED"),
            _ => None,
        }
    }

    /// A segment reaches it.
    fn receive(&mut self, flags: Flags, next: u32, ack: u32) -> Option<&'static str> {
        if flags.rst() {
            return None; // whether it is obeyed, its numbers decide (RFC 9293, section 3.10.7)
        }
        if flags.fin() {
            self.peer_fin = Some(next);
        }
        let acks_fin = flags.ack() && !self.fin_acked && self.fin_sent == Some(ack);
        self.fin_acked |= acks_fin;
        (acks_fin && !self.peer_fin_acked && !flags.fin()).then_some("FIN_WAIT2")
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
