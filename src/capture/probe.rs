//! Finds out what this machine offers to experiments, by trying each thing in a process made for that.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use super::{Lab, error, link, place, sys};
use crate::trace::{Feature, Lack, Need};

/// What is missing; a field is `None` if nothing is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Probe {
    /// A private network: user and network namespaces.
    pub network: Option<Lack>,
    /// The link's device in it; without the network it is not tried.
    pub device: Option<Lack>,
    /// 127.0.0.1 on the host's network.
    pub loopback: Option<Lack>,
    /// IPv6 on the host's network.
    pub ipv6: Option<Lack>,
    /// Thread states in /proc.
    pub threads: Option<Lack>,
    /// A folder for files, and for sockets that have a path.
    pub folder: Option<Lack>,
}

/// Why 127.0.0.1 cannot be reached, if it cannot. Connecting a UDP socket sends nothing: the kernel only looks for a route.
/// The parent process asks before a run, because the run records all its own sockets.
#[must_use]
pub fn loopback() -> Option<Lack> {
    // Without a socket there is no answer; the run itself reports that.
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).ok()?;
    let discard = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let error = socket.connect(&discard.into()).err()?;
    Some(Lack::Loopback { errno: sys::error_name(&error) })
}

/// Tries everything. It moves the process into a private network, so call it in a process made for it, before any thread.
#[must_use]
pub fn probe() -> Probe {
    let loopback = loopback();
    let ipv6 = match &loopback {
        Some(_) => Some(Lack::NeedsLoopback),
        None => Lab::in_memory().lacks_ipv6(),
    };
    let folder = place::lacks_folder();
    let threads = match sys::is_asleep(std::process::id(), sys::thread_id()) {
        None => Some(Lack::ThreadStates),
        Some(_) => (!sys::has(Feature::ThreadDetails)).then_some(Lack::ThreadDetails),
    };
    // The same steps that an experiment takes.
    let (network, device) = match link::private(&Lab::in_memory()) {
        Ok(through) => {
            let device = link::device(through.bare(), link::NEAR);
            (None, device.err().map(|missing| missing.lack(Need::Link)))
        }
        Err(missing) => (Some(missing.lack(Need::PrivateNetwork)), Some(Lack::NeedsPrivateNetwork)),
    };
    let [network, device, threads] = [network, device, threads].map(|lack| lack.map(error::here));
    Probe { network, device, loopback, ipv6, threads, folder }
}
