//! Room that a receiving call fills, as socket2 has it or as plain bytes; and what of it is recorded.

use std::mem::MaybeUninit;

use crate::trace::Data;

/// Room that a receiving call can fill: socket2's `[MaybeUninit<u8>]`, or plain bytes, which read better in a lesson.
pub trait Buffer {
    /// The room, to be filled from its start.
    fn room(&mut self) -> &mut [MaybeUninit<u8>];
}

impl Buffer for [MaybeUninit<u8>] {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        self
    }
}

impl Buffer for [u8] {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: same layout; socket2 and the kernel only ever write initialised bytes into it.
        unsafe { &mut *(std::ptr::from_mut(self) as *mut [MaybeUninit<u8>]) }
    }
}

impl<const N: usize> Buffer for [u8; N] {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        self.as_mut_slice().room()
    }
}

impl<const N: usize> Buffer for [MaybeUninit<u8>; N] {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        self
    }
}

impl Buffer for Vec<u8> {
    fn room(&mut self) -> &mut [MaybeUninit<u8>] {
        self.as_mut_slice().room()
    }
}

/// The first `length` bytes of the room, as data to record.
pub(super) fn received(room: &[MaybeUninit<u8>], length: usize) -> Data {
    let filled = &room[..length.min(room.len()).min(Data::KEPT)];
    // SAFETY: the kernel has just written the first `length` bytes.
    let kept = unsafe { &*(std::ptr::from_ref(filled) as *const [u8]) };
    Data { bytes: length.min(room.len()), kept: kept.to_vec() }
}
