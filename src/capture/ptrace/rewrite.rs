//! Calls to 127.0.0.1 that are led over the wire. There each program has a loopback interface of its own, so one that has
//! 127.0.0.1 hard-coded meets nobody. Before a thread makes such a call the address in its memory is changed, and changed back when
//! the call has returned.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::calls::Sys;
use super::decode::Made;
use super::descriptors::End;
use super::threads::Open;
use super::tracer::Tracer;
use crate::capture::sys::Memory;
use crate::capture::sys::ptrace::write_word;
use crate::trace::{Address, EventKind, Note};

/// What is known for leading calls: which program has which port.
#[derive(Debug, Default)]
pub struct Rewriting {
    pub is_on: bool,
    servers: HashMap<u16, usize>,
}

/// Memory of a thread that has been changed.
#[derive(Clone, Debug)]
pub struct Rewritten {
    address: u64,
    before: [u8; 8],
}

impl Rewritten {
    /// Changes it back.
    pub fn restore(&self, id: u32) {
        let _ = write_word(id, self.address, self.before);
    }
}

impl Tracer {
    /// Leads a call over the wire if it is one to a loopback address that only another program is meant by. A bind(2) to a loopback
    /// address is made one to all addresses, so that others reach it too.
    pub(super) fn rewrite(&mut self, id: u32, process: u32, made: &Made) -> Option<Rewritten> {
        if !self.rewriting.is_on {
            return None;
        }
        let memory = Memory::of(id);
        let address = place_of_address(made, memory)?;
        let before: [u8; 8] = memory.array(address)?;
        let from = inet(before).filter(|from| from.ip().is_loopback())?;
        let program = self.processes.get(&process)?.program?;
        let ip = if made.sys == Sys::Bind {
            Ipv4Addr::UNSPECIFIED
        } else {
            let server = *self.rewriting.servers.get(&from.port())?;
            self.programs.address(server).filter(|_| server != program)?
        };
        let mut after = before;
        after[4..].copy_from_slice(&ip.octets());
        write_word(id, address, after).ok()?;
        let to = SocketAddrV4::new(ip, from.port());
        let note = Note::Rewritten { from: Address::Inet(from), to: Address::Inet(to) };
        let at_ns = self.stage.now_ns();
        self.tell(id, at_ns, EventKind::Note { note }, None);
        Some(Rewritten { address, before })
    }

    /// Remembers whose the port is that a bind(2) has given.
    pub(super) fn learn_server(&mut self, process: u32, open: &Open) {
        if !self.rewriting.is_on || open.made.sys != Sys::Bind {
            return;
        }
        let program = self.processes.get(&process).and_then(|process| process.program);
        let own = open
            .call
            .socket
            .and_then(|socket| self.sockets.address(process, open.made.fd(0), socket, End::Own));
        let port = own.as_ref().and_then(Address::port);
        if let (Some(program), Some(port)) = (program, port) {
            self.rewriting.servers.insert(port, program);
        }
    }
}

/// Where the address stands that a call is made to.
fn place_of_address(made: &Made, memory: Memory) -> Option<u64> {
    let address = match made.sys {
        Sys::Bind | Sys::Connect => made.args[1],
        Sys::SendTo => made.args[4],
        Sys::SendMsg => memory.u64(made.args[1])?, // msg_name is first in a msghdr (sendmsg(2))
        _ => return None,
    };
    (address != 0).then_some(address)
}

/// The IPv4 address at the beginning of a `sockaddr_in` (ip(7)).
fn inet(bytes: [u8; 8]) -> Option<SocketAddrV4> {
    let [f, g, p, q, ip @ ..] = bytes;
    let family = i32::from(u16::from_ne_bytes([f, g]));
    (family == libc::AF_INET)
        .then(|| SocketAddrV4::new(Ipv4Addr::from(ip), u16::from_be_bytes([p, q])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_sockaddr_in_is_family_port_and_address() {
        let [f, g] = (libc::AF_INET as u16).to_ne_bytes();
        let bytes = [f, g, 0x13, 0x88, 127, 0, 0, 1];
        assert_eq!(inet(bytes), Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5000)));
        assert_eq!(inet([0xff; 8]), None);
    }
}
