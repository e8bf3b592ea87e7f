//! What was sent and received, and what became of it.

use crate::trace::Data;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was received.
    Received,
    /// It was received cut: this many bytes of it are gone.
    Cut(usize),
    /// The other end is in the recording, and never received it.
    NeverReceived,
    /// Nobody in the recording had that address.
    NobodyThere,
    /// It was received, and who sent it is not in the recording, or cannot be told.
    Unsent,
    /// The recording does not say.
    Unknown,
}

/// Bytes that went from one socket to another: a datagram, or a piece of a stream that one send and one receive share.
#[derive(Clone, Debug)]
pub struct Message {
    /// The sending socket.
    pub from: Option<usize>,
    /// The receiving socket, or the one it was meant for.
    pub to: Option<usize>,
    /// The sending call.
    pub send: Option<usize>,
    /// The receiving call.
    pub receive: Option<usize>,
    /// Where in what was sent it begins, in bytes.
    pub skip: usize,
    /// How many bytes it is.
    pub bytes: usize,
    /// The bytes, as far as they were kept.
    pub data: Data,
    /// What became of it.
    pub fate: Fate,
}

impl Message {
    /// How many of its bytes were cut off when it was received, and are gone.
    pub fn cut(&self) -> usize {
        match self.fate {
            Fate::Cut(bytes) => bytes.min(self.bytes),
            _ => 0,
        }
    }

    pub(super) fn sent(from: usize, send: usize, data: &Data, fate: Fate) -> Message {
        let (bytes, data) = (data.bytes, data.clone());
        Message {
            from: Some(from),
            to: None,
            send: Some(send),
            receive: None,
            skip: 0,
            bytes,
            data,
            fate,
        }
    }

    pub(super) fn unsent(to: usize, receive: usize, data: &Data) -> Message {
        let (bytes, data) = (data.bytes, data.clone());
        Message {
            from: None,
            to: Some(to),
            send: None,
            receive: Some(receive),
            skip: 0,
            bytes,
            data,
            fate: Fate::Unsent,
        }
    }
}

/// Bytes `skip` to `skip + bytes` of this data, as far as they were kept.
pub fn part_of(data: &Data, skip: usize, bytes: usize) -> Data {
    Data { bytes, kept: data.kept.iter().skip(skip).take(bytes).copied().collect() }
}
