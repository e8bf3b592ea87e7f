//! Where a frame goes: [`Mirror`](super::mirror::Mirror) leads it back into the network that it came from,
//! [`Switch`](super::switch::Switch) into another one.

use super::flow_table::FlowInfo;
use crate::capture::Recorder;
use crate::trace::packet::Layers;

/// How the ends of a link are connected.
pub(super) trait Topology: Send {
    /// What crosses the link because a kernel sent this frame through the device with the number `from`; `None` if that is
    /// none of the link's business, and not recorded.
    fn route(
        &mut self,
        from: usize,
        bytes: &[u8],
        layers: Layers,
        recorder: &Recorder,
    ) -> Option<Route>;
}

/// What crosses the link because of one frame.
#[derive(Debug)]
pub(super) struct Route {
    /// The frame.
    pub crossing: Crossing,
    /// What the link itself answers, if the frame arrives.
    pub reply: Option<Crossing>,
}

impl From<Crossing> for Route {
    fn from(crossing: Crossing) -> Route {
        Route { crossing, reply: None }
    }
}

/// A frame as it is recorded, and as it is delivered.
#[derive(Debug)]
pub(super) struct Crossing {
    /// Its sender, its conversation and its sockets.
    pub info: FlowInfo,
    /// As it is recorded.
    pub layers: Layers,
    /// As it is recorded.
    pub raw: Vec<u8>,
    /// Whether the link made it.
    pub by_lab: bool,
    /// Who receives it.
    pub to: Destination,
    /// As it is delivered.
    pub bytes: Vec<u8>,
}

/// Who receives a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// The kernel behind the device with this number.
    Device(usize),
    /// The kernels behind all devices but this one, from which it came: a broadcast.
    AllBut(usize),
    /// The link itself, which answers it.
    Link,
    /// There is no receiver on this link.
    Nobody,
}
