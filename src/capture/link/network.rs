//! The private network, and the wire's device in it: made before any thread starts, and every right given up after.

use std::fs::File;
use std::io;

use socket2::{Domain, Type};

use super::{INTERFACE, NEAR};
use crate::capture::actor::Actor;
use crate::capture::sys::{self, Missing};
use crate::capture::{Error, Lab, Network, Result, Socket};
use crate::i18n::{Text, tr};

/// So many frames the device is to hold for us before it drops one unseen. Where that cannot be set it is the kernel's 1000.
const QUEUE: i32 = 10_000;

/// Moves this process to where the experiment plays; for [`Network::Wire`], gives the device. Call it before any thread starts.
pub(in crate::capture) fn enter(lab: &Lab, network: Network) -> Result<Option<File>> {
    let unavailable = |what: Text| {
        move |missing: Missing| {
            let remedy =
                remedy(&missing).map_or_else(String::new, |remedy| tr!("; {remedy}", remedy));
            Error::Unavailable(tr!(
                "this needs {what}, and the system refused it ({missing}){remedy}",
                what,
                missing,
                remedy
            ))
        }
    };
    let wire = Text("a wire");
    match network {
        Network::Host => Ok(None),
        Network::Private => {
            private(lab).map(|_| None).map_err(unavailable(Text("a network of its own")))
        }
        Network::Wire => {
            let through = private(lab).map_err(unavailable(wire))?;
            device(&through).map(Some).map_err(unavailable(wire))
        }
    }
}

/// Moves this process into a network of its own with `lo` up. Gives the socket that interfaces are raised through, which is
/// recorded as the instrument's.
pub(in crate::capture) fn private(lab: &Lab) -> Result<Socket, Missing> {
    sys::enter_private_network()?;
    let through = Actor::instrument(lab)
        .socket(Domain::IPV4, Type::DGRAM, None)
        .map_err(refused("socket(AF_INET, SOCK_DGRAM)"))?;
    sys::raise_interface(through.bare(), "lo").map_err(refused("raise lo"))?;
    Ok(through)
}

/// Makes the wire's device in the private network, and raises it.
pub(in crate::capture) fn device(through: &Socket) -> Result<File, Missing> {
    let tap = sys::open_tap(INTERFACE)?;
    let _ = sys::silence_ipv6(INTERFACE); // where /proc/sys is read-only the cable leaves IPv6 out itself
    sys::set_address(through.bare(), INTERFACE, NEAR)
        .map_err(refused("give the TAP device its address"))?;
    let _ = sys::set_queue(through.bare(), INTERFACE, QUEUE);
    sys::raise_interface(through.bare(), INTERFACE).map_err(refused("raise the TAP device"))?;
    Ok(tap)
}

fn refused(step: &'static str) -> impl Fn(io::Error) -> Missing {
    move |error| Missing { step: step.into(), errno: sys::error_name(&error) }
}

/// What would help, by the step that failed and its error.
#[must_use]
pub fn remedy(missing: &Missing) -> Option<&'static str> {
    let tun = missing.step.contains("tun") || missing.step.contains("TUN");
    Some(match (&*missing.errno, tun) {
        ("ENOENT" | "ENODEV" | "ENXIO", true) => {
            tr!("load the driver with `sudo modprobe tun`; in Docker add `--device /dev/net/tun`")
        }
        ("EACCES", true) => {
            tr!("give everyone the device with `sudo chmod 666 /dev/net/tun`, or run it with sudo")
        }
        ("EPERM", true) => tr!(
            "in Docker add `--device /dev/net/tun --cap-add NET_ADMIN`; elsewhere run it with sudo"
        ),
        ("ENOSPC", false) => tr!(
            "user namespaces are forbidden here: `sudo sysctl user.max_user_namespaces=10000` allows them, or run it with sudo"
        ),
        ("EPERM" | "EACCES", false) => tr!(
            "user namespaces are restricted here: on Ubuntu `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them, \
             in Docker `--cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined`, or run it with sudo"
        ),
        _ => return None,
    })
}
