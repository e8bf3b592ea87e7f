//! The private network, and the wire's device in it: made before any thread starts, and every right given up after.

use std::fs::File;
use std::io;

use socket2::{Domain, Type};

use super::{INTERFACE, NEAR};
use crate::capture::actor::Actor;
use crate::capture::sys::{self, Missing};
use crate::capture::{Lab, Network, Result, Socket};
use crate::trace::{Need, Step};

/// So many frames the device is to hold for us before it drops one unseen. Where that cannot be set it is the kernel's 1000.
const QUEUE: i32 = 10_000;

/// Moves this process to where the experiment plays; for [`Network::Wire`], gives the device. Call it before any thread starts.
pub(in crate::capture) fn enter(lab: &Lab, network: Network) -> Result<Option<File>> {
    match network {
        Network::Host => Ok(None),
        Network::Private => {
            private(lab).map_err(|missing| missing.lack(Need::PrivateNetwork))?;
            Ok(None)
        }
        Network::Wire => {
            let tap = private(lab).and_then(|through| device(&through));
            Ok(Some(tap.map_err(|missing| missing.lack(Need::Link))?))
        }
    }
}

/// Moves this process into a network of its own with `lo` up. Gives the socket that interfaces are raised through, which is
/// recorded as the instrument's.
pub(in crate::capture) fn private(lab: &Lab) -> Result<Socket, Missing> {
    sys::enter_private_network()?;
    let through = Actor::instrument(lab)
        .socket(Domain::IPV4, Type::DGRAM, None)
        .map_err(refused(Step::OpenSocket))?;
    sys::raise_interface(through.bare(), "lo").map_err(refused(Step::RaiseLoopback))?;
    Ok(through)
}

/// Makes the wire's device in the private network, and raises it.
pub(in crate::capture) fn device(through: &Socket) -> Result<File, Missing> {
    let tap = sys::open_tap(INTERFACE)?;
    let _ = sys::silence_ipv6(INTERFACE); // where /proc/sys is read-only the cable leaves IPv6 out itself
    sys::set_address(through.bare(), INTERFACE, NEAR).map_err(refused(Step::AddressTap))?;
    let _ = sys::set_queue(through.bare(), INTERFACE, QUEUE);
    sys::raise_interface(through.bare(), INTERFACE).map_err(refused(Step::RaiseTap))?;
    Ok(tap)
}

fn refused(step: Step) -> impl Fn(io::Error) -> Missing {
    move |error| Missing { step, errno: sys::error_name(&error) }
}
