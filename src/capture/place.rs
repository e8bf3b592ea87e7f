//! Addresses, ports and paths for experiments, and what the machine's network has.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::PoisonError;

use socket2::{Domain, SockAddr, Type};

use super::{Actor, Error, Lab, Network, Result, Socket, Wire, link, sys};
use crate::trace::{FailedCall, Feature, Lack};

impl Lab {
    /// 127.0.0.1 and this port; 0 lets the kernel choose one that is free (ip(7)).
    #[must_use]
    pub fn here(&self, port: u16) -> SockAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()
    }

    /// ::1 and this port.
    #[must_use]
    pub fn here_v6(&self, port: u16) -> SockAddr {
        SocketAddr::from((Ipv6Addr::LOCALHOST, port)).into()
    }

    /// 10.9.0.1 and this port: the near end of the link, where sockets are bound. 0 lets the kernel choose a port.
    #[must_use]
    pub fn near(&self, port: u16) -> SockAddr {
        SocketAddr::from((link::NEAR, port)).into()
    }

    /// 10.9.0.2 and this port: the far end of the link. Packets sent there cross the link and reach the socket that has the
    /// port at the near end.
    #[must_use]
    pub fn far(&self, port: u16) -> SockAddr {
        SocketAddr::from((link::FAR, port)).into()
    }

    /// The link, for an experiment that is declared with `network: Network::Wire`.
    pub fn wire(&self) -> Result<&Wire> {
        let wire = self.inner.wire.get();
        wire.ok_or_else(|| Error::assertion("the experiment's row lacks `network: Network::Wire`"))
    }

    /// A path in the run's own folder, which is removed when the run ends.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let mut folder = self.inner.folder.lock().unwrap_or_else(PoisonError::into_inner);
        if folder.is_none() {
            *folder = Some(new_folder().map_err(Error::from)?);
        }
        Ok(folder.as_ref().map(|folder| folder.join(name)).unwrap_or_default())
    }

    /// The AF_UNIX address of a path in the run's own folder.
    pub fn here_unix(&self, name: &str) -> Result<SockAddr> {
        let path = self.path(name)?;
        SockAddr::unix(&path)
            .map_err(|_| Lack::PathTooLong { path: path.display().to_string() }.into())
    }

    /// Fails if this system does not have this.
    pub fn need(&self, feature: Feature) -> Result<()> {
        match feature {
            Feature::Refusals if sys::is_wine() => Err(Lack::Wine.into()),
            feature if sys::has(feature) => Ok(()),
            feature => Err(feature.lack().into()),
        }
    }

    /// Fails if there is no IPv6, with the reason.
    pub fn need_ipv6(&self) -> Result<()> {
        self.lacks_ipv6().map_or(Ok(()), |lack| Err(lack.into()))
    }

    /// Why there is no IPv6, if there is none.
    pub(super) fn lacks_ipv6(&self) -> Option<Lack> {
        let bound = Actor::instrument(self)
            .socket(Domain::IPV6, Type::DGRAM, None)
            .map_err(|error| ("socket(AF_INET6)", error))
            .and_then(|probe| {
                probe.bind(&self.here_v6(0)).map_err(|error| ("bind [::1]:0", error))
            });
        let (call, error) = bound.err()?;
        let errno = sys::error_name(&error);
        Some(if sys::is_shortage(&error) && !sys::is_family_missing(&error) {
            let mut call = FailedCall::unknown(&self.inner.myself, errno);
            call.function = Some("socket".into());
            Lack::Shortage(call)
        } else if errno == "EADDRNOTAVAIL"
            && sys::sysctl("net.ipv6.conf.lo.disable_ipv6") == Some(0)
        {
            Lack::Ipv6Loopback { errno }
        } else {
            Lack::Ipv6 { call: call.into(), errno }
        })
    }

    /// Whether this address is free for sockets of this type: the instrument binds one there, and closes it. A port that the
    /// kernel chose for TCP may be in use for UDP.
    ///
    /// # Errors
    /// Those of socket(2), and those of bind(2) except `EADDRINUSE`.
    pub fn is_free(&self, kind: Type, at: &SockAddr) -> Result<bool> {
        match Actor::instrument(self).socket(at.domain(), kind, None)?.bind(at) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(false),
            answer => Ok(answer.map(|()| true)?),
        }
    }

    /// An address at which nobody listens, and a socket that reserves it: while that is open, nobody else can take the port.
    ///
    /// For TCP it is bound but does not listen; for UDP it is connected to itself, so it receives nothing else (udp(7)).
    pub fn nobody(&self, kind: Type) -> Result<(Socket, SockAddr)> {
        let keeper = Actor::instrument(self).socket(Domain::IPV4, kind, None)?;
        keeper.bind(&self.here(0))?;
        let address = keeper.local_addr()?;
        if kind == Type::DGRAM {
            keeper.connect(&address)?;
        }
        Ok((keeper, address))
    }

    /// Frames that `lo` of the run's private network has sent so far. A shared network would count those of others too.
    pub fn frames_on_lo(&self) -> Result<u64> {
        let frames = sys::frames_sent("lo").filter(|_| self.inner.network != Network::Host);
        frames.ok_or_else(|| Lack::FrameCounters.into())
    }

    /// A kernel setting that is a whole number, such as `net.ipv4.tcp_syn_retries`, read in the run's network and recorded.
    /// `None` if this kernel has no such setting.
    #[must_use]
    pub fn sysctl(&self, name: &'static str) -> Option<u64> {
        let count = sys::sysctl(name)?;
        self.tally(name, count, "sysctl");
        Some(count)
    }
}

fn new_folder() -> std::result::Result<PathBuf, Lack> {
    let parent = std::env::temp_dir();
    let mut attempt = 0;
    loop {
        let folder = parent.join(format!("explore-{}-{attempt}", std::process::id()));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {
                attempt += 1
            }
            Err(error) => {
                let path = parent.display().to_string();
                return Err(Lack::TempFolder { path, errno: sys::error_name(&error) });
            }
        }
    }
}

/// Why no folder for a run's files can be made, or no socket in it, if that is so.
pub(super) fn lacks_folder() -> Option<Lack> {
    let folder = match new_folder() {
        Ok(folder) => folder,
        Err(lack) => return Some(lack),
    };
    let fits = SockAddr::unix(folder.join("server")).is_ok();
    let _ = std::fs::remove_dir(&folder);
    (!fits).then(|| Lack::PathTooLong { path: folder.join("server").display().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::failed_with;

    #[test]
    fn nobody_can_take_the_port_where_nobody_listens() {
        let lab = Lab::in_memory();
        for kind in [Type::STREAM, Type::DGRAM] {
            let (_kept, address) = lab.nobody(kind).expect("a port");
            let thief = lab.actor("thief").socket(Domain::IPV4, kind, None).expect("a socket");
            assert!(failed_with("bind", &thief.bind(&address), "EADDRINUSE").holds());
        }
        assert_eq!(lab.calls("lab").len(), 0, "keeping the port is the instrument's doing");
    }
}
