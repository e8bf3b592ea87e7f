//! When two addresses are the same.

use std::net::{IpAddr, SocketAddr};

use super::Socket;
use crate::trace::Address;

/// An address without the two ways to write it: IPv4 in IPv6's clothes is IPv4 (RFC 4291, 2.5.5.2).
pub(super) fn plain(address: &Address) -> Option<SocketAddr> {
    match address {
        Address::Inet(address) => Some(SocketAddr::from(*address)),
        Address::Inet6(address) => {
            Some(SocketAddr::new(IpAddr::V6(*address.ip()).to_canonical(), address.port()))
        }
        Address::Unix(_) => None,
    }
}

impl Socket {
    /// True if this address, when `from` uses it, is that of this socket.
    pub(super) fn is_reached(&self, address: &Address, from: &Socket) -> bool {
        let is_there = match plain(address) {
            Some(there) => self.stands_at(there),
            None => self.local.as_ref() == Some(address),
        };
        is_there && self.is_on_host_of(address, from)
    }

    /// True if it is at this address, or has its port at a wildcard that stands for it: `0.0.0.0` for all of IPv4, `::` for both
    /// families unless it is IPv6's alone (ipv6(7)).
    pub(super) fn stands_at(&self, address: SocketAddr) -> bool {
        let Some(own) = self.local.as_ref().and_then(plain) else { return false };
        let (own_ip, ip) = (own.ip(), address.ip());
        let is_of_family = match own_ip {
            IpAddr::V4(_) => ip.is_ipv4(),
            IpAddr::V6(_) => ip.is_ipv6() || !self.only_v6,
        };
        own.port() == address.port() && (own_ip == ip || (own_ip.is_unspecified() && is_of_family))
    }

    /// True if this address, when `from` uses it, is one of the host that this socket is on. Each private network has a loopback
    /// interface of its own; to connect to the wildcard is to connect to it (Linux, ip(7)).
    fn is_on_host_of(&self, address: &Address, from: &Socket) -> bool {
        match (self.host, plain(address).map(|address| address.ip())) {
            (_, Some(ip)) if ip.is_loopback() || ip.is_unspecified() => self.host == from.host,
            (Some(host), Some(ip)) => ip == host,
            _ => true,
        }
    }

    /// True if only its own host can reach it.
    pub fn is_on_loopback(&self) -> bool {
        self.local.as_ref().and_then(plain).is_some_and(|own| own.ip().is_loopback())
    }

    /// True if it may have this address of its own: the kernel has not said another.
    pub(super) fn may_be_at(&self, address: SocketAddr) -> bool {
        self.host.is_none_or(|host| host == address.ip()) && self.stands_at(address)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use crate::analysis::script::{Script, at, data};
    use crate::analysis::{Analysis, Fate, StrayCall};
    use crate::trace::{Address, EventKind, Outcome, Value};

    /// Two programs, each in a network of its own: `one` at 10.9.0.2, `two` at 10.9.0.3.
    fn two_hosts() -> Script {
        let mut script = Script::unhurried();
        for (name, process, host) in [("one", 71, 2), ("two", 72, 3)] {
            script.process(name, process);
            script.event(name, EventKind::Network { address: Ipv4Addr::new(10, 9, 0, host) });
        }
        script
    }

    fn address(text: &str) -> Address {
        let Value::Address(address) = at(text) else { panic!("an address") };
        address
    }

    #[test]
    fn a_loopback_address_is_of_its_own_host() {
        let mut script = two_hosts();
        script.socket("one", 1, "AF_INET", "SOCK_STREAM");
        script.call("one", 1, "bind", &[("address", at("0.0.0.0:5000"))], 0);
        script.call("one", 1, "listen", &[("backlog", 5.into())], 0);
        script.socket("two", 2, "AF_INET", "SOCK_STREAM");
        script.fails("two", 2, "connect", &[("address", at("127.0.0.1:5000"))], "ECONNREFUSED");
        script.socket("one", 3, "AF_INET", "SOCK_STREAM");
        script.call("one", 3, "connect", &[("address", at("127.0.0.1:5000"))], 0);
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let connects: Vec<_> = (0..analysis.calls.len())
            .filter(|at| analysis.calls[*at].call.function() == "connect")
            .collect();
        let strays = [StrayCall { call: connects[0], other: 0 }];
        assert_eq!(
            analysis.stray_calls(),
            strays,
            "the other one met the listener of its own host"
        );
        let listener = |connect, to| analysis.listener_at(&address(to), connect);
        assert_eq!(listener(connects[0], "127.0.0.1:5000"), None);
        assert_eq!(listener(connects[0], "10.9.0.2:5000"), Some(0));
        assert_eq!(listener(connects[0], "10.9.0.3:5000"), None, "that is its own host");
        assert_eq!(listener(connects[1], "127.0.0.1:5000"), Some(0));
    }

    #[test]
    fn two_hosts_have_the_same_port_at_their_wildcards() {
        let mut script = two_hosts();
        for (name, socket) in [("one", 1), ("two", 2)] {
            script.socket(name, socket, "AF_INET", "SOCK_DGRAM");
            script.call(name, socket, "bind", &[("address", at("0.0.0.0:5000"))], 0);
        }
        for (from, to, text, address) in [
            (("two", 2), ("one", 1), "there", ["10.9.0.2:5000", "10.9.0.3:5000"]),
            (("one", 1), ("two", 2), "back", ["10.9.0.3:5000", "10.9.0.2:5000"]),
        ] {
            let args = [("data", data(text)), ("address", at(address[0]))];
            script.call(from.0, from.1, "send_to", &args, text.len() as i64);
            let receive = script.enter(to.0, to.1, "recv_from", &[("size", 64.into())]);
            let out = [("data", data(text)), ("address", at(address[1]))];
            script.leave(to.0, &receive, Outcome::Result(text.len() as i64), &out);
        }
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let went = analysis.messages.iter().map(|one| (one.from, one.to, one.fate));
        assert_eq!(
            went.collect::<Vec<_>>(),
            [(Some(1), Some(0), Fate::Received), (Some(0), Some(1), Fate::Received)]
        );
    }
}
