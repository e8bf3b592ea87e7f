//! Recordings of format 1, read as format 2.
//!
//! What a line can say for itself is taken care of where it is read (names of fields, roles, rules). Here is what takes the whole event.

use std::sync::Arc;

use super::{
    Call, Event, EventKind, Fact, Observation, Outcome, Output, SockOpt, SocketId, Syscall,
};

/// Makes the event one of format 2; false if format 2 has none for it.
pub(super) fn upgrade(event: &mut Event) -> bool {
    number_sockets(event);
    match &event.what {
        // The instrument's questions were calls; now only what was answered is recorded.
        EventKind::Enter(call) => !is_question(call),
        EventKind::Return(back) if is_question(&back.call) => {
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

fn is_question(call: &Call) -> bool {
    call.is_instrument()
        && matches!(
            call.syscall,
            Syscall::GetSockName
                | Syscall::GetPeerName
                | Syscall::GetOption { option: SockOpt::TcpInfo }
        )
}

/// Each process numbered its sockets for itself, and socket() had the number before it had the socket.
fn number_sockets(event: &mut Event) {
    let of_process = |SocketId(number): SocketId| {
        SocketId::within(event.process, u32::try_from(number).unwrap_or(u32::MAX))
    };
    let number = |call: &mut Arc<Call>| -> Option<SocketId> {
        let socket = of_process(call.socket?);
        let opens = matches!(call.syscall, Syscall::Socket { .. });
        Arc::make_mut(call).socket = Some(socket).filter(|_| !opens);
        Some(socket)
    };
    match &mut event.what {
        EventKind::Held(call) | EventKind::Enter(call) => {
            number(call);
        }
        EventKind::Return(back) => {
            let socket = number(&mut back.call);
            match (&mut back.out, &back.outcome) {
                (Output::Accepted { socket, .. }, _) => *socket = of_process(*socket),
                (out, Outcome::Result(_))
                    if matches!(back.call.syscall, Syscall::Socket { .. }) =>
                {
                    *out = socket.map_or(Output::None, |socket| Output::Opened { socket });
                }
                _ => {}
            }
        }
        EventKind::Deadline { blocked, .. } => {
            blocked.iter_mut().for_each(|one| {
                number(&mut one.call);
            });
        }
        _ => {}
    }
}
