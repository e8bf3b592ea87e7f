//! Recordings of format 1, read as format 2.
//!
//! What a line can say for itself is taken care of where it is read (field names, roles, rules). Here is what takes the whole event.

use super::{Event, EventKind, Fact, Observation, Output, SockOpt, Syscall};

/// Makes the event one of format 2; false if format 2 has none for it.
pub(super) fn upgrade(event: &mut Event) -> bool {
    let is_question = |syscall: &Syscall| {
        matches!(
            syscall,
            Syscall::GetSockName
                | Syscall::GetPeerName
                | Syscall::GetOption { option: SockOpt::TcpInfo }
        )
    };
    match &event.what {
        // The instrument's questions were calls; now only what was answered is recorded.
        EventKind::Enter(call) => !(call.is_instrument() && is_question(&call.syscall)),
        EventKind::Return(back) if back.call.is_instrument() && is_question(&back.call.syscall) => {
            let fact = match (&back.call.syscall, &back.out) {
                (Syscall::GetSockName, Output::Name(local)) => Fact::Getsockname(local.clone()),
                (Syscall::GetPeerName, Output::Name(peer)) => Fact::Getpeername(peer.clone()),
                (_, Output::TcpInfo(info)) => Fact::TcpInfo(info.clone()),
                _ => return false,
            };
            let (socket, fd) = (back.call.socket, back.call.fd);
            event.what = EventKind::Observed(Observation { socket, fd, fact });
            true
        }
        _ => true,
    }
}
