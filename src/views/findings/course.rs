//! Where the course shows it: the lesson, and the case of `explore why`.

use crate::analysis::findings::{Holder, Rule};

/// The lesson that shows it.
pub(super) fn lesson(rule: &Rule) -> Option<u8> {
    match rule {
        Rule::NobodyListens { .. }
        | Rule::ServerEnded { .. }
        | Rule::AnsweredElsewhere { .. }
        | Rule::AddressInUse { holder: Holder::File(_), .. } => Some(3),
        Rule::AnsweredPart { .. }
        | Rule::LeftRest { .. }
        | Rule::ShortRead { .. }
        | Rule::JoinedMessages { .. }
        | Rule::DatagramCut { .. }
        | Rule::BrokenPipe => Some(4),
        Rule::ReadPastEnd { .. } | Rule::BusyWithoutCall { .. } => Some(5),
        Rule::ClosedUnread { .. }
        | Rule::ClosedWhileSending { .. }
        | Rule::ServerFailed { .. }
        | Rule::ConnectedElsewhere { .. }
        | Rule::NotClosed { .. }
        | Rule::AddressInUse { .. }
        | Rule::KeptOpen
        | Rule::ReuseAddressLate { .. }
        | Rule::NoReuseAddress { .. } => Some(6),
        Rule::NoTimeout { .. } => Some(7),
        Rule::AllSend { .. } | Rule::AllWait { .. } | Rule::AcceptInsteadOfRecv { .. } => Some(8),
        Rule::RestNotSent { .. }
        | Rule::Spin { .. }
        | Rule::ReadyIgnored { .. }
        | Rule::EdgeLeftUnread { .. }
        | Rule::NotReady { .. }
        | Rule::OneClientBlocks { .. }
        | Rule::SleepBlocks { .. } => Some(9),
        Rule::AllReceive { .. } | Rule::NoDatagram { .. } | Rule::FullBacklog { .. } => Some(11),
        Rule::ClosedWhileBlocked { .. } | Rule::UsedAfterClose { .. } => Some(12),
        Rule::AllAccept { .. }
        | Rule::NotListening
        | Rule::ListenerUsed { .. }
        | Rule::NotConnected { .. } => Some(1),
        Rule::DelayedAck { .. } | Rule::SelfConnect { .. } => None,
    }
}

/// The case of `explore why` that reproduces the trouble and cures it, by its slug.
pub(super) fn case(rule: &Rule) -> Option<&'static str> {
    match rule {
        Rule::AddressInUse { holder: Holder::File(_), .. } => Some("unix-socket-missing"),
        Rule::AddressInUse { holder: Holder::Inherited { .. }, .. } => Some("inherited-port"),
        Rule::AddressInUse { .. } | Rule::NoReuseAddress { .. } | Rule::ReuseAddressLate { .. } => {
            Some("address-in-use")
        }
        Rule::AnsweredPart { .. }
        | Rule::LeftRest { .. }
        | Rule::ShortRead { .. }
        | Rule::JoinedMessages { .. } => Some("part-of-a-message"),
        Rule::RestNotSent { .. } => Some("send-sent-part"),
        Rule::ReadPastEnd { .. } => Some("recv-returns-empty"),
        Rule::Spin { .. } => Some("would-block"),
        Rule::ClosedUnread { .. } | Rule::ClosedWhileSending { .. } => Some("connection-reset"),
        Rule::BrokenPipe => Some("broken-pipe"),
        Rule::AllSend { .. } => Some("both-hang-in-send"),
        Rule::FullBacklog { .. } => Some("backlog-full"),
        Rule::DelayedAck { .. } => Some("forty-milliseconds"),
        Rule::NotClosed { .. } => Some("close-wait"),
        Rule::KeptOpen => Some("inherited-port"),
        Rule::NoTimeout { .. } => Some("peer-vanished"),
        Rule::EdgeLeftUnread { .. } => Some("edge-triggered"),
        Rule::NobodyListens { .. } | Rule::ServerEnded { .. } => Some("connection-refused"),
        Rule::NotListening | Rule::ListenerUsed { .. } | Rule::NotConnected { .. } => {
            Some("not-connected")
        }
        Rule::UsedAfterClose { .. } => Some("wrong-descriptor"),
        Rule::ClosedWhileBlocked { .. } => Some("close-in-another-thread"),
        Rule::SelfConnect { .. } => Some("connects-to-itself"),
        Rule::BusyWithoutCall { .. }
        | Rule::AllReceive { .. }
        | Rule::AllWait { .. }
        | Rule::AllAccept { .. }
        | Rule::AcceptInsteadOfRecv { .. }
        | Rule::OneClientBlocks { .. }
        | Rule::SleepBlocks { .. }
        | Rule::ReadyIgnored { .. }
        | Rule::NotReady { .. }
        | Rule::DatagramCut { .. }
        | Rule::AnsweredElsewhere { .. }
        | Rule::ServerFailed { .. }
        | Rule::ConnectedElsewhere { .. }
        | Rule::NoDatagram { .. } => None,
    }
}
