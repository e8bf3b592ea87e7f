//! The private network, and the wire's device in it: made before any thread starts, and every right given up after.

use std::fs::File;

use socket2::{Domain, Type};

use super::{INTERFACE, NEAR};
use crate::lab::actor::Actor;
use crate::lab::kernel::{self, Missing};
use crate::lab::{Error, Lab, Network, Result};

/// So many frames the device is to hold for us before it drops one unseen. Where that cannot be set it is the kernel's 1000.
const QUEUE: i32 = 10_000;

/// Moves this process to where the experiment plays; for [`Network::Wire`], gives the device. Call it before any thread starts.
///
/// One socket is opened to raise interfaces through, and recorded as the instrument's.
pub(in crate::lab) fn enter(lab: &Lab, network: Network) -> Result<Option<File>> {
    if network == Network::Host {
        return Ok(None);
    }
    let what = if network == Network::Wire { "a wire" } else { "a network of its own" };
    let unavailable = |missing: Missing| {
        let remedy = remedy(&missing).map_or_else(String::new, |remedy| format!("; {remedy}"));
        Error::Unavailable(format!("this needs {what}, and the system refused it ({missing}){remedy}"))
    };
    let refused = |step: &'static str| move |error| unavailable(Missing { step: step.into(), errno: kernel::error_name(&error) });
    kernel::enter_private_network().map_err(unavailable)?;
    let through = Actor::instrument(lab).socket(Domain::IPV4, Type::DGRAM, None)?;
    kernel::raise_interface(through.bare(), "lo").map_err(refused("raise lo"))?;
    if network != Network::Wire {
        return Ok(None);
    }
    let tap = kernel::open_tap(INTERFACE).map_err(unavailable)?;
    let _ = kernel::silence_ipv6(INTERFACE); // where /proc/sys is read-only the cable leaves IPv6 out itself
    kernel::set_address(through.bare(), INTERFACE, NEAR).map_err(refused("give the TAP device its address"))?;
    let _ = kernel::set_queue(through.bare(), INTERFACE, QUEUE);
    kernel::raise_interface(through.bare(), INTERFACE).map_err(refused("raise the TAP device"))?;
    Ok(Some(tap))
}

/// What would help, by the step that failed and its error.
#[must_use]
pub fn remedy(missing: &Missing) -> Option<&'static str> {
    let tun = missing.step.contains("tun") || missing.step.contains("TUN");
    Some(match (&*missing.errno, tun) {
        ("ENOENT" | "ENODEV" | "ENXIO", true) => "load the driver with `sudo modprobe tun`; in Docker add `--device /dev/net/tun`",
        ("EACCES", true) => "give everyone the device with `sudo chmod 666 /dev/net/tun`, or run it with sudo",
        ("EPERM", true) => "in Docker add `--device /dev/net/tun --cap-add NET_ADMIN`; elsewhere run it with sudo",
        ("ENOSPC", false) => {
            "user namespaces are forbidden here: `sudo sysctl user.max_user_namespaces=10000` allows them, or run it with sudo"
        }
        ("EPERM" | "EACCES", false) => {
            "user namespaces are restricted here: on Ubuntu `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them, \
             in Docker `--cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined`, or run it with sudo"
        }
        _ => return None,
    })
}
