//! Calls that stayed on their own host, though whom they were meant for is on another.

use super::address::plain;
use super::{Analysis, Socket};
use crate::trace::Syscall;

/// A call to a loopback address, at a port that nobody has on that host, and somebody has on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrayCall {
    /// The connect() or sendto(), an index into [`Analysis::calls`].
    pub call: usize,
    /// The socket that has the port on the other host, an index into [`Analysis::sockets`].
    pub other: usize,
}

impl Analysis<'_> {
    /// The first such call of each actor to each of those sockets.
    pub fn stray_calls(&self) -> Vec<StrayCall> {
        let mut all: Vec<StrayCall> = Vec::new();
        for call in 0..self.calls.len() {
            let Some(other) = self.meant(call) else { continue };
            let same = |known: &StrayCall| {
                known.other == other && self.calls[known.call].actor == self.calls[call].actor
            };
            if !all.iter().any(same) {
                all.push(StrayCall { call, other });
            }
        }
        all
    }

    /// The socket on another host for which this call was meant.
    pub(super) fn meant(&self, call: usize) -> Option<usize> {
        let span = &self.calls[call];
        let address = match &span.call.syscall {
            Syscall::Connect { .. } | Syscall::Send { .. } => span.call.syscall.address()?,
            _ => return None,
        };
        let to = plain(address).filter(|to| to.ip().is_loopback())?;
        let from = &self.sockets[span.socket?];
        let serves = |socket: &Socket| {
            let listens = if socket.is_stream() { socket.backlog.is_some() } else { true };
            listens
                && socket.kind == from.kind
                && socket.open_during(span.entered_ns, span.returned_ns())
        };
        let mut there = self.sockets.iter().filter(|socket| serves(socket));
        if from.host.is_none() || there.any(|socket| socket.is_reached(address, from)) {
            return None;
        }
        self.sockets.iter().position(|socket| {
            let port = socket.local.as_ref().and_then(plain).map(|local| local.port());
            serves(socket) && port == Some(to.port()) && socket.host != from.host
        })
    }
}
