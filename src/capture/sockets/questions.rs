//! Questions to the kernel about a socket: those that the experiment asks, recorded as calls, and the instrument's own, recorded
//! as observations.

use std::io;
use std::panic::Location;
use std::sync::atomic::Ordering;

use socket2::{Domain, SockAddr, Type};

use super::names::address;
use super::{Socket, actor, sys};
use crate::capture;
use crate::trace::{EventKind, Fact, Feature, Name, Observation, Output, SockOpt, Syscall};

impl Socket {
    /// Its own address: getsockname(2).
    #[track_caller]
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.located.store(true, Ordering::Relaxed);
        let names = ("local_addr", "getsockname");
        self.call(
            names,
            Syscall::GetSockName,
            Location::caller(),
            socket2::Socket::local_addr,
            named,
        )
    }

    /// The address of the other end: getpeername(2).
    ///
    /// # Errors
    /// `ENOTCONN` if there is no other end.
    #[track_caller]
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        let names = ("peer_addr", "getpeername");
        self.call(
            names,
            Syscall::GetPeerName,
            Location::caller(),
            socket2::Socket::peer_addr,
            named,
        )
    }

    /// The socket's owner and both addresses of its connection, which the instrument asks for.
    pub(in crate::capture) fn ends(&self) -> io::Result<(Name, SockAddr, SockAddr)> {
        let local = self.bare().local_addr()?;
        self.observed(Fact::Getsockname(address(&local)));
        let peer = self.bare().peer_addr()?;
        self.observed(Fact::Getpeername(address(&peer)));
        Ok((self.owner.clone(), local, peer))
    }

    /// Records an answer to the instrument.
    fn observed(&self, fact: Fact) {
        let actor = actor::current().unwrap_or_else(|| self.owner.clone());
        let (socket, fd) = (Some(self.id), Some(self.descriptor()));
        self.recorder.push(&actor, EventKind::Observed(Observation { socket, fd, fact }));
    }

    /// The lab waits until an error is pending for the next call, and leaves it there.
    ///
    /// # Errors
    /// What poll(2) answers.
    pub fn until_error(&self) -> io::Result<()> {
        let asked = if self.kind == Type::DGRAM { sys::DATAGRAM_ERROR } else { 0 };
        sys::poll(&[(self.bare(), asked)], None).map(drop)
    }

    /// The TCP state according to TCP_INFO (tcp(7)): `ESTABLISHED`.
    ///
    /// # Errors
    /// What getsockopt(2) answers; [`Error::Unavailable`](capture::Error::Unavailable) where the system has no TCP_INFO.
    #[track_caller]
    pub fn tcp_state(&self) -> capture::Result<&'static str> {
        let info = self.tcp_info()?;
        info.map(|info| info.state).ok_or_else(|| Feature::TcpInfo.lack().into())
    }

    /// The contents of TCP_INFO (tcp(7)); `None` where the system has none, or the socket is not TCP.
    #[track_caller]
    pub fn tcp_info(&self) -> io::Result<Option<sys::TcpInfo>> {
        if !self.has_tcp_info() {
            return Ok(None);
        }
        let syscall = Syscall::GetOption { option: SockOpt::TcpInfo };
        let site = Location::caller();
        self.call(("tcp_info", "getsockopt"), syscall, site, sys::tcp_info, |info| {
            (0, info.as_ref().map_or(Output::None, |info| Output::TcpInfo(info.into())))
        })
    }

    fn has_tcp_info(&self) -> bool {
        self.kind == Type::STREAM && self.domain != Domain::UNIX && sys::has(Feature::TcpInfo)
    }

    fn is_questioned(&self) -> bool {
        !self.defaults.no_questions.load(Ordering::Relaxed) && !self.recorder.is_off()
    }

    /// Records the socket's address, once, unless the experiment has asked for it already.
    pub(super) fn locate(&self) {
        if self.is_questioned()
            && !self.located.swap(true, Ordering::Relaxed)
            && let Ok(local) = self.bare().local_addr()
        {
            self.observed(Fact::Getsockname(address(&local)));
        }
    }

    /// Records the socket's TCP state.
    pub(super) fn ask_state(&self) {
        if self.is_questioned()
            && self.has_tcp_info()
            && let Ok(Some(info)) = sys::tcp_info(self.bare())
        {
            self.observed(Fact::TcpInfo((&info).into()));
        }
    }
}

fn named(name: &SockAddr) -> (i64, Output) {
    (0, Output::Name(address(name)))
}
