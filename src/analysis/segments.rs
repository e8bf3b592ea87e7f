//! What went over the wire: every frame with its two ends, its arrivals, and its numbers counted from the connection's start.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::address::plain;
use super::{Analysis, CallSpan, Socket};
use crate::trace::packet::{End, Flags, Frame, LinkAction, Tcp};
use crate::trace::{Data, EventKind, Name, SyscallKind};

/// A frame, from leaving to arriving.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The frame.
    pub frame: Arc<Frame>,
    /// When it left, in nanoseconds since the run began.
    pub left_ns: u64,
    /// When it arrived, in nanoseconds since the run began; several times if it was duplicated, never if it was lost.
    pub arrived_ns: Vec<u64>,
    /// Whose it is: an actor, or the end's own name where no actor is known to have the socket.
    pub from: Name,
    /// Whom it is for, likewise.
    pub to: Name,
    /// Its sequence number, counted from the sender's SYN, if that was seen.
    pub seq: Option<u32>,
    /// Its acknowledgment number, counted from the receiver's SYN, if that was seen.
    pub ack: Option<u32>,
    /// If it says again what was said before: how long after the last time, in nanoseconds.
    pub again_after_ns: Option<u64>,
    /// The sending socket, where the recording says which it is.
    pub socket: Option<usize>,
}

impl Segment {
    /// Its TCP header, if it has one.
    pub fn tcp(&self) -> Option<&Tcp> {
        self.frame.layers.tcp.as_ref()
    }

    /// The address of many hosts that it goes to, if the link did not know its only receiver.
    pub fn to_many(&self) -> Option<IpAddr> {
        let layers = &self.frame.layers;
        let is_of_many = layers.ethernet.as_ref().is_some_and(|it| it.dst.0[0] & 1 == 1);
        let to = layers.ip.as_ref().filter(|_| is_of_many)?.dst;
        self.frame.receiver.is_none().then_some(to)
    }

    /// What it carries of the application's bytes.
    pub fn payload(&self) -> Data {
        let (raw, bytes) = (&self.frame.raw.0, self.frame.layers.payload_bytes);
        Data { bytes, ..Data::of(&raw[raw.len().saturating_sub(bytes)..]) }
    }

    /// How many sequence numbers it takes: a SYN and a FIN count as a byte each (RFC 9293, section 3.4).
    pub fn takes(&self) -> u32 {
        let flags = self.tcp().map_or(Flags::default(), |tcp| tcp.flags);
        let bytes = u32::try_from(self.frame.layers.payload_bytes).unwrap_or(0);
        bytes.saturating_add(u32::from(flags.syn())).saturating_add(u32::from(flags.fin()))
    }
}

/// One direction of a conversation: its number, and who sends.
type FlowEnd = (u32, End);

impl Analysis<'_> {
    pub(super) fn follow_wire(&mut self) {
        let mut arrivals: HashMap<u64, Vec<u64>> = HashMap::new();
        let mut frames: Vec<(u64, Arc<Frame>)> = Vec::new();
        for event in self.recording.events() {
            match &event.what {
                EventKind::Frame(frame) => frames.push((event.at_ns, frame.clone())),
                EventKind::Delivered { frame } => {
                    arrivals.entry(*frame).or_default().push(event.at_ns)
                }
                _ => {}
            }
        }
        let sockets: Vec<Option<usize>> =
            frames.iter().map(|(at_ns, frame)| self.sender_of(frame, *at_ns)).collect();
        let names = self.names(&frames, &sockets);
        let mut first: HashMap<FlowEnd, u32> = HashMap::new();
        let mut sent: HashMap<FlowEnd, Sent> = HashMap::new();
        for ((left_ns, frame), socket) in frames.into_iter().zip(sockets) {
            let arrived_ns = match (arrivals.remove(&frame.frame), frame.action()) {
                (Some(at), _) => at,
                (None, None | Some(LinkAction::Passed)) => vec![left_ns],
                (None, _) => Vec::new(),
            };
            let name = |end: End| {
                let said = if end == frame.sent_by { &frame.sender } else { &frame.receiver };
                let known = frame.flow.and_then(|flow| names.get(&(flow, end)));
                known.or(said.as_ref()).cloned().unwrap_or_else(|| end.to_string().into())
            };
            let (from, to) = (name(frame.sent_by), name(frame.sent_by.other()));
            let mut segment = Segment {
                left_ns,
                arrived_ns,
                from,
                to,
                seq: None,
                ack: None,
                again_after_ns: None,
                socket,
                frame,
            };
            if let Some(address) = segment.to_many() {
                segment.to = address.to_string().into();
            }
            if let (Some(tcp), Some(flow)) = (segment.frame.layers.tcp.clone(), segment.frame.flow)
            {
                let (way, back) =
                    ((flow, segment.frame.sent_by), (flow, segment.frame.sent_by.other()));
                if tcp.flags.syn() {
                    first.insert(way, tcp.seq);
                }
                segment.seq = first.get(&way).map(|first| tcp.seq.wrapping_sub(*first));
                segment.ack = first
                    .get(&back)
                    .map(|first| tcp.ack.wrapping_sub(*first))
                    .filter(|_| tcp.flags.ack());
                if segment.takes() > 0 {
                    segment.again_after_ns =
                        sent.entry(way).or_default().note(tcp.seq, segment.takes(), left_ns);
                }
            }
            self.wire.push(segment);
        }
    }

    /// The socket that sent this, by both addresses, or by the connect() that was under way.
    fn sender_of(&self, frame: &Frame, at_ns: u64) -> Option<usize> {
        let (local, peer) = (plain(frame.local.as_ref()?)?, plain(frame.peer.as_ref()?)?);
        let stream = frame.layers.tcp.is_some();
        let fits = |&(index, socket): &(usize, &Socket)| {
            let own = socket.local.as_ref().and_then(plain);
            let its = socket.peer.as_ref().and_then(plain);
            let here = socket.may_be_at(local);
            let there = if stream {
                its == Some(peer) || self.has_failed_to_reach(socket, peer)
            } else {
                its.is_none_or(|its| its == peer)
            };
            let connecting =
                |span: &CallSpan| span.entered_ns <= at_ns && at_ns <= span.returned_ns();
            let asks = own.is_none()
                && its.is_none()
                && socket.host.is_none_or(|host| host == local.ip())
                && self.asks_for(index, peer.port(), &connecting);
            socket.is_stream() == stream && socket.backlog.is_none() && ((here && there) || asks)
        };
        // Of several with these addresses, one after the other, the last that was there by then.
        let found = self.sockets.iter().enumerate().filter(fits);
        found
            .max_by_key(|(_, socket)| (socket.opened_ns <= at_ns, socket.opened_ns))
            .map(|(index, _)| index)
    }

    /// True if a connect() to that address began on this socket, and failed later.
    fn has_failed_to_reach(&self, socket: &Socket, peer: SocketAddr) -> bool {
        let mut began = socket.failures.iter().map(|failure| &self.calls[failure.call]);
        began.any(|span| {
            span.is_under_way() && span.call.syscall.address().and_then(plain) == Some(peer)
        })
    }

    /// True if a connect() to that port was under way on this socket then.
    fn asks_for(&self, socket: usize, port: u16, then: &dyn Fn(&CallSpan) -> bool) -> bool {
        let on = |span: &CallSpan| span.socket == Some(socket);
        let to = |span: &CallSpan| {
            span.call.syscall.address().is_some_and(|address| address.port() == Some(port))
        };
        self.calls
            .iter()
            .any(|span| span.is(SyscallKind::Connect) && on(span) && to(span) && then(span))
    }

    /// Who is at which end: the socket's owner, or who the wire said it was.
    fn names(
        &self,
        frames: &[(u64, Arc<Frame>)],
        sockets: &[Option<usize>],
    ) -> HashMap<FlowEnd, Name> {
        let mut names: HashMap<FlowEnd, Name> = HashMap::new();
        for ((_, frame), socket) in frames.iter().zip(sockets) {
            let (Some(flow), Some(socket)) = (frame.flow, socket) else {
                continue;
            };
            names
                .entry((flow, frame.sent_by))
                .or_insert_with(|| self.sockets[*socket].owner.clone());
        }
        for (_, frame) in frames {
            let Some(flow) = frame.flow else { continue };
            for (end, said) in
                [(frame.sent_by, &frame.sender), (frame.sent_by.other(), &frame.receiver)]
            {
                if let Some(name) = said {
                    names.entry((flow, end)).or_insert_with(|| name.clone());
                }
            }
        }
        names
    }
}

/// What one end has sent so far: each with its first number, how many numbers it takes, and when.
#[derive(Default)]
struct Sent {
    all: Vec<(u32, u32, u64)>,
    /// The number after the last.
    next: Option<u32>,
}

impl Sent {
    /// Notes what is sent; says how long ago the same was sent last, if it was.
    fn note(&mut self, seq: u32, takes: u32, now_ns: u64) -> Option<u64> {
        // Numbers are compared modulo 2^32 (RFC 9293, section 3.4): what lies behind is within half of them.
        let behind = |number: u32, of: u32| of.wrapping_sub(number).wrapping_sub(1) < u32::MAX / 2;
        let again = self.next.is_some_and(|next| behind(seq, next));
        let before = self
            .all
            .iter()
            .rev()
            .filter(|_| again)
            .find(|(from, count, _)| seq.wrapping_sub(*from) < *count);
        let gap = before.map(|(.., at_ns)| now_ns.saturating_sub(*at_ns));
        let after = seq.wrapping_add(takes);
        if self.next.is_none_or(|next| behind(next, after)) {
            self.next = Some(after);
        }
        self.all.push((seq, takes, now_ns));
        gap
    }
}
