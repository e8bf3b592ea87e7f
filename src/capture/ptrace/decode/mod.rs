//! From registers and memory of a stopped thread to calls as values: [`call`] at the entry, [`output`] at the return.

mod message;
mod names;
mod output;
mod waits;

use super::calls::Sys;
use crate::capture::sys::Memory;
use crate::trace::{Address, Args, EpollOperation, FlagsCommand, SocketFlags, Syscall, Value};

pub use message::Message;
pub use names::{domain, kind};
pub use output::{output, received};
pub use waits::{ready_words, word_of_interest};

use message::{Buffer, address_at, address_filled_in};

/// A call at its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    pub sys: Sys,
    pub name: &'static str,
    pub args: [u64; 6],
}

impl Made {
    /// An argument that is an `int`.
    #[allow(clippy::cast_possible_truncation)]
    pub fn int(&self, index: usize) -> i32 {
        self.args[index] as i32
    }

    /// An argument that is a descriptor.
    pub fn fd(&self, index: usize) -> i64 {
        self.int(index).into()
    }

    /// The buffer of a call that takes one.
    fn buffer(&self, memory: Memory) -> Buffer {
        let [_, address, size, ..] = self.args;
        match self.sys {
            Sys::ReadV | Sys::WriteV => Buffer::of_pieces(memory, address, size),
            Sys::SendMsg | Sys::RecvMsg => Message::at(memory, address).buffer,
            Sys::SendMessages | Sys::RecvMessages => {
                Message::of_several(memory, address, 0).0.buffer
            }
            _ => Buffer::at(address, size),
        }
    }
}

/// The call, with its arguments.
pub fn call(made: &Made, memory: Memory) -> Syscall {
    let a = made.args;
    match made.sys {
        Sys::Socket | Sys::SocketPair => {
            let domain = names::domain(made.int(0));
            let (kind, flags) = (names::kind(made.int(1)), names::socket_flags(made.int(1)));
            let protocol = names::protocol(made.int(2));
            match made.sys {
                Sys::Socket => Syscall::Socket { domain, kind, protocol, flags },
                _ => Syscall::SocketPair { domain, kind, protocol, flags },
            }
        }
        Sys::Bind | Sys::Connect => match address_at(memory, a[1], a[2]) {
            None => other(&[]),
            Some(address) if made.sys == Sys::Bind => Syscall::Bind { address },
            Some(address) => Syscall::connect(address, usize::try_from(made.int(2)).unwrap_or(0)),
        },
        Sys::Listen => Syscall::Listen { backlog: made.fd(1) },
        Sys::Accept => {
            let flags = if made.name == "accept4" { made.int(3) } else { 0 };
            Syscall::Accept { flags: names::socket_flags(flags) }
        }
        Sys::SendTo | Sys::Write | Sys::WriteV | Sys::SendMsg | Sys::SendMessages => {
            let buffer = made.buffer(memory);
            let data = buffer.data(memory, buffer.size());
            let message = || Message::at(memory, a[1]).address(memory);
            let (to, flags) = match made.sys {
                Sys::SendTo => (address_at(memory, a[4], a[5]), made.int(3)),
                Sys::SendMsg => (message(), made.int(2)),
                Sys::SendMessages => (message(), made.int(3)),
                _ => (None, 0),
            };
            Syscall::Send { data, to, flags: names::message_flags(flags) }
        }
        Sys::SendFile => sent_unseen(a[3]),
        Sys::RecvFrom | Sys::Read | Sys::ReadV | Sys::RecvMsg | Sys::RecvMessages => {
            let size = made.buffer(memory).size() as u64;
            let flags = match made.sys {
                Sys::RecvFrom | Sys::RecvMessages => made.int(3),
                Sys::RecvMsg => made.int(2),
                // preadv2(2) says it in its own way.
                Sys::ReadV if made.name == "preadv2" && made.int(5) & libc::RWF_NOWAIT != 0 => {
                    libc::MSG_DONTWAIT
                }
                _ => 0,
            };
            Syscall::Recv { size, flags: names::message_flags(flags) }
        }
        Sys::Shutdown => Syscall::Shutdown { how: names::how(made.int(1)) },
        Sys::Close => Syscall::Close,
        Sys::GetSockName => Syscall::GetSockName,
        Sys::GetPeerName => Syscall::GetPeerName,
        Sys::GetSockOpt => Syscall::GetOption { option: names::option(made.int(1), made.int(2)) },
        Sys::SetSockOpt => {
            let (option, size) = (names::option(made.int(1), made.int(2)), short(a[4]));
            let bytes = memory.read(a[3], size);
            if bytes.is_empty() && size > 0 {
                return other(&[]); // what it sets is not known
            }
            let value = output::option_value(&option, &bytes);
            Syscall::SetOption { option, value }
        }
        Sys::Fcntl => match made.int(1) {
            libc::F_GETFL => Syscall::GetFlags,
            libc::F_SETFL => Syscall::SetFlags {
                nonblocking: made.int(2) & libc::O_NONBLOCK != 0,
                command: FlagsCommand::Fcntl,
            },
            command => {
                let cloexec = command == libc::F_DUPFD_CLOEXEC;
                let command = if cloexec { "F_DUPFD_CLOEXEC" } else { "F_DUPFD" };
                Syscall::Dup { command: Some(command.into()), onto: Some(made.fd(2)) }
            }
        },
        Sys::Ioctl => Syscall::SetFlags {
            nonblocking: memory.u32(a[2]).is_some_and(|on| on != 0),
            command: FlagsCommand::Ioctl,
        },
        Sys::Dup => Syscall::Dup { command: None, onto: None },
        Sys::DupOnto => Syscall::Dup { command: None, onto: Some(made.fd(1)) },
        Sys::Select => waits::select(made, memory),
        Sys::Poll => waits::poll(made, memory),
        // The only argument of epoll_create(2) is a size.
        Sys::EpollCreate if made.name == "epoll_create" => {
            Syscall::EpollCreate { flags: SocketFlags::default() }
        }
        Sys::EpollCreate => Syscall::EpollCreate { flags: names::epoll_flags(made.int(0)) },
        Sys::EpollCtl => {
            let operation = match made.int(1) {
                libc::EPOLL_CTL_ADD => EpollOperation::Add,
                libc::EPOLL_CTL_MOD => EpollOperation::Modify,
                libc::EPOLL_CTL_DEL => EpollOperation::Delete,
                other => EpollOperation::Other(other.to_string().into()),
            };
            let events = (operation != EpollOperation::Delete).then(|| memory.u32(a[3])).flatten();
            let events = events.map(|events| names::epoll_events(events).into());
            Syscall::EpollCtl { operation, watched: made.fd(2), events }
        }
        Sys::EpollWait => waits::epoll_wait(made, memory),
        Sys::Sleep => Syscall::Sleep { asked_ns: waits::sleep_ns(made, memory) },
        Sys::Splice
        | Sys::CloseRange
        | Sys::Exec
        | Sys::IoUringSetup
        | Sys::Restart
        | Sys::Prctl
        | Sys::Seccomp => other(&[]),
    }
}

/// The peer's address that accept(2) has filled in, if the program asked for it.
pub fn accepted(made: &Made, memory: Memory) -> Option<Address> {
    address_filled_in(memory, made.args[1], made.args[2])
}

/// The sides of splice(2) that are told of: what goes into a socket, or comes out of one. Of the data no byte is seen.
pub fn spliced(made: &Made, into_socket: bool) -> Syscall {
    if into_socket {
        return sent_unseen(made.args[4]);
    }
    Syscall::Recv { size: made.args[4], flags: names::message_flags(0) }
}

fn sent_unseen(bytes: u64) -> Syscall {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let data = crate::trace::Data { bytes, kept: Vec::new() };
    Syscall::Send { data, to: None, flags: names::message_flags(0) }
}

fn other(args: &[(&'static str, Value)]) -> Syscall {
    Syscall::Other {
        args: Args(args.iter().map(|(name, value)| ((*name).into(), value.clone())).collect()),
    }
}

/// The length of an option's value; none that is understood is longer than 256 bytes.
fn short(bytes: u64) -> usize {
    (bytes & 0xffff_ffff).min(256) as usize
}
