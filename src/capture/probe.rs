//! What this machine can do for an experiment, each found out by doing it, in a process that is over afterwards.

use serde::{Deserialize, Serialize};

use super::sys::{self, Missing};
use super::{Lab, link};
use crate::i18n::tr;

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

/// Why something cannot be had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lack {
    /// The step that failed, and its error.
    pub why: String,
    /// What would help on this system, where that is known.
    pub remedy: Option<String>,
}

impl From<Missing> for Lack {
    fn from(missing: Missing) -> Lack {
        Lack { why: missing.to_string(), remedy: link::remedy(&missing).map(str::to_owned) }
    }
}

/// Tries everything. It moves the process into a network of its own, so call it in a process made for it, before any thread.
#[must_use]
pub fn probe() -> Probe {
    let ipv6 = Lab::in_memory()
        .lacks_ipv6()
        .unwrap_or_else(|error| Some(Lack { why: error.to_string(), remedy: None }));
    let threads = sys::is_asleep(std::process::id(), sys::thread_id()).is_none().then(|| Lack {
        why: tr!("/proc/PID/task cannot be read").to_owned(),
        remedy: Some(tr!("mount /proc: `sudo mount -t proc proc /proc`").to_owned()),
    });
    // The very steps that an experiment takes.
    let (network, device) = match link::private(&Lab::in_memory()) {
        Ok(through) => (None, link::device(&through).err().map(Lack::from)),
        Err(missing) => {
            let why = tr!("not tried, for it needs the private network");
            let not_tried = Lack { why: why.to_owned(), remedy: None };
            (Some(Lack::from(missing)), Some(not_tried))
        }
    };
    Probe { network, device, ipv6, threads }
}
