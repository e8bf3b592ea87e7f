//! Source code in inks: comments, words of the language, strings and numbers, and the socket calls, which stand out.
//!
//! It knows three languages, those of the lessons, and of each only what a reader's eye needs. A highlighter with grammars
//! (`syntect`) knows more, and does not know which calls are about sockets; it would cost a third of the time of a cold build.

use super::{Ink, Row, inked_again};
use crate::text::{wrap, wrap_code};

/// A programming language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
    Python,
    C,
}

impl Language {
    /// The language of this name, as Markdown writes it beside a block of code.
    #[must_use]
    pub fn named(name: &str) -> Option<Language> {
        match name {
            "rust" => Some(Language::Rust),
            "python" | "py" => Some(Language::Python),
            "c" => Some(Language::C),
            _ => None,
        }
    }

    /// The language of a file, by the ending of its name.
    #[must_use]
    pub fn of_file(path: &str) -> Option<Language> {
        match path.rsplit_once('.')?.1 {
            "rs" => Some(Language::Rust),
            "py" => Some(Language::Python),
            "c" | "h" => Some(Language::C),
            _ => None,
        }
    }

    fn keywords(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &[
                "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else",
                "enum", "extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match",
                "mod", "move", "mut", "pub", "ref", "return", "self", "Self", "static", "struct",
                "super", "trait", "true", "type", "unsafe", "use", "where", "while",
            ],
            Language::Python => &[
                "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
                "del", "elif", "else", "except", "False", "finally", "for", "from", "global", "if",
                "import", "in", "is", "lambda", "None", "nonlocal", "not", "or", "pass", "raise",
                "return", "True", "try", "while", "with", "yield",
            ],
            Language::C => &[
                "break", "case", "char", "const", "continue", "default", "do", "double", "else",
                "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long",
                "register", "return", "short", "signed", "sizeof", "static", "struct", "switch",
                "typedef", "union", "unsigned", "void", "volatile", "while",
            ],
        }
    }

    fn line_comment(self) -> &'static str {
        if self == Language::Python { "#" } else { "//" }
    }
}

/// Calls on sockets and on what waits for them, in the libraries of the three languages.
const SOCKET_CALLS: &[&str] = &[
    "accept",
    "accept4",
    "bind",
    "bind_device",
    "close",
    "connect",
    "connect_ex",
    "connect_timeout",
    "create_connection",
    "create_server",
    "epoll",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_ctl_add",
    "epoll_ctl_add_edge_triggered",
    "epoll_ctl_delete",
    "epoll_ctl_modify",
    "epoll_wait",
    "fcntl",
    "getpeername",
    "getsockname",
    "getsockopt",
    "ioctl",
    "listen",
    "local_addr",
    "peek",
    "peer_addr",
    "poll",
    "poll_also",
    "ppoll",
    "pselect",
    "read",
    "readv",
    "recv",
    "recv_all",
    "recv_from",
    "recv_into",
    "recv_with_flags",
    "recvfrom",
    "recvmsg",
    "select",
    "send",
    "send_all",
    "send_to",
    "sendall",
    "sendmsg",
    "sendto",
    "set_nonblocking",
    "set_read_timeout",
    "set_reuse_address",
    "set_server_address",
    "set_write_timeout",
    "setblocking",
    "setsockopt",
    "settimeout",
    "shutdown",
    "socket",
    "socketpair",
    "take_error",
    "write",
    "writev",
];

/// A line that the end of the one before left open.
enum Open {
    /// Comments inside each other, so many.
    Comment(usize),
    /// Text up to this.
    Text(String),
}

/// Lines of code in inks. Without a language only the comments that most languages have are told apart.
#[must_use]
pub fn rows<'l>(language: Option<Language>, lines: impl IntoIterator<Item = &'l str>) -> Vec<Row> {
    let Some(language) = language else {
        let is_comment =
            |line: &str| ["//", "# "].iter().any(|it| line.trim_start().starts_with(it));
        let ink = |line: &str| if is_comment(line) { Ink::Faint } else { Ink::Plain };
        return lines.into_iter().map(|line| Row::new().with(line, ink(line))).collect();
    };
    let mut open = None;
    lines
        .into_iter()
        .map(|line| Line { language, rest: line, row: Row::new() }.inked(&mut open))
        .collect()
}

/// The columns that a comment's words have, however far it is indented.
const LEAST_WORDS: usize = 8;

/// A line of code in as many rows of this width as it needs. Code that goes on has `…` before it: its indentation alone could be that of
/// another line. A comment that goes on in another row has its sign there too: without it its words would be code.
#[must_use]
pub fn wrapped(row: &Row, width: usize) -> Vec<Row> {
    let parts = wrap_code(&row.text(), width);
    let mut rows = inked_again(row.characters(), &parts);
    let Some((sign, code)) = comment(row) else {
        rows.iter_mut().skip(1).for_each(|row| *row = marked(row));
        return rows;
    };
    let mut seen = 0;
    let begins = |part: &String| {
        seen += signs(part);
        seen > code
    };
    let rest = parts.iter().position(begins).map_or(parts.len(), |first| first + 1);
    rows.iter_mut().take(rest).skip(1).for_each(|row| *row = marked(row));
    let Some(next) = parts.get(rest) else { return rows };
    let like = if code == 0 { &parts[0] } else { next };
    let indent = like.len() - like.trim_start().len();
    let most = (width / 2).min(width.saturating_sub(sign.len() + 1 + LEAST_WORDS));
    let before = format!("{}{sign} ", " ".repeat(indent.min(most)));
    let words: Vec<&str> = parts[rest..].iter().map(|part| part.trim()).collect();
    let again = wrap(&words.join(" "), width.saturating_sub(before.len()).max(LEAST_WORDS));
    rows.truncate(rest);
    // Its sign alone is not a part of it.
    if parts[..rest].iter().map(|part| signs(part)).sum::<usize>() == code + sign.len() {
        rows.iter_mut().last().into_iter().for_each(|row| drop(row.0.pop()));
        rows.pop_if(|row| row.text().trim().is_empty());
    }
    rows.extend(
        again.iter().map(|part| Row::new().with(format!("{before}{}", part.trim()), Ink::Faint)),
    );
    rows
}

/// A row that goes on with a line, with a mark of that in its indentation.
fn marked(row: &Row) -> Row {
    let indent = row.characters().take_while(|(character, _)| *character == ' ').count();
    let mut marked = Row::indented(indent.saturating_sub(2)).with("… ", Ink::Faint);
    row.characters().skip(indent).for_each(|(character, ink)| marked.push(character, ink));
    marked
}

/// The sign of the comment with which a line ends, and how many characters of code are before it.
fn comment(row: &Row) -> Option<(String, usize)> {
    let (last, code) = row.0.split_last().filter(|(last, _)| last.ink == Ink::Faint)?;
    let text = last.text.trim_start();
    let end = text.find(|it: char| !"/!#".contains(it)).unwrap_or(text.len());
    let sign = Some(&text[..end]).filter(|sign| sign.starts_with("//") || *sign == "#")?;
    Some((sign.to_owned(), code.iter().map(|span| signs(&span.text)).sum()))
}

/// How many characters of a text are no space.
fn signs(text: &str) -> usize {
    text.chars().filter(|it| !it.is_whitespace()).count()
}

/// A line, as far as it has not been read, and the row of what has.
struct Line<'l> {
    language: Language,
    rest: &'l str,
    row: Row,
}

impl Line<'_> {
    fn inked(mut self, open: &mut Option<Open>) -> Row {
        while !self.rest.is_empty() {
            *open = match open.take() {
                Some(Open::Comment(depth)) => self.comment(depth),
                Some(Open::Text(end)) => self.text(&end),
                None => self.next(),
            };
        }
        // Only these go on in the next line.
        *open = open.take().filter(|open| match open {
            Open::Comment(_) => true,
            Open::Text(end) => self.language == Language::Rust || end.len() == 3,
        });
        self.row
    }

    fn take(&mut self, bytes: usize, ink: Ink) {
        let (taken, rest) = self.rest.split_at(bytes);
        self.row.push(taken, ink);
        self.rest = rest;
    }

    /// Reads on inside of a comment.
    fn comment(&mut self, depth: usize) -> Option<Open> {
        let end = self.rest.find("*/").map(|at| at + 2);
        let inner =
            self.rest.find("/*").map(|at| at + 2).filter(|_| self.language == Language::Rust);
        let (bytes, depth) = match (end, inner) {
            (_, Some(inner)) if end.is_none_or(|end| inner < end) => (inner, depth + 1),
            (Some(end), _) => (end, depth - 1),
            _ => (self.rest.len(), depth),
        };
        self.take(bytes, Ink::Faint);
        (depth > 0).then_some(Open::Comment(depth))
    }

    /// Reads on inside of text. In raw text, which ends with `#`, a backslash is one.
    fn text(&mut self, end: &str) -> Option<Open> {
        let mut at = 0;
        while at < self.rest.len() && !self.rest[at..].starts_with(end) {
            let mut characters = self.rest[at..].chars();
            let first = characters.next().map_or(1, char::len_utf8);
            let escaped = self.rest[at..].starts_with('\\') && !end.ends_with('#');
            at += first + if escaped { characters.next().map_or(0, char::len_utf8) } else { 0 };
        }
        let ends = at < self.rest.len();
        self.take(if ends { at + end.len() } else { at }, Ink::Literal);
        (!ends).then(|| Open::Text(end.to_owned()))
    }

    /// Reads one token outside of comments and text.
    fn next(&mut self) -> Option<Open> {
        if self.rest.starts_with(self.language.line_comment()) {
            self.take(self.rest.len(), Ink::Faint);
        } else if self.rest.starts_with("/*") && self.language != Language::Python {
            self.take(2, Ink::Faint);
            return Some(Open::Comment(1));
        } else if let Some((start, end)) = self.text_starts() {
            self.take(start, Ink::Literal);
            return Some(Open::Text(end));
        } else if self.rest.starts_with(|first: char| first.is_ascii_digit()) {
            self.take(number(self.rest), Ink::Literal);
        } else if self.rest.starts_with(|first: char| first.is_alphabetic() || first == '_') {
            self.word();
        } else if self.rest.starts_with('#') && self.language == Language::C {
            let word = self.rest[1..].find(|it: char| !it.is_alphabetic());
            self.take(word.map_or(self.rest.len(), |at| at + 1), Ink::Keyword);
        } else {
            self.take(self.rest.chars().next().map_or(1, char::len_utf8), Ink::Plain);
        }
        None
    }

    /// If text begins here: how many bytes its beginning takes, and what ends it.
    fn text_starts(&self) -> Option<(usize, String)> {
        let prefixes = match self.language {
            Language::Rust => "brc",
            Language::Python => "bBrRfFuU",
            Language::C => "LuU",
        };
        let prefix = self.rest.find(|it| !prefixes.contains(it)).filter(|prefix| *prefix < 3)?;
        let (prefix, quoted) = self.rest.split_at(prefix);
        let quote = quoted.chars().next().filter(|first| matches!(first, '"' | '\'' | '#'))?;
        match (self.language, quote) {
            (Language::Rust, '#') | (Language::Rust, '"') if prefix.contains('r') => {
                let hashes =
                    quoted.find('"').filter(|at| quoted[..*at].bytes().all(|it| it == b'#'))?;
                Some((prefix.len() + hashes + 1, format!("\"{}", "#".repeat(hashes))))
            }
            (_, '#') => None,
            // A lifetime has no quote at its end.
            (Language::Rust, '\'') => {
                let mut inside = quoted[1..].chars();
                let is_text = inside.next() == Some('\\') || inside.next() == Some('\'');
                is_text.then(|| (prefix.len() + 1, "'".to_owned()))
            }
            (Language::Python, _) if quoted.starts_with(&String::from(quote).repeat(3)) => {
                Some((prefix.len() + 3, String::from(quote).repeat(3)))
            }
            _ => Some((prefix.len() + 1, quote.into())),
        }
    }

    fn word(&mut self) {
        let is_part = |it: char| it.is_alphanumeric() || it == '_';
        let bytes = self.rest.find(|it| !is_part(it)).unwrap_or(self.rest.len());
        let (word, after) = self.rest.split_at(bytes);
        let declared = || ["fn ", "def "].iter().any(|it| self.row.text().ends_with(it));
        let ink = if self.language.keywords().contains(&word) {
            Ink::Keyword
        } else if after.starts_with('(') && SOCKET_CALLS.contains(&word) && !declared() {
            Ink::Strong
        } else {
            Ink::Plain
        };
        self.take(bytes, ink);
    }
}

/// How many bytes of this are a number. A dot belongs to it if a digit follows: in `0..9` none does.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        let point = *byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !byte.is_ascii_alphanumeric() && *byte != b'_' && !point {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code with a letter for each ink: k for keywords, l for literals, c for comments, s for socket calls.
    fn inks(language: Language, code: &str) -> String {
        let rows = rows(Some(language), code.lines());
        assert_eq!(
            rows.iter().map(Row::text).collect::<Vec<_>>(),
            code.lines().collect::<Vec<_>>()
        );
        let letter = |ink| match ink {
            Ink::Keyword => "k",
            Ink::Literal => "l",
            Ink::Faint => "c",
            Ink::Strong => "s",
            _ => ".",
        };
        let row = |row: &Row| {
            row.0.iter().map(|span| letter(span.ink).repeat(span.text.chars().count())).collect()
        };
        rows.iter().map(row).collect::<Vec<String>>().join("\n")
    }

    #[test]
    fn a_comment_that_goes_on_keeps_its_sign() {
        let wrapped_at = |language, line: &str, width| {
            let row = rows(Some(language), [line]).swap_remove(0);
            let rows = wrapped(&row, width);
            assert!(rows.iter().all(|row| row.width() <= width), "{rows:?}");
            rows.iter().map(Row::text).collect::<Vec<_>>()
        };
        assert_eq!(
            wrapped_at(Language::Rust, "    // one two three four five", 16),
            ["    // one two", "    // three", "    // four five"]
        );
        assert_eq!(
            wrapped_at(Language::Rust, "peer.recv(&mut buf)?; // waits until it comes", 27),
            ["peer.recv(&mut buf)?; ", "    // waits until it comes"]
        );
        assert_eq!(
            wrapped_at(Language::Python, "s.recv(9)  # what is here, at most nine", 24),
            ["s.recv(9)  # what is", "    # here, at most nine"]
        );
        assert_eq!(
            wrapped_at(Language::Rust, "let longest_name = peer.recv(&mut buf)?; // x", 24),
            ["let longest_name =", "  … peer.recv(&mut", "  … buf)?; // x"]
        );
        assert_eq!(
            wrapped_at(Language::Python, "            # ends the one", 16),
            ["    # ends the", "    # one"]
        );
        assert_eq!(
            wrapped_at(Language::C, "recv(fd, at, 9, 0); /* one two three */", 24),
            ["recv(fd, at, 9, 0); /*", "  … one two three */"]
        );
    }

    #[test]
    fn calls_stand_out_from_rust_and_a_lifetime_is_no_text() {
        assert_eq!(
            inks(Language::Rust, "let n = peer.recv(&mut buf)?; // waits"),
            "kkk..........ssss..kkk........cccccccc"
        );
        assert_eq!(
            inks(Language::Rust, "fn send(a: &'a str, b'x', 0..9, 1.5)"),
            "kk..................llll..l..l..lll."
        );
        assert_eq!(
            inks(Language::Rust, "x(r#\"a\" \\\"#, \"b\\\"c\", '\\'')"),
            "..lllllllll..llllll..llll."
        );
        assert_eq!(
            inks(Language::Rust, "/* a /* b */ c\nd */ if \"x\ny\""),
            "cccccccccccccc\ncccc.kk.ll\nll"
        );
    }

    #[test]
    fn python_and_c_have_their_own_words() {
        assert_eq!(
            inks(Language::Python, "def send(s):  # x\n    s.sendall(b\"a#b\")"),
            "kkk...........ccc\n......sssssss.llllll."
        );
        assert_eq!(inks(Language::Python, "'''a\nb''' or None"), "llll\nllll.kk.kkkk");
        assert_eq!(inks(Language::Python, "'open\nif x:"), "lllll\nkk...");
        assert_eq!(
            inks(Language::C, "#include <err.h>\nif ((n = send(s, \"a\", 1, 0)) < 0)"),
            "kkkkkkkk........\nkk.......ssss....lll..l..l.....l."
        );
    }

    #[test]
    fn of_another_language_only_comments_are_told() {
        let rows = rows(None, ["# a", "if (x) // b"]);
        assert_eq!(rows[0].0[0].ink, Ink::Faint);
        assert_eq!(rows[1].0[0].ink, Ink::Plain);
        assert_eq!(Language::of_file("a/b.py"), Some(Language::Python));
        assert_eq!(Language::of_file("Makefile"), None);
    }
}
