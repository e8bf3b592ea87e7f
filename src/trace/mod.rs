//! What happened in a run: events, packets, recordings. It knows no text, no sockets and no terminal.

pub mod event;
pub mod packet;
pub mod pcapng;
pub mod recording;

pub use event::*;
pub use packet::Frame;
