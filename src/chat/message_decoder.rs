//! Turns bytes into messages. TCP carries a stream of bytes without boundaries; the program decides where a message ends.
//!
//! This is the only place that handles three things:
//! - **Boundaries.** A message ends with a newline. If the peer sends no newlines (as the notes' own programs do not), a message
//!   ends when nothing more arrives for a while.
//! - **Characters.** `好` is three bytes, and recv may return some of them. So a line is decoded only when it is complete.
//! - **Trust.** A peer can send anything, including invalid UTF-8 and control characters. Those are escaped (`\xff`, `\u{1b}`)
//!   and never passed on to the terminal.

use std::fmt::Write;

use super::signs::NAME;
use crate::text::safe;

/// Longest unterminated line kept in memory, in bytes.
pub const MAX_PARTIAL_LINE: usize = 16 * 1024;
/// Longest name that a peer may tell, in characters.
const LONGEST_NAME: usize = 40;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Turns the bytes that a peer sends into messages.
#[derive(Debug)]
pub struct MessageDecoder {
    /// What each message begins with: `Jack: `.
    label: String,
    /// At a terminal each message is shown whole, on a line of its own. In a file the text is written as it arrived.
    at_terminal: bool,
    /// The unfinished line, without the part that has been shown.
    line: Vec<u8>,
    /// Whether the start of that line has been shown, with its label.
    line_begun: bool,
    /// Whether the peer has ever sent a newline. If so, a pause does not end a message (but at a terminal it is shown).
    sends_newlines: bool,
    /// Whether the peer tells its name, in a line that begins with [`NAME`], and whether that is shown.
    names: Option<bool>,
    /// Whether there has been a pause since the last byte. Anything still in `line` is then the start of a character.
    idle: bool,
}

impl MessageDecoder {
    /// A decoder that puts this label before each message.
    pub fn new(label: &str, at_terminal: bool) -> MessageDecoder {
        MessageDecoder {
            label: label.to_owned(),
            at_terminal,
            line: Vec::new(),
            line_begun: false,
            sends_newlines: false,
            names: None,
            idle: true,
        }
    }

    /// From now on a line may tell the peer's name, which is then shown as label, or is not.
    pub fn expect_names(&mut self, shown: bool) {
        self.names = Some(shown);
    }

    /// Whether this is a line that tells the name, or the beginning of one.
    fn tells_name(&self, line: &[u8]) -> bool {
        self.names.is_some() && !self.line_begun && line.first() == Some(&NAME)
    }

    /// Whether part of a line is held back that must be shown if nothing more arrives: see [`MessageDecoder::idle`].
    pub fn has_partial_message(&self) -> bool {
        !self.idle
    }

    /// Takes the bytes of one recv, and appends what can be shown now to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        // Whole lines up to the last newline; the rest is the start of a line.
        let (lines, rest) = match memchr::memrchr(b'\n', bytes) {
            Some(last) => bytes.split_at(last + 1),
            None => (&[][..], bytes),
        };
        if !lines.is_empty() {
            self.sends_newlines = true;
            self.push_lines(lines, out);
        }
        self.line.extend_from_slice(rest);
        let mut line = std::mem::take(&mut self.line);
        self.push_overlong(&mut line, out);
        self.line = line;
        self.idle = self.line.is_empty();
    }

    /// Nothing has arrived for a while: the text held back becomes a message.
    pub fn idle(&mut self, out: &mut String) {
        // All but the start of a character: that can be shown only when its rest has arrived, however long that takes.
        self.idle = true;
        if self.tells_name(&self.line) {
            return; // its end is on its way
        }
        let mut line = std::mem::take(&mut self.line);
        let cut_character = line.split_off(complete_length(&line));
        if !line.is_empty() {
            if self.at_terminal || !self.sends_newlines {
                self.push_line(&line, out);
            } else {
                self.push_text(&line, out);
            }
        }
        self.line = cut_character;
    }

    /// Nothing more will arrive: shows the rest as it is.
    pub fn finish(&mut self, out: &mut String) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            if self.at_terminal {
                self.push_line(&line, out);
            } else {
                self.push_text(&line, out);
            }
        }
        self.idle = true;
    }

    /// Whole lines, each with its newline.
    fn push_lines(&mut self, mut lines: &[u8], out: &mut String) {
        // The first may be the end of a line that began in an earlier recv.
        if self.line_begun || !self.line.is_empty() {
            let end = memchr::memchr(b'\n', lines).map_or(lines.len(), |at| at + 1);
            let mut first = std::mem::take(&mut self.line);
            first.extend_from_slice(&lines[..end - 1]);
            self.push_line(&first, out);
            lines = &lines[end..];
            // Keep the allocation for the next unfinished line.
            first.clear();
            self.line = first;
        }
        match simdutf8::basic::from_utf8(lines) {
            // Nearly always the text is harmless and each line can be copied as it is. A large file spends its time here.
            Ok(text) if is_plain(lines) => {
                let mut begin = 0;
                for newline in memchr::memchr_iter(b'\n', lines) {
                    let line = &text[begin..=newline];
                    if line.len() > MAX_PARTIAL_LINE {
                        self.push_line(&line.as_bytes()[..line.len() - 1], out);
                    } else {
                        out.push_str(&self.label);
                        out.push_str(line);
                    }
                    begin = newline + 1;
                }
            }
            _ => lines
                .split_inclusive(|byte| *byte == b'\n')
                .for_each(|line| self.push_line(&line[..line.len() - 1], out)),
        }
    }

    /// A whole line, without its newline. telnet ends lines with CR LF: the CR is dropped at a terminal, and kept in a file, as nc
    /// does.
    fn push_line(&mut self, line: &[u8], out: &mut String) {
        if self.tells_name(line) {
            if self.names == Some(true) {
                let name: String =
                    String::from_utf8_lossy(&line[1..]).chars().take(LONGEST_NAME).collect();
                self.label = format!("{}: ", safe(&name));
            }
            return;
        }
        let (line, end) = match line.strip_suffix(b"\r") {
            Some(line) if self.at_terminal => (line, "\n"),
            Some(line) => (line, "\r\n"),
            None => (line, "\n"),
        };
        let mut line = line.to_vec();
        self.push_overlong(&mut line, out);
        self.push_text(&line, out);
        out.push_str(end);
        self.line_begun = false;
    }

    /// Shows a line that is longer than [`MAX_PARTIAL_LINE`] in pieces of that size, and keeps the rest in `line`.
    fn push_overlong(&mut self, line: &mut Vec<u8>, out: &mut String) {
        let mut begin = 0;
        while line[begin..].strip_suffix(b"\r").unwrap_or(&line[begin..]).len() > MAX_PARTIAL_LINE {
            let end = begin + complete_length(&line[begin..begin + MAX_PARTIAL_LINE]);
            self.push_text(&line[begin..end], out);
            if self.at_terminal {
                out.push('\n');
                self.line_begun = false;
            }
            begin = end;
        }
        line.drain(..begin);
    }

    /// Part of a line, escaped where needed, with the label before it if it starts the line.
    fn push_text(&mut self, bytes: &[u8], out: &mut String) {
        let mut bytes = bytes;
        if !self.line_begun {
            out.push_str(&self.label);
            // Some editors and shells begin a text with this mark (Unicode, section 23.8); it is no part of it.
            bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        }
        self.line_begun = true;
        // utf8_chunks gives valid text and, in between, the bytes that are not part of any character.
        for chunk in bytes.utf8_chunks() {
            // In a file a tab is harmless, and part of the text.
            for (number, part) in chunk.valid().split('\t').enumerate() {
                if number > 0 {
                    out.push_str(if self.at_terminal { r"\u{9}" } else { "\t" });
                }
                out.push_str(&safe(part));
            }
            for byte in chunk.invalid() {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
}

/// How many of these bytes can be decoded now. An incomplete character at the end is left out, and so is a CR, which may be the
/// start of a CR LF.
fn complete_length(bytes: &[u8]) -> usize {
    let length = bytes.len();
    if bytes.last() == Some(&b'\r') {
        return length - 1;
    }
    // A character has at most four bytes, so an incomplete one starts within the last three. Its first byte tells how many bytes
    // it has; the others begin with the bits 10 (RFC 3629).
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

/// Whether this UTF-8 text certainly needs no escapes. It looks at bytes instead of characters, without a branch in the loop, so
/// that the compiler can check 16 at a time. The price is a few false alarms, for which [`is_safe_to_show`] then decides
/// character by character.
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
    // The loop does not check the last byte, which is harmless if it is a newline.
    suspect == 0 && bytes.last().is_none_or(|last| *last == b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::is_safe_to_show;

    /// What is shown of these bytes when they arrive in pieces of these lengths.
    fn shown(bytes: &[u8], cuts: &[usize], at_terminal: bool) -> String {
        let mut decoder = MessageDecoder::new("Jack: ", at_terminal);
        let (mut text, mut left) = (String::new(), bytes);
        for cut in cuts {
            let (piece, rest) = left.split_at((*cut).min(left.len()));
            decoder.push(piece, &mut text);
            left = rest;
        }
        decoder.push(left, &mut text);
        decoder.finish(&mut text);
        text
    }

    /// Bytes that contain everything that could go wrong.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            "[你好，。a-z]{0,9}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..9),
            Just(b"\r\n".to_vec()),
            Just(b"\n".to_vec()),
            Just("\u{1b}\u{9b}\u{202e}\u{200b}\u{feff}".as_bytes().to_vec()),
            (
                MAX_PARTIAL_LINE - 5..MAX_PARTIAL_LINE + 5,
                prop_oneof![Just("x"), Just("好"), Just("\r")]
            )
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
        fn no_control_character_is_shown(bytes in bytes(), at_terminal: bool) {
            // A CR is harmless only in front of a newline, in a file.
            let text = shown(&bytes, &[], at_terminal);
            let text = if at_terminal { text } else { text.replace("\r\n", "\n") };
            let fine = |character| is_safe_to_show(character) || "\n\u{200d}".contains(character) || (character == '\t' && !at_terminal);
            prop_assert!(text.chars().all(fine));
        }

        #[test]
        fn the_unfinished_line_is_bounded(bytes in bytes(), cut in 1..5000_usize) {
            let mut decoder = MessageDecoder::new("Jack: ", false);
            for piece in bytes.chunks(cut) {
                decoder.push(piece, &mut String::new());
                prop_assert!(decoder.line.len() <= MAX_PARTIAL_LINE + 4);
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
        assert!(is_plain("你好，也啊。 hello\n".as_bytes()));
    }

    #[test]
    fn silence_ends_a_message_of_a_peer_that_sends_no_newline() {
        let (mut decoder, mut text) = (MessageDecoder::new("Jack: ", false), String::new());
        decoder.push("你好".as_bytes(), &mut text);
        assert!(decoder.has_partial_message() && text.is_empty());
        decoder.idle(&mut text);
        assert!(!decoder.has_partial_message());
        // An incomplete character is kept, however long the pause.
        decoder.push(&"好".as_bytes()[..2], &mut text);
        decoder.idle(&mut text);
        decoder.push(&"好".as_bytes()[2..], &mut text);
        decoder.idle(&mut text);
        assert_eq!(text, "Jack: 你好\nJack: 好\n");
    }

    #[test]
    fn what_a_joiner_joins_is_shown_as_one() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        for at_terminal in [false, true] {
            let all = format!("{family} a\u{200d}b\n");
            let expected = format!("Jack: {family} a\\u{{200d}}b\n");
            for cut in 0..all.len() {
                assert_eq!(shown(all.as_bytes(), &[cut], at_terminal), expected, "{cut}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_line() {
        let sent = "\u{feff}one\n\u{feff}\ntwo\u{feff}\n";
        for cut in 0..sent.len() {
            let shown = shown(sent.as_bytes(), &[cut], true);
            assert_eq!(shown, "Jack: one\nJack: \nJack: two\\u{feff}\n", "{cut}");
        }
    }

    #[test]
    fn a_name_is_taken_when_it_is_expected_and_in_how_many_pieces_it_may_come() {
        let sent = "one\n\u{1}Ann \u{1b}[2J\ntwo\n".as_bytes();
        assert_eq!(shown(sent, &[], true), "Jack: one\nJack: \\u{1}Ann \\u{1b}[2J\nJack: two\n");
        for (named, expected) in
            [(true, "Jack: one\nAnn \\u{1b}[2J: two\n"), (false, "Jack: one\nJack: two\n")]
        {
            for cut in 0..sent.len() {
                let (mut decoder, mut text) = (MessageDecoder::new("Jack: ", true), String::new());
                decoder.expect_names(named);
                decoder.push(&sent[..cut], &mut text);
                if cut > 4 && cut < sent.len() - 4 {
                    decoder.idle(&mut text);
                }
                decoder.push(&sent[cut..], &mut text);
                assert_eq!(text, expected, "{cut}");
            }
        }
    }

    #[test]
    fn after_a_newline_silence_ends_no_message() {
        let (mut decoder, mut text) = (MessageDecoder::new("Jack: ", false), String::new());
        decoder.push(b"one\ntw", &mut text);
        decoder.idle(&mut text);
        decoder.push(b"o\nthree", &mut text);
        decoder.finish(&mut text);
        assert_eq!(text, "Jack: one\nJack: two\nJack: three");
    }
}
