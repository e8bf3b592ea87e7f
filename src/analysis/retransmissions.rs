//! What was sent again: frames that say the same thing, and the calls that waited for it.
//!
//! A series is one thing sent once or more: a SYN, a piece of data (same sequence number), a FIN, a keep-alive probe, a
//! datagram.

use std::collections::HashMap;

use super::{Analysis, CallSpan, Segment};
use crate::trace::packet::End;
use crate::trace::{EventKind, SockOpt, Syscall, SyscallKind};

/// What is sent, so that it can be recognised when it is sent again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    Syn,
    SynAck,
    Fin,
    Data,
    /// No data, and a sequence number that was used before: keep-alive (RFC 9293, 3.8.4), or Linux's probe of a closed window
    /// (Linux `net/ipv4/tcp_output.c`; in RFC 9293, 3.8.6.1, the probe has a byte of data).
    Probe,
    Datagram(Vec<u8>),
}

/// One thing, each time that it left.
#[derive(Clone, Debug)]
pub struct Series {
    pub content: Content,
    /// Its frames, as indices into [`Analysis::wire`]: one at least.
    pub sent: Vec<usize>,
    /// How many of them were lost.
    pub lost: usize,
    pub begins_ns: u64,
    pub ends_ns: u64,
    /// The socket that sent it, where that is known.
    pub socket: Option<usize>,
    /// The calls on that socket that waited for it, or returned its failure: the last four.
    pub waits: Vec<usize>,
    /// The calls that set limits to such waits on that socket: of each limit the last.
    pub limits: Vec<usize>,
    /// Deliberate waits meanwhile, its sender's and the lab's: from when to when.
    pub pauses: Vec<(u64, u64)>,
}

/// A series' flow, sending end, content and sequence number.
type Key = (u32, End, Content, u32);

impl Series {
    /// True if it was lost or sent again in a way that a program or its user notices.
    fn matters(&self) -> bool {
        match self.content {
            // The same datagram may be sent twice on purpose; and of many, some may be lost that nobody sends again.
            Content::Datagram(_) => self.sent.len() > 1 && self.lost > 0,
            // What an end says once at the very last, nobody waits for.
            Content::SynAck | Content::Fin => self.sent.len() > 1,
            _ => self.sent.len() > 1 || self.lost > 0,
        }
    }
}

impl Analysis<'_> {
    /// Sorts the frames into series, in the order in which they began, and keeps those that matter.
    pub(super) fn find_retransmissions(&mut self) {
        let mut all: Vec<Series> = Vec::new();
        let mut known: HashMap<Key, usize> = HashMap::new();
        let mut next: HashMap<(u32, End), u32> = HashMap::new();
        for (index, segment) in self.wire.iter().enumerate() {
            let Some((key, content)) = recognised(segment, &mut next) else { continue };
            let at = *known.entry(key).or_insert_with(|| {
                all.push(Series {
                    content,
                    sent: Vec::new(),
                    lost: 0,
                    begins_ns: segment.left_ns,
                    ends_ns: segment.left_ns,
                    socket: None,
                    waits: Vec::new(),
                    limits: Vec::new(),
                    pauses: Vec::new(),
                });
                all.len() - 1
            });
            let series = &mut all[at];
            series.sent.push(index);
            series.lost += usize::from(segment.frame.is_lost());
            series.ends_ns = segment.left_ns;
        }
        // Where one SYN had to be sent again, those that did not are kept too: a program's last try.
        let syn_lost = all.iter().any(|one| one.content == Content::Syn && one.matters());
        all.retain(|one| one.matters() || (syn_lost && one.content == Content::Syn));
        for at in 0..all.len() {
            let next_ns = all.get(at + 1).map_or(u64::MAX, |next| next.begins_ns);
            let one = &mut all[at];
            one.socket = self.socket_of(one);
            if let Some(socket) = one.socket {
                one.limits = self.limits_on(socket);
                one.waits = self.waits_for(one, socket);
            }
            one.pauses = self.pauses_in(one, next_ns);
        }
        self.retransmissions = all;
    }

    fn socket_of(&self, series: &Series) -> Option<usize> {
        let segment = &self.wire[series.sent[0]];
        let frame = &segment.frame;
        let (local, peer) = (frame.local.as_ref()?, frame.peer.as_ref()?);
        // Of several, the one that is known to have that address, and of these the last that was used before it began.
        let mut fitting: Vec<(bool, u64, usize)> = Vec::new();
        for span in self.calls.iter().filter(|span| span.entered_ns <= series.ends_ns) {
            let Some(at) = span.socket else { continue };
            let socket = &self.sockets[at];
            let known = socket.local.as_ref() == Some(local);
            let names_peer = span.call.syscall.address() == Some(peer);
            let connects = span.is(SyscallKind::Connect)
                && names_peer
                && span.entered_ns <= series.begins_ns
                && (known || socket.local.is_none());
            let is_connected = known && socket.peer.as_ref() == Some(peer);
            if connects || is_connected || (known && names_peer) {
                fitting.push((known, span.entered_ns.min(series.begins_ns), at));
            }
        }
        fitting.into_iter().max().map(|(_, _, at)| at).or(segment.socket)
    }

    fn limits_on(&self, socket: usize) -> Vec<usize> {
        let mut all: Vec<(&SockOpt, usize)> = Vec::new();
        for (index, span) in self.calls.iter().enumerate() {
            let Syscall::SetOption { option, .. } = &span.call.syscall else { continue };
            if span.socket == Some(socket) && span.result().is_some() && is_limit(option) {
                all.retain(|(known, _)| *known != option);
                all.push((option, index));
            }
        }
        all.into_iter().map(|(_, index)| index).collect()
    }

    /// What the sender, or the lab, waited on purpose meanwhile.
    fn pauses_in(&self, series: &Series, next_ns: u64) -> Vec<(u64, u64)> {
        let sender = self.wire[series.sent[0]].frame.sender.as_ref();
        let waits = series.waits.iter().map(|call| self.calls[*call].entered_ns);
        let since_ns = waits.chain([series.begins_ns]).min().unwrap_or(series.begins_ns);
        let events = self.recording.events().iter();
        let meanwhile = events.filter(|event| (since_ns..next_ns).contains(&event.at_ns));
        let its_own = meanwhile.filter(|event| {
            !event.is_by_actor() || sender.is_some_and(|name| *name == event.actor)
        });
        its_own
            .filter_map(|event| match event.what {
                EventKind::Wait { asked_ns, .. } => {
                    Some((event.at_ns, event.at_ns.saturating_add(asked_ns)))
                }
                _ => None,
            })
            .collect()
    }

    fn waits_for(&self, series: &Series, socket: usize) -> Vec<usize> {
        let end_ns = self.recording.events().last().map_or(0, |event| event.at_ns);
        let until = |span: &CallSpan| span.returned_ns().min(end_ns);
        let of_socket = || {
            let calls = self.calls.iter().enumerate();
            calls.filter(|(_, span)| span.socket == Some(socket) && !span.call.is_instrument())
        };
        let span_ns = series.ends_ns.saturating_sub(series.begins_ns).max(1_000_000);
        let opens = |span: &CallSpan| {
            span.is(SyscallKind::Connect)
                && series.content == Content::Syn
                && span.entered_ns <= series.begins_ns
        };
        let meanwhile = |span: &CallSpan| {
            let waited = until(span).saturating_sub(span.entered_ns) >= span_ns / 50;
            span.entered_ns <= series.ends_ns
                && until(span) >= series.begins_ns
                && (waited || span.errno().is_some())
        };
        let mut found: Vec<(usize, &CallSpan)> =
            of_socket().filter(|(_, span)| opens(span) || meanwhile(span)).collect();
        // A call that does not block fails at once; one that reached its limit fails the same way, but later.
        let undecided = |(_, span): &(usize, &CallSpan)| {
            span.exit.is_some()
                && (span.errno().is_none() || span.returned_ns() <= series.begins_ns)
        };
        if found.iter().all(undecided) && series.lost == series.sent.len() {
            found.extend(of_socket().find(|(_, span)| {
                span.entered_ns > series.ends_ns
                    && (span.errno().is_some() || span.is(SyscallKind::Close))
            }));
        }
        found.sort_by_key(|(_, span)| span.entered_ns);
        let last = found.split_off(found.len().saturating_sub(4));
        last.into_iter().map(|(index, _)| index).collect()
    }
}

/// True for an option that limits a wait (socket(7), tcp(7)).
fn is_limit(option: &SockOpt) -> bool {
    matches!(
        option,
        SockOpt::SendTimeout
            | SockOpt::RecvTimeout
            | SockOpt::UserTimeout
            | SockOpt::SynCount
            | SockOpt::KeepIdle
            | SockOpt::KeepInterval
            | SockOpt::KeepCount
    )
}

/// What a segment says, and what it has in common with those that say it again; nothing if nobody would.
/// `next` is the sequence number that each end is expected to use next.
fn recognised(segment: &Segment, next: &mut HashMap<(u32, End), u32>) -> Option<(Key, Content)> {
    let (frame, flow) = (&segment.frame, segment.frame.flow?);
    let (content, seq) = if let Some(tcp) = segment.tcp() {
        let end = (flow, frame.sent_by);
        let expected = next.get(&end).copied();
        let after = tcp.seq.wrapping_add(segment.takes());
        if expected.is_none_or(|expected| after.wrapping_sub(expected) < 1 << 31) {
            next.insert(end, after);
        }
        let content = match tcp.flags {
            flags if flags.rst() => return None,
            flags if flags.syn() && flags.ack() => Content::SynAck,
            flags if flags.syn() => Content::Syn,
            _ if frame.layers.payload_bytes > 0 => Content::Data,
            flags if flags.fin() => Content::Fin,
            _ if expected == Some(tcp.seq.wrapping_add(1)) => Content::Probe,
            _ => return None,
        };
        (content, tcp.seq)
    } else {
        frame.layers.udp.as_ref()?;
        let from = frame.raw.0.len().saturating_sub(frame.layers.payload_bytes);
        (Content::Datagram(frame.raw.0[from..].to_vec()), 0)
    };
    Some(((flow, frame.sent_by, content.clone(), seq), content))
}
