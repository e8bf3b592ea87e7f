//! Buffers in the memory of a program that is traced: in one piece, in several (`struct iovec`), as messages (`struct msghdr`).

use crate::capture::sys::Memory;
use crate::capture::sys::ptrace::address_in;
use crate::trace::{Address, Data};

/// So many pieces of a buffer are looked at.
const MOST_PIECES: usize = 64;
/// The longest `sockaddr`.
const LONGEST_ADDRESS: usize = 128;
/// Of ancillary data so much is looked at.
const LONGEST_CONTROL: usize = 1024;
/// `struct mmsghdr`: a `struct msghdr`, and how many bytes went.
pub const MULTIPLE_STRIDE: u64 = 64;
const MULTIPLE_LENGTH: u64 = 56;

fn length(from: u64) -> usize {
    usize::try_from(from).unwrap_or(usize::MAX)
}

/// A buffer in one piece or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buffer {
    /// Where each piece begins, and how long it is.
    pieces: Vec<(u64, usize)>,
}

impl Buffer {
    pub fn at(address: u64, bytes: u64) -> Buffer {
        Buffer { pieces: vec![(address, length(bytes))] }
    }

    /// The buffer that an array of `struct iovec` describes.
    pub fn of_pieces(memory: Memory, address: u64, count: u64) -> Buffer {
        let bytes = memory.read(address, 16 * length(count).min(MOST_PIECES));
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_ne_bytes);
        let pieces = bytes.chunks_exact(16).map(|one| (word(&one[..8]), length(word(&one[8..]))));
        Buffer { pieces: pieces.collect() }
    }

    /// How many bytes it holds.
    pub fn size(&self) -> usize {
        self.pieces.iter().fold(0, |sum, (_, bytes)| sum.saturating_add(*bytes))
    }

    /// The first bytes in it, and how many of them there are: `bytes`.
    pub fn data(&self, memory: Memory, bytes: usize) -> Data {
        let mut kept = Vec::new();
        for (address, size) in &self.pieces {
            let wanted = bytes.min(Data::KEPT).saturating_sub(kept.len()).min(*size);
            kept.extend(memory.read(*address, wanted));
        }
        Data { bytes, kept }
    }
}

/// The address that a pointer and a length describe.
pub fn address_at(memory: Memory, address: u64, bytes: u64) -> Option<Address> {
    if address == 0 || bytes == 0 {
        return None;
    }
    address_in(&memory.read(address, length(bytes).min(LONGEST_ADDRESS)))
}

/// The address that the kernel has filled in, whose length stands at `length_at`.
pub fn address_filled_in(memory: Memory, address: u64, length_at: u64) -> Option<Address> {
    if address == 0 {
        return None;
    }
    address_at(memory, address, memory.u32(length_at)?.into())
}

/// A `struct msghdr`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    name: (u64, u32),
    pub buffer: Buffer,
    control: (u64, u64),
}

impl Message {
    pub fn at(memory: Memory, address: u64) -> Message {
        let word = |index: u64| memory.u64(address.wrapping_add(8 * index)).unwrap_or(0);
        Message {
            name: (word(0), (word(1) & 0xffff_ffff) as u32),
            buffer: Buffer::of_pieces(memory, word(2), word(3)),
            control: (word(4), word(5)),
        }
    }

    /// The message of this place in an array of `struct mmsghdr`, and how many bytes of it went.
    pub fn of_several(memory: Memory, address: u64, place: u64) -> (Message, usize) {
        let at = address.wrapping_add(place * MULTIPLE_STRIDE);
        let bytes = memory.u32(at.wrapping_add(MULTIPLE_LENGTH)).unwrap_or(0);
        (Message::at(memory, at), length(bytes.into()))
    }

    /// The address in it: where it goes, or where it came from.
    pub fn address(&self, memory: Memory) -> Option<Address> {
        address_at(memory, self.name.0, self.name.1.into())
    }

    /// The descriptors that came with it (`SCM_RIGHTS`, unix(7)).
    pub fn descriptors(&self, memory: Memory) -> Vec<i64> {
        const HEADER: usize = 16; // struct cmsghdr
        let bytes = memory.read(self.control.0, length(self.control.1).min(LONGEST_CONTROL));
        let number = |at: usize| {
            bytes.get(at..at + 4).and_then(|it| it.try_into().ok()).map(i32::from_ne_bytes)
        };
        let (mut at, mut all) = (0, Vec::new());
        while let Some(size) = bytes.get(at..at + 8).and_then(|it| it.try_into().ok()) {
            let size = length(u64::from_ne_bytes(size));
            if size < HEADER || size > bytes.len() - at {
                break;
            }
            if (number(at + 8), number(at + 12)) == (Some(libc::SOL_SOCKET), Some(libc::SCM_RIGHTS))
            {
                let places = (at + HEADER..at + size).step_by(4);
                all.extend(places.filter_map(number).map(i64::from));
            }
            at += size.next_multiple_of(8);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_in_pieces_is_read_in_order() {
        let memory = Memory::of(std::process::id());
        let (one, two) = (*b"hello ", *b"world");
        let pieces = [one.as_ptr() as u64, 6, two.as_ptr() as u64, 5];
        let buffer = Buffer::of_pieces(memory, pieces.as_ptr() as u64, 2);
        assert_eq!((buffer.size(), buffer.data(memory, 8)), (11, Data::of(b"hello wo")));
        let far = Buffer::at(8, 1 << 40);
        assert_eq!(far.data(memory, 3), Data { bytes: 3, kept: Vec::new() });
    }
}
