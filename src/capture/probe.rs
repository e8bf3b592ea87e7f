//! What this machine can do for an experiment, each found out by doing it, in a process that is over afterwards.

use serde::{Deserialize, Serialize};

use super::{Lab, link, sys};
use crate::trace::{Lack, Need};

/// What there is; a field is `None` if it can be had, and what was missing if not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Probe {
    /// A network of one's own: user and network namespaces.
    pub network: Option<Lack>,
    /// The wire's device in it; without the network it is not tried.
    pub device: Option<Lack>,
    /// IPv6 on the host's network.
    pub ipv6: Option<Lack>,
    /// Thread states in /proc.
    pub threads: Option<Lack>,
}

/// Tries everything. It moves the process into a network of its own, so call it in a process made for it, before any thread.
#[must_use]
pub fn probe() -> Probe {
    let ipv6 = Lab::in_memory().lacks_ipv6();
    let threads = sys::is_asleep(std::process::id(), sys::thread_id())
        .is_none()
        .then_some(Lack::ThreadStates);
    // The very steps that an experiment takes.
    let (network, device) = match link::private(&Lab::in_memory()) {
        Ok(through) => (None, link::device(&through).err().map(|missing| missing.lack(Need::Link))),
        Err(missing) => (Some(missing.lack(Need::PrivateNetwork)), Some(Lack::NeedsPrivateNetwork)),
    };
    Probe { network, device, ipv6, threads }
}
