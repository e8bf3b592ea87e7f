//! What a line means that a person has typed: words for the peer, or a command for the chat.

use crate::i18n::tr;

/// A typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedLine {
    /// It is sent.
    Message(String),
    /// `/quit`.
    Quit,
    /// `/help`.
    Help,
    /// Another word after a slash: it is no command, and perhaps meant as one, so it is not sent.
    Unknown(String),
}

impl TypedLine {
    /// Reads a line, without its end. `//word` is the message `/word`.
    pub fn parse(line: &str) -> TypedLine {
        // Pasted text may begin with a byte order mark, and end with the end of its last line.
        let line = line.strip_prefix('\u{feff}').unwrap_or(line).trim_end_matches(['\r', '\n']);
        let trimmed = line.trim();
        match trimmed {
            "/quit" => TypedLine::Quit,
            "/help" => TypedLine::Help,
            _ if trimmed.starts_with("//") => TypedLine::Message(trimmed[1..].to_owned()),
            _ if trimmed.starts_with('/') => {
                let word = trimmed.split_whitespace().next().unwrap_or(trimmed);
                TypedLine::Unknown(word.to_owned())
            }
            _ => TypedLine::Message(line.to_owned()),
        }
    }
}

/// The answer to `/help`.
pub fn help() -> &'static str {
    tr!(
        "Enter sends the line. /quit or Ctrl-C quits; after Ctrl-D you send nothing more, but still receive. \
         /help shows this. A message that begins with / is typed with two: //word sends /word."
    )
}

/// What is said of a line that is typed after Ctrl-D.
pub fn nothing_more() -> &'static str {
    tr!("after Ctrl-D nothing more is sent; /quit or Ctrl-C quits")
}

/// What is said of an unknown command.
pub fn unknown(word: &str) -> String {
    tr!(
        "{word} is no command, and was not sent: /help shows the commands, and /{word} sends it",
        word
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_are_commands_and_two_slashes_send_one() {
        let message = |text: &str| TypedLine::Message(text.to_owned());
        assert_eq!(TypedLine::parse(" /quit "), TypedLine::Quit);
        assert_eq!(TypedLine::parse("/help"), TypedLine::Help);
        assert_eq!(TypedLine::parse("/qiut now"), TypedLine::Unknown("/qiut".to_owned()));
        assert_eq!(TypedLine::parse("/"), TypedLine::Unknown("/".to_owned()));
        assert_eq!(TypedLine::parse("//etc/hosts is a file"), message("/etc/hosts is a file"));
        assert_eq!(TypedLine::parse("  1/2 is a half "), message("  1/2 is a half "));
        assert_eq!(TypedLine::parse(""), message(""));
        assert_eq!(TypedLine::parse("\u{feff}/quit"), TypedLine::Quit);
        assert_eq!(TypedLine::parse("\u{feff}hello"), message("hello"));
        assert_eq!(TypedLine::parse("one\r\ntwo\n"), message("one\r\ntwo"));
    }
}
