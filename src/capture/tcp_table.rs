//! One end of a TCP connection in the kernel's own table. It may exist before any process has a descriptor for it, and after
//! every process has closed it.

use std::borrow::Cow;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use super::link::{self, CapturedFrame};
use super::{Error, Lab, Result, Socket, sys};
use crate::trace::{Address, EventKind, Fact, Failure, Lack, Name, Observation};

/// How long [`TcpTableEntry::until`] waits for a state. If it does not come, the claim shows the state that there is.
const PATIENCE: Duration = Duration::from_secs(2);

/// One end of a TCP connection over IPv4, by its two addresses.
#[derive(Clone, Debug)]
pub struct TcpTableEntry {
    lab: Lab,
    actor: Name,
    local: SocketAddrV4,
    peer: SocketAddrV4,
}

impl Lab {
    /// The entry of a socket that has a peer; it stays usable after the socket is closed.
    ///
    /// # Errors
    /// [`Error::Io`] if it has none: `ENOTCONN`. [`Error::Failed`] if it is not IPv4.
    pub fn entry(&self, socket: &Socket) -> Result<TcpTableEntry> {
        let v4 = |at: socket2::SockAddr| match at.as_socket() {
            Some(SocketAddr::V4(at)) => Ok(at),
            _ => Err(Error::assertion("the table that is looked up is that of IPv4 connections")),
        };
        let (actor, local, peer) = socket.ends()?;
        Ok(TcpTableEntry { lab: self.clone(), actor, local: v4(local)?, peer: v4(peer)? })
    }

    /// The entry of the end that sent this segment, which may have no descriptor to query.
    pub fn entry_of_sender(&self, actor: &str, segment: &CapturedFrame) -> Result<TcpTableEntry> {
        let (Some(Address::Inet(local)), Some(Address::Inet(peer))) =
            (&segment.frame.local, &segment.frame.peer)
        else {
            return Err(Failure::NoConnection { frame: segment.frame.frame }.into());
        };
        Ok(TcpTableEntry {
            lab: self.clone(),
            actor: Name::from(actor),
            local: *local,
            peer: *peer,
        })
    }
}

impl TcpTableEntry {
    /// The entry of the connection's other end. Across the wire each end sees the other at the far address.
    #[must_use]
    pub fn other(&self, actor: &str) -> TcpTableEntry {
        let (mut local, mut peer) = (self.peer, self.local);
        if *self.peer.ip() == link::FAR {
            local.set_ip(link::NEAR);
            peer.set_ip(link::FAR);
        }
        TcpTableEntry { lab: self.lab.clone(), actor: Name::from(actor), local, peer }
    }

    /// Its state now, or `none` if the kernel knows of no such end.
    pub fn state(&self) -> Result<&'static str> {
        let state = self.look()?.map_or("none", |entry| entry.state);
        self.tell(state);
        Ok(state)
    }

    /// Waits until it has this state, for at most two seconds, and returns the state it has then.
    pub fn until(&self, wanted: &str) -> Result<&'static str> {
        let begun = Instant::now();
        let state = sys::look_until(|| match self.look() {
            Ok(entry) => {
                let state = entry.map_or("none", |entry| entry.state);
                (state == wanted || begun.elapsed() > PATIENCE).then_some(Ok(state))
            }
            Err(error) => Some(Err(error)),
        })?;
        self.tell(state);
        Ok(state)
    }

    /// The remaining time of its timer, zero if it has none; `None` where the system does not tell.
    pub fn left(&self) -> Result<Option<Duration>> {
        Ok(self.look()?.map_or(Some(Duration::ZERO), |entry| entry.left))
    }

    fn look(&self) -> Result<Option<sys::TcpEntry>> {
        sys::tcp_table(self.local, self.peer)
            .map_err(|error| Lack::TcpTable { errno: sys::error_name(&error) }.into())
    }

    fn tell(&self, state: &'static str) {
        let (local, peer) = (Address::Inet(self.local), Address::Inet(self.peer));
        let fact = Fact::TcpTable { local, peer, state: Cow::Borrowed(state) };
        let what = EventKind::Observed(Observation { socket: None, fd: None, fact });
        self.lab.recorder().push(&self.actor, what);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use socket2::{Domain, Type};

    #[test]
    fn an_end_is_found_before_accept_and_after_close_and_not_after_a_reset() {
        let lab = Lab::in_memory();
        let listener =
            lab.actor("server").socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&lab.here(0)).expect("a port");
        listener.listen(1).expect("listening");
        let client =
            lab.actor("client").socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
        client.connect(&listener.local_addr().expect("an address")).expect("connected");
        let near = lab.entry(&client).expect("it has a peer");
        let far = near.other("server");
        assert_eq!(
            (near.until("ESTABLISHED").ok(), far.until("ESTABLISHED").ok()),
            (Some("ESTABLISHED"), Some("ESTABLISHED"))
        );
        assert_eq!(near.left().ok(), Some(Some(Duration::ZERO)));

        let (accepted, _) = listener.accept().expect("accepted");
        client.close().expect("closed");
        accepted.close().expect("closed");
        assert_eq!(
            (near.until("TIME_WAIT").ok(), far.until("none").ok()),
            (Some("TIME_WAIT"), Some("none"))
        );
        let left = near.left().expect("the table").expect("it tells of timers");
        assert!(left > Duration::ZERO && left <= Duration::from_secs(60), "{left:?}");

        let client =
            lab.actor("client").socket(Domain::IPV4, Type::STREAM, None).expect("a socket");
        client.connect(&listener.local_addr().expect("an address")).expect("connected");
        let near = lab.entry(&client).expect("it has a peer");
        client.set_linger(Some(Duration::ZERO)).expect("set");
        client.close().expect("closed");
        assert_eq!(near.until("none").ok(), Some("none"));
    }
}
