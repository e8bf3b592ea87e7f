//! What happened in a run: events, packets, recordings. It knows no text, no sockets and no terminal.

pub mod axis;
mod bounded;
mod call;
mod claim;
mod counts;
mod event;
mod format_1;
mod label;
mod observation;
pub mod packet;
pub mod pcapng;
pub mod reason;
pub mod recording;
pub mod rule;
mod shown;
pub mod syscall;
mod value;

pub use call::*;
pub use claim::*;
pub use counts::Counts;
pub use event::*;
pub use label::Label;
pub(crate) use label::label;
pub use observation::*;
pub use packet::Frame;
pub use reason::{FailedCall, Failure, Feature, Lack, Need, SetupStep, TraceStep};
pub use shown::Shown;
pub use syscall::{
    Domain, EpollOperation, FdList, FlagsCommand, How, Listed, MsgFlags, Output, PollList,
    Protocol, SockOpt, SocketFlags, SocketType, Syscall, SyscallKind, TcpInfo,
};
pub use value::*;
