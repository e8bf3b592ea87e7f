//! Ground floor: which characters may reach a terminal. What comes from a file or a peer is never obeyed, only shown.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

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

/// What joins two lines of one sentence: a space, but none between wide characters, nor beside a full stop that is as wide as they.
#[must_use]
pub fn joint(before: &str, after: &str) -> &'static str {
    let wide = |character: Option<char>| character.is_some_and(|character| character.width() == Some(2));
    let mark = |character: Option<char>| character.is_some_and(|character| "，。、；：？！（）《》「」『』“”‘’…—".contains(character));
    let (left, right) = (before.chars().next_back(), after.chars().next());
    let together = (wide(left) && wide(right)) || mark(left) || mark(right);
    if left.is_none() || right.is_none() || together { "" } else { " " }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_chinese_are_joined_without_a_space() {
        assert_eq!(joint("套接字", "是端点"), "");
        assert_eq!(joint("调用 connect()，", "accept() 返回"), "");
        assert_eq!(joint("调用", "connect()"), " ");
        assert_eq!(joint("a socket", "is"), " ");
        assert_eq!(joint("", "is"), "");
    }

    #[test]
    fn what_a_terminal_might_obey_is_written_out() {
        assert_eq!(safe("你好, plain"), "你好, plain");
        assert_eq!(safe("\u{1b}[2J\u{9b}\u{202e}\u{200b}"), "\\u{1b}[2J\\u{9b}\\u{202e}\\u{200b}");
    }
}
