//! Ground floor: which characters may reach a terminal. What comes from a file or a peer is never obeyed, only shown.

use std::borrow::Cow;
use std::fmt::Write;

/// False for what a terminal might obey, hide or reorder: controls, zero-width and bidirectional characters.
#[must_use]
pub fn is_safe_to_show(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every unsafe character written out: `\u{1b}`.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_safe_to_show) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_safe_to_show(character) {
            shown.push(character);
        } else {
            let _ = write!(shown, "{}", character.escape_unicode());
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_might_obey_is_written_out() {
        assert_eq!(safe("你好, plain"), "你好, plain");
        assert_eq!(safe("\u{1b}[2J\u{9b}\u{202e}\u{200b}"), "\\u{1b}[2J\\u{9b}\\u{202e}\\u{200b}");
    }
}
