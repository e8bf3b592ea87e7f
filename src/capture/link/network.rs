//! The private network and the link's device in it, created before any thread starts.

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;

use socket2::{Domain, Type};

use super::{INTERFACE, NEAR};
use crate::capture::actor::Actor;
use crate::capture::sys::{self, Missing};
use crate::capture::{Lab, Network, Result, Socket};
use crate::trace::{Need, SetupStep};

/// How many frames the device queues before it drops one. Where this cannot be set the kernel's 1000 applies.
const QUEUE: i32 = 10_000;

/// Moves this process into the experiment's network; for [`Network::Wire`], returns the device. Call before any thread starts.
pub(in crate::capture) fn enter(lab: &Lab, network: Network) -> Result<Option<File>> {
    match network {
        Network::Host => Ok(None),
        Network::Private => {
            private(lab).map_err(|missing| missing.lack(Need::PrivateNetwork))?;
            Ok(None)
        }
        Network::Wire => {
            let tap = private(lab).and_then(|through| device(through.bare(), NEAR));
            Ok(Some(tap.map_err(|missing| missing.lack(Need::Link))?))
        }
    }
}

/// Moves this process into a network of its own with `lo` up. Returns the socket used for raising interfaces, which is recorded
/// as the instrument's.
pub(in crate::capture) fn private(lab: &Lab) -> Result<Socket, Missing> {
    sys::enter_private_network()?;
    let through = Actor::instrument(lab)
        .socket(Domain::IPV4, Type::DGRAM, None)
        .map_err(refused(SetupStep::OpenSocket))?;
    sys::raise_interface(through.bare(), "lo").map_err(refused(SetupStep::RaiseLoopback))?;
    Ok(through)
}

/// Creates a link's device in the private network, gives it this address, and raises it.
pub(in crate::capture) fn device(
    through: &socket2::Socket,
    address: Ipv4Addr,
) -> Result<File, Missing> {
    let tap = sys::open_tap(INTERFACE)?;
    let _ = sys::silence_ipv6(INTERFACE); // where /proc/sys is read-only the forwarder ignores IPv6
    sys::set_address(through, INTERFACE, address).map_err(refused(SetupStep::AddressTap))?;
    // Locally administered, as its second digit says (IEEE 802), and the same in every run; where it cannot be set, the kernel's own.
    let [a, b, c, d] = address.octets();
    let _ = sys::set_mac(through, INTERFACE, [0x02, 0, a, b, c, d]);
    let _ = sys::set_queue(through, INTERFACE, QUEUE);
    sys::raise_interface(through, INTERFACE).map_err(refused(SetupStep::RaiseTap))?;
    Ok(tap)
}

pub(super) fn refused(step: SetupStep) -> impl Fn(io::Error) -> Missing {
    move |error| Missing { step, errno: sys::error_name(&error) }
}
