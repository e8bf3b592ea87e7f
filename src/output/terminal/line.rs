//! A line that is typed key by key, where the terminal does not edit it.

use unicode_width::UnicodeWidthStr;

use crate::picture::phrase::fitting;
use crate::text::half_width;

/// So many columns are left for what is typed, if a shorter wording of the prompt leaves them.
const LEAST_ROOM: usize = 8;

/// What has been typed of a line.
#[derive(Debug, Default)]
pub struct Line {
    pub text: String,
    /// The beginning of a character.
    unfinished: Vec<u8>,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    Unfinished,
    /// Enter.
    Finished,
    /// Ctrl-D: the end of input, or of what has been typed.
    Ended,
    /// Escape alone.
    Cancelled,
}

impl Line {
    /// Takes in what was typed, and tells `tab` of each tab. Of several lines only the first counts.
    pub fn take(&mut self, bytes: &[u8], mut tab: impl FnMut()) -> Edited {
        if bytes.is_empty() {
            return Edited::Ended;
        }
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'\r' | b'\n' => return Edited::Finished,
                4 => return Edited::Ended,
                0x1b if behind.is_empty() => return Edited::Cancelled,
                0x1b => rest = behind_sequence(behind),
                b'\t' => tab(),
                8 | 0x7f => drop(self.text.pop()),
                0x15 => self.text.clear(), // Ctrl-U
                0..0x20 => {}
                _ => self.add(*byte),
            }
        }
        Edited::Unfinished
    }

    fn add(&mut self, byte: u8) {
        self.unfinished.push(byte);
        match std::str::from_utf8(&self.unfinished) {
            Ok(text) => self.text.push_str(text),
            Err(error) if error.error_len().is_none() => return,
            Err(_) => {}
        }
        self.unfinished.clear();
    }

    /// What was meant: a Chinese input method may have given wide characters.
    pub(super) fn meant(&self) -> String {
        self.text.trim().chars().map(half_width).collect()
    }

    /// The line behind the first of these prompts that leaves room for it, in so many columns: its end, if it is too long.
    pub fn shown(&self, prompts: &[String], columns: usize) -> String {
        let room = columns.saturating_sub(1 + self.text.width().max(LEAST_ROOM));
        let prompt = fitting(prompts, room).or(prompts.last()).map_or("", String::as_str);
        let whole = format!("{prompt}{}▏", self.text);
        let from = whole.char_indices().map(|(at, _)| at);
        let from = from.chain([whole.len()]).find(|at| whole[*at..].width() <= columns);
        whole[from.unwrap_or(0)..].to_owned()
    }
}

/// What comes behind a key's sequence, or behind the key pressed with Alt: `[` or `O`, parameters, and a last byte from 0x40 on
/// (ECMA-48, section 5.4).
pub(super) fn behind_sequence(bytes: &[u8]) -> &[u8] {
    let Some(after) = bytes.strip_prefix(b"[").or_else(|| bytes.strip_prefix(b"O")) else {
        return bytes.get(1..).unwrap_or_default();
    };
    let last = after.iter().position(|byte| (0x40..0x7f).contains(byte));
    last.map_or(&[], |at| &after[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_and_keys_that_type_nothing_leave_nothing() {
        let mut line = Line::default();
        let mut tabs = 0;
        assert_eq!(line.take("ab\u{5b57}".as_bytes(), || ()), Edited::Unfinished);
        assert_eq!(line.take(&"\u{597d}".as_bytes()[..2], || ()), Edited::Unfinished);
        assert_eq!(line.take(&"\u{597d}".as_bytes()[2..], || ()), Edited::Unfinished);
        assert_eq!(line.text, "ab\u{5b57}\u{597d}");
        assert_eq!(line.take(b"\x7f\x7f\x1b[1;5D\t\x1bxc\x1bOP", || tabs += 1), Edited::Unfinished);
        assert_eq!((line.text.as_str(), tabs), ("abc", 1));
        assert_eq!(line.take(b"d\re", || ()), Edited::Finished);
        assert_eq!(line.text, "abcd");
        assert_eq!(line.take(b"\x15", || ()), Edited::Unfinished);
        assert_eq!(line.take(b"\x04", || ()), Edited::Ended);
        assert_eq!(line.take(b"x\x1b", || ()), Edited::Cancelled);
        assert_eq!(line.take(b"", || ()), Edited::Ended);
        line.text = " \u{ff11}\u{ff12}\u{ff1d} ".to_owned();
        assert_eq!(line.meant(), "12=");
    }

    #[test]
    fn what_is_typed_stays_in_sight() {
        let prompts = ["a long prompt: ", "short: "].map(str::to_owned);
        let mut line = Line::default();
        assert_eq!(line.shown(&prompts, 40), "a long prompt: ▏");
        assert_eq!(line.shown(&prompts, 20), "short: ▏");
        line.text = "0123456789".to_owned();
        assert_eq!(line.shown(&prompts, 40), "a long prompt: 0123456789▏");
        assert_eq!(line.shown(&prompts, 18), "short: 0123456789▏");
        assert_eq!(line.shown(&prompts, 12), ": 0123456789▏".trim_start_matches(':'));
        assert_eq!(line.shown(&prompts, 6), "56789▏");
    }
}
