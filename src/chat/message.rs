//! From bytes to messages: TCP carries a stream of bytes, and where one message ends is ours to find out.
//!
//! Three things are settled here, and nowhere else:
//! - **Boundaries.** A message ends with a newline. A peer that sends none (the notes' own programs) has ended one when its
//!   line goes quiet.
//! - **Characters.** `好` is three bytes, and recv may cut between them. Decoding waits until the whole line is there.
//! - **Trust.** A peer can send whatever it likes: bytes that are no text, and characters that a terminal would obey. They
//!   are written out (`\xff`, `\u{1b}`), never passed on.

use std::fmt::Write;

use crate::text::is_safe_to_show;

/// Of a line without end, no more bytes than these are held back.
pub const LONGEST: usize = 16 * 1024;

/// What a peer has sent, becoming messages.
#[derive(Debug)]
pub struct Inbox {
    /// What stands before each message: `Jack: `.
    label: String,
    /// At a terminal whole messages are shown, each on a line of its own. Elsewhere the text goes on as it came.
    at_terminal: bool,
    /// The line that has not ended, as far as it has come and has not been shown.
    line: Vec<u8>,
    /// Whether its beginning has been shown.
    begun: bool,
    /// Whether the peer has ever ended a line: then its newlines are believed, and silence ends nothing (but a person is shown
    /// what there is).
    speaks_lines: bool,
    /// Whether nothing has come since the line went quiet.
    settled: bool,
}

impl Inbox {
    /// An inbox that puts this label before each message.
    #[must_use]
    pub fn new(label: &str, at_terminal: bool) -> Inbox {
        Inbox {
            label: label.to_owned(),
            at_terminal,
            line: Vec::new(),
            begun: false,
            speaks_lines: false,
            settled: true,
        }
    }

    /// True if something is held back that has to be shown if no more comes.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.settled
    }

    /// Takes what recv gave, and adds to `shown` what of it can be shown now.
    pub fn push(&mut self, bytes: &[u8], shown: &mut String) {
        let (whole, rest) = match memchr::memrchr(b'\n', bytes) {
            Some(last) => bytes.split_at(last + 1),
            None => (&[][..], bytes),
        };
        if !whole.is_empty() {
            self.speaks_lines = true;
            self.lines(whole, shown);
        }
        self.line.extend_from_slice(rest);
        let mut line = std::mem::take(&mut self.line);
        self.pieces(&mut line, shown);
        self.line = line;
        self.settled = self.line.is_empty();
    }

    /// Nothing has come for a while: what is left is a message.
    pub fn quiet(&mut self, shown: &mut String) {
        // The beginning of a character waits for its end, however long that takes.
        let mut line = std::mem::take(&mut self.line);
        let tail = line.split_off(whole_characters(&line));
        if !line.is_empty() {
            if self.at_terminal || !self.speaks_lines {
                self.message(&line, shown);
            } else {
                self.piece(&line, shown);
            }
        }
        self.line = tail;
        self.settled = true;
    }

    /// Nothing more will come: what is left is shown as it is.
    pub fn end(&mut self, shown: &mut String) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            if self.at_terminal { self.message(&line, shown) } else { self.piece(&line, shown) }
        }
        self.settled = true;
    }

    /// Whole lines, each with its newline. Nearly always there is nothing in them to write out, and they are copied as they are.
    fn lines(&mut self, mut whole: &[u8], shown: &mut String) {
        if self.begun || !self.line.is_empty() {
            let end = memchr::memchr(b'\n', whole).map_or(whole.len(), |at| at + 1);
            let mut first = std::mem::take(&mut self.line);
            first.extend_from_slice(&whole[..end - 1]);
            self.message(&first, shown);
            whole = &whole[end..];
            // Its room is used again for the next.
            first.clear();
            self.line = first;
        }
        match simdutf8::basic::from_utf8(whole) {
            Ok(text) if is_plain(whole) => {
                let mut from = 0;
                for newline in memchr::memchr_iter(b'\n', whole) {
                    let line = &text[from..=newline];
                    if line.len() > LONGEST {
                        self.message(&line.as_bytes()[..line.len() - 1], shown);
                    } else {
                        shown.push_str(&self.label);
                        shown.push_str(line);
                    }
                    from = newline + 1;
                }
            }
            _ => whole
                .split_inclusive(|byte| *byte == b'\n')
                .for_each(|line| self.message(&line[..line.len() - 1], shown)),
        }
    }

    /// A line that has ended. telnet ends it with CR LF: at a terminal the CR says nothing, elsewhere it is kept, as nc does.
    fn message(&mut self, line: &[u8], shown: &mut String) {
        let (line, end) = match line.strip_suffix(b"\r") {
            Some(line) if self.at_terminal => (line, "\n"),
            Some(line) => (line, "\r\n"),
            None => (line, "\n"),
        };
        let mut line = line.to_vec();
        self.pieces(&mut line, shown);
        self.piece(&line, shown);
        shown.push_str(end);
        self.begun = false;
    }

    /// Shows the beginning of a line that has become too long to be held back.
    fn pieces(&mut self, line: &mut Vec<u8>, shown: &mut String) {
        let mut from = 0;
        while line[from..].strip_suffix(b"\r").unwrap_or(&line[from..]).len() > LONGEST {
            let end = from + whole_characters(&line[from..from + LONGEST]);
            self.piece(&line[from..end], shown);
            if self.at_terminal {
                shown.push('\n');
                self.begun = false;
            }
            from = end;
        }
        line.drain(..from);
    }

    /// Part of a line, with the label if it is the first.
    fn piece(&mut self, bytes: &[u8], shown: &mut String) {
        if !self.begun {
            shown.push_str(&self.label);
        }
        self.begun = true;
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                // A tab is harmless in a file, and belongs to the text.
                if is_safe_to_show(character) || (character == '\t' && !self.at_terminal) {
                    shown.push(character);
                } else {
                    let _ = write!(shown, "{}", character.escape_unicode());
                }
            }
            for byte in chunk.invalid() {
                let _ = write!(shown, "\\x{byte:02x}");
            }
        }
    }
}

/// How many of these bytes do not belong to a character, or a CR LF, whose end is still to come.
fn whole_characters(bytes: &[u8]) -> usize {
    let length = bytes.len();
    if bytes.last() == Some(&b'\r') {
        return length - 1;
    }
    for back in 1..=length.min(3) {
        let needed = match bytes[length - back] {
            0x80..0xc0 => continue,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        return if needed > back { length - back } else { length };
    }
    length
}

/// True if nothing here can need writing out. It looks at bytes, not at characters, so that the compiler makes it fast, and
/// so says no to a few that are harmless; [`is_safe_to_show`] then decides.
fn is_plain(bytes: &[u8]) -> bool {
    let next = bytes.get(1..).unwrap_or_default();
    let mut suspect = 0;
    for (byte, next) in bytes.iter().zip(next) {
        let control = (*byte < 0x20) & (*byte != b'\n') | (*byte == 0x7f);
        // The first bytes of U+0080 to U+00BF, U+034F, U+061C, U+180E and U+E0000.
        let first =
            (*byte == 0xc2) | (*byte == 0xcd) | (*byte == 0xd8) | (*byte == 0xe1) | (*byte == 0xf3);
        // U+2000 to U+207F, U+FEFF, U+FFF9.
        let two =
            (*byte == 0xe2) & (*next & 0xfe == 0x80) | (*byte == 0xef) & (*next & 0xfb == 0xbb);
        suspect |= u8::from(control | first | two);
    }
    // The last byte is a newline, or the beginning or the end of a character that its first byte has told.
    suspect == 0 && bytes.last().is_none_or(|last| *last == b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is shown of these bytes, if they come in pieces of these lengths.
    fn shown(bytes: &[u8], cuts: &[usize], at_terminal: bool) -> String {
        let mut inbox = Inbox::new("Jack: ", at_terminal);
        let (mut text, mut left) = (String::new(), bytes);
        for cut in cuts {
            let (piece, rest) = left.split_at((*cut).min(left.len()));
            inbox.push(piece, &mut text);
            left = rest;
        }
        inbox.push(left, &mut text);
        inbox.end(&mut text);
        text
    }

    /// Bytes with everything in them that could go wrong.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            "[你好，。a-z]{0,9}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..9),
            Just(b"\r\n".to_vec()),
            Just(b"\n".to_vec()),
            Just("\u{1b}\u{9b}\u{202e}\u{200b}\u{feff}".as_bytes().to_vec()),
            (LONGEST - 5..LONGEST + 5, prop_oneof![Just("x"), Just("长"), Just("\r")])
                .prop_map(|(many, of)| of.repeat(many).into_bytes()),
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_bytes_with_any_cuts_are_the_same_text(bytes in bytes(), cuts in proptest::collection::vec(0..5000_usize, 0..40), at_terminal: bool) {
            prop_assert_eq!(shown(&bytes, &cuts, at_terminal), shown(&bytes, &[], at_terminal));
        }

        #[test]
        fn nothing_shown_can_be_obeyed(bytes in bytes(), at_terminal: bool) {
            // A CR, only before the newline of a line in a file: that ends a line, and no more.
            let text = shown(&bytes, &[], at_terminal);
            let text = if at_terminal { text } else { text.replace("\r\n", "\n") };
            let fine = |character| is_safe_to_show(character) || character == '\n' || (character == '\t' && !at_terminal);
            prop_assert!(text.chars().all(fine));
        }

        #[test]
        fn what_is_held_back_is_bounded(bytes in bytes(), cut in 1..5000_usize) {
            let mut inbox = Inbox::new("Jack: ", false);
            for piece in bytes.chunks(cut) {
                inbox.push(piece, &mut String::new());
                prop_assert!(inbox.line.len() <= LONGEST + 4);
            }
        }

        #[test]
        fn harmless_text_is_shown_as_it_is(lines in proptest::collection::vec("[你好，。“” a-z\t]{0,40}\r?", 0..20), cuts in proptest::collection::vec(0..99_usize, 0..20)) {
            let sent: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let expected: String = lines.iter().map(|line| format!("Jack: {line}\n")).collect();
            prop_assert_eq!(shown(sent.as_bytes(), &cuts, false), expected);
        }
    }

    #[test]
    fn no_unsafe_character_passes_as_plain() {
        for character in (0..=0x10_ffff)
            .filter_map(char::from_u32)
            .filter(|character| !is_safe_to_show(*character) && *character != '\n')
        {
            assert!(!is_plain(format!("a{character}\n").as_bytes()), "{character:?}");
        }
        assert!(is_plain("你好，世界。 hello\n".as_bytes()));
    }

    #[test]
    fn silence_ends_a_message_of_a_peer_that_sends_no_newline() {
        let (mut inbox, mut text) = (Inbox::new("Jack: ", false), String::new());
        inbox.push("你好".as_bytes(), &mut text);
        assert!(inbox.is_waiting() && text.is_empty());
        inbox.quiet(&mut text);
        assert!(!inbox.is_waiting());
        // A character that is cut is waited for, however quiet it is.
        inbox.push(&"好".as_bytes()[..2], &mut text);
        inbox.quiet(&mut text);
        inbox.push(&"好".as_bytes()[2..], &mut text);
        inbox.quiet(&mut text);
        assert_eq!(text, "Jack: 你好\nJack: 好\n");
    }

    #[test]
    fn a_peer_that_sends_newlines_is_believed() {
        let (mut inbox, mut text) = (Inbox::new("Jack: ", false), String::new());
        inbox.push(b"one\ntw", &mut text);
        inbox.quiet(&mut text);
        inbox.push(b"o\nthree", &mut text);
        inbox.end(&mut text);
        assert_eq!(text, "Jack: one\nJack: two\nJack: three");
    }
}
