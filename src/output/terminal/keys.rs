//! Single keys, read without Enter, for stepping.

use super::line::behind_sequence;
pub use crate::signals::{raw_mode, typed};
use crate::text::half_width;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Enter, space, → or Page Down (as a presenter's remote sends it).
    On,
    /// ← or Page Up.
    Back,
    /// A letter, in lower case, a digit, or `?`.
    Letter(char),
    /// End of input.
    End,
}

/// The keys of these bytes; unknown ones are ignored.
pub fn parse(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    if bytes.is_empty() {
        keys.push(Key::End);
    }
    while let Some((first, rest)) = bytes.split_first() {
        bytes = rest;
        match first {
            b'\r' | b'\n' | b' ' => keys.push(Key::On),
            4 => keys.push(Key::End),
            0x1b => {
                bytes = behind_sequence(rest);
                match &rest[..rest.len() - bytes.len()] {
                    b"[C" | b"OC" | b"[6~" => keys.push(Key::On),
                    b"[D" | b"OD" | b"[5~" => keys.push(Key::Back),
                    _ => {} // Escape alone, a key pressed with Alt, another function key
                }
            }
            // A Chinese input method's `ｑ` and wide space (Unicode, blocks FF00 and 3000).
            0xe3 | 0xef => {
                let wide = rest
                    .get(..2)
                    .and_then(|rest| String::from_utf8([&[*first], rest].concat()).ok());
                let character = wide.and_then(|wide| wide.chars().next()).map(half_width);
                if let Some(key) = character.and_then(|character| u8::try_from(character).ok()) {
                    keys.extend(parse(&[key]));
                    bytes = &rest[2..];
                }
            }
            letter if letter.is_ascii_alphanumeric() || *letter == b'?' => {
                keys.push(Key::Letter(letter.to_ascii_lowercase().into()))
            }
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_input_methods_keys_are_the_keys_that_were_meant() {
        let keys = [
            Key::Letter('c'),
            Key::Letter('b'),
            Key::Letter('q'),
            Key::Letter('?'),
            Key::On,
            Key::On,
        ];
        assert_eq!(parse("ｃｂＱ？\u{3000} 。、".as_bytes()), keys);
        assert_eq!(parse(&"ｃ".as_bytes()[..2]), []);
    }

    #[test]
    fn a_remotes_keys_are_understood_and_a_strange_one_is_no_letter() {
        assert_eq!(
            parse(b"\rb cQ"),
            [Key::On, Key::Letter('b'), Key::On, Key::Letter('c'), Key::Letter('q')]
        );
        assert_eq!(parse(b"\x1b[6~\x1b[5~\x1b[C\x1bOD"), [Key::On, Key::Back, Key::On, Key::Back]);
        assert_eq!(parse(b"\x1b[1;5C\x1b[15~c\x1b"), [Key::Letter('c')]);
        assert_eq!(parse(b"\x1bxq"), [Key::Letter('q')], "Alt and x, then q");
        assert_eq!(parse("你\u{4}".as_bytes()), [Key::End]);
        assert_eq!(parse(b""), [Key::End]);
    }
}
