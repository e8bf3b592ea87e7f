//! Where CPython keeps what is read of it. From 3.13 on the interpreter has a table of that for debuggers, `_Py_DebugOffsets`; for
//! 3.11 and 3.12 it is known here.

/// Offsets in bytes, each within its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// `_PyRuntimeState`: the first interpreter.
    pub interpreters: u64,
    /// `PyInterpreterState`: the next one, and its first thread.
    pub next_interpreter: u64,
    pub threads: u64,
    /// `PyThreadState`: the next one, the thread's TID, the innermost frame.
    pub next_thread: u64,
    pub native_thread_id: u64,
    pub current_frame: CurrentFrame,
    /// `_PyInterpreterFrame`
    pub previous: u64,
    pub code: u64,
    pub instruction: u64,
    pub owner: u64,
    /// `PyCodeObject`
    pub filename: u64,
    pub qualname: u64,
    pub first_line: u64,
    pub line_table: u64,
    pub instructions: u64,
    /// The lengths of `PyASCIIObject` and of `PyCompactUnicodeObject`, after which the characters follow.
    pub ascii_header: u64,
    pub unicode_header: u64,
}

/// How a thread state tells its innermost frame: by its address, or by the address of a structure that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrentFrame {
    At(u64),
    Through { cframe: u64, frame: u64 },
}

/// The numbers of a version: `(3, 13)`.
pub type Version = (u8, u8);

/// How much of `_PyRuntime` is read for its table.
pub const TABLE: usize = 8 * 96;
/// The longest of these structures that are read as a whole, frames and code objects, and the longest of all.
const LONGEST_READ: u64 = 512;
const LONGEST: u64 = 1 << 22;

impl Layout {
    /// Of a version without a table.
    pub fn known(version: Version) -> Option<Layout> {
        match version {
            (3, 11) => Some(Layout {
                interpreters: 40,
                next_interpreter: 0,
                threads: 16,
                next_thread: 8,
                native_thread_id: 160,
                current_frame: CurrentFrame::Through { cframe: 56, frame: 8 },
                previous: 48,
                code: 32,
                instruction: 56,
                owner: 69,
                filename: 112,
                qualname: 128,
                first_line: 72,
                line_table: 136,
                instructions: 184,
                ascii_header: 48,
                unicode_header: 72,
            }),
            (3, 12) => Some(Layout {
                interpreters: 40,
                next_interpreter: 0,
                threads: 72,
                next_thread: 8,
                native_thread_id: 144,
                current_frame: CurrentFrame::Through { cframe: 56, frame: 0 },
                previous: 8,
                code: 0,
                instruction: 56,
                owner: 70,
                filename: 112,
                qualname: 128,
                first_line: 68,
                line_table: 136,
                instructions: 192,
                ascii_header: 40,
                unicode_header: 56,
            }),
            _ => None,
        }
    }

    /// Of a version with a table, which `_PyRuntime` begins with; `None` if it is not that version's, or is nonsense, or if the
    /// interpreter has no global lock, whose code objects are kept in another way.
    pub fn told(version: Version, table: &[u8]) -> Option<Layout> {
        let word = |at: usize| Some(u64::from_le_bytes(*table.get(8 * at..)?.first_chunk()?));
        let told_version = word(1)?.to_le_bytes();
        let free_threaded = word(2)? != 0;
        if !table.starts_with(b"xdebugpy")
            || (told_version[3], told_version[2]) != version
            || free_threaded
        {
            return None;
        }
        // Where the group of each structure begins, with its length, and how far the TID stands behind the frame.
        let (threads, thread, tid, frame, code, unicode) = match version {
            (3, 13) => (9, 19, 25, 28, 34, 67),
            (3, 14) => (9, 22, 28, 31, 39, 77),
            (3, 15) => (9, 22, 31, 39, 47, 89),
            _ => return None,
        };
        // An offset, within a structure whose length stands first in its group.
        let field = |group: usize, at: usize| {
            let (length, offset) = (word(group)?, word(at)?);
            (length <= LONGEST && offset < length).then_some(offset)
        };
        let ascii_header = word(unicode + 3)?;
        let layout = Layout {
            interpreters: field(3, 5)?,
            next_interpreter: field(6, 8)?,
            threads: field(6, threads)?,
            next_thread: field(thread, thread + 2)?,
            native_thread_id: field(thread, tid)?,
            current_frame: CurrentFrame::At(field(thread, thread + 4)?),
            previous: field(frame, frame + 1)?,
            code: field(frame, frame + 2)?,
            instruction: field(frame, frame + 3)?,
            owner: field(frame, frame + 5)?,
            filename: field(code, code + 1)?,
            qualname: field(code, code + 3)?,
            line_table: field(code, code + 4)?,
            first_line: field(code, code + 5)?,
            instructions: field(code, code + 9)?,
            ascii_header,
            unicode_header: ascii_header.checked_add(16)?,
        };
        let read_whole = layout.frame_length().max(layout.code_length());
        (read_whole <= LONGEST_READ && ascii_header <= LONGEST_READ).then_some(layout)
    }

    /// How much of a frame has to be read.
    pub fn frame_length(&self) -> u64 {
        self.previous.max(self.code).max(self.instruction).max(self.owner) + 8
    }

    /// How much of a code object has to be read.
    pub fn code_length(&self) -> u64 {
        self.filename.max(self.qualname).max(self.first_line).max(self.line_table) + 8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The table of CPython 3.13.0, up to `code_object`, as far as it is looked at.
    fn table() -> Vec<u64> {
        let mut words = vec![0_u64; 96];
        words[0] = u64::from_le_bytes(*b"xdebugpy");
        words[1] = 0x030d_00f0;
        let filled: [(usize, &[u64]); 6] = [
            (3, &[300_000, 600, 632]),
            (6, &[200_000, 7312, 7296, 7344]),
            (19, &[728, 0, 8, 16, 72, 152, 160]),
            (28, &[88, 8, 0, 56, 72, 70]),
            (34, &[216, 112, 120, 128, 136, 68, 52, 96, 104, 208]),
            (67, &[64, 32, 16, 40]),
        ];
        for (at, values) in filled {
            words[at..at + values.len()].copy_from_slice(values);
        }
        words
    }

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn the_table_is_read_as_the_version_lays_it_out() {
        let layout = Layout::told((3, 13), &bytes(&table())).expect("understood");
        assert_eq!(
            (layout.interpreters, layout.threads, layout.native_thread_id),
            (632, 7344, 160)
        );
        assert_eq!(layout.current_frame, CurrentFrame::At(72));
        assert_eq!((layout.code, layout.instruction, layout.owner), (0, 56, 70));
        assert_eq!((layout.filename, layout.line_table, layout.instructions), (112, 136, 208));
    }

    #[test]
    fn a_table_that_is_another_versions_or_free_threaded_or_nonsense_is_declined() {
        let altered = |at: usize, value: u64| {
            let mut words = table();
            words[at] = value;
            Layout::told((3, 13), &bytes(&words))
        };
        assert_eq!(altered(0, 0), None, "no table");
        assert_eq!(altered(1, 0x030e_00f0), None, "another version's");
        assert_eq!(altered(2, 1), None, "free-threaded");
        assert_eq!(altered(25, 728), None, "beyond the structure");
        assert_eq!(altered(31, u64::MAX), None);
        assert_eq!(Layout::told((3, 13), &bytes(&table())[..8 * 40]), None, "cut");
        assert_eq!(Layout::told((3, 99), &bytes(&table())), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_layout_that_can_be_read_or_none(mut words in prop::collection::vec(prop_oneof![0..600_u64, any::<u64>()], 0..97), minor in 13..16_u8) {
            if words.len() > 2 {
                words[..3].copy_from_slice(&[u64::from_le_bytes(*b"xdebugpy"), u64::from(minor) << 16 | 3 << 24, 0]);
            }
            if let Some(layout) = Layout::told((3, minor), &bytes(&words)) {
                prop_assert!(layout.frame_length() <= LONGEST_READ && layout.code_length() <= LONGEST_READ);
            }
        }
    }
}
