//! A language's catalogue: a PO file, as gettext has it and its editors know it
//! (<https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html>). Of the format this reads `msgctxt`, `msgid` and
//! `msgstr`; plural forms are sentences of their own here.

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::sync::{LazyLock, OnceLock};

use include_dir::{Dir, include_dir};

use crate::text::joint;

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/i18n/po");

/// The catalogues that are part of the program, by tag.
pub(super) static CATALOGUES: LazyLock<Vec<Catalogue>> = LazyLock::new(|| {
    let of_file = |file: &'static include_dir::File<'_>| {
        let path = file.path();
        let tag = path.extension().is_some_and(|extension| extension == "po").then_some(path)?;
        Some(Catalogue {
            tag: tag.file_stem()?.to_str()?,
            text: file.contents_utf8()?,
            messages: OnceLock::new(),
        })
    };
    let mut all: Vec<_> = FOLDER.files().filter_map(of_file).collect();
    all.sort_by_key(|catalogue| catalogue.tag);
    all
});

/// The sentences of one language.
pub(super) struct Catalogue {
    /// The name of its file: `zh`.
    pub tag: &'static str,
    text: &'static str,
    /// By [`key`]; read from the text when the first sentence is asked for.
    messages: OnceLock<HashMap<String, String>>,
}

impl Catalogue {
    /// The sentence in this language, if there is one.
    pub fn get(&self, context: Option<&str>, english: &str) -> Option<&str> {
        let messages = self.messages.get_or_init(|| {
            let all = parse(self.text).into_iter().filter(|message| !message.text.is_empty());
            all.map(|one| (key(one.context.as_deref(), &one.english), one.text)).collect()
        });
        let found = match context {
            None => messages.get(english),
            Some(_) => messages.get(&key(context, english)),
        };
        found.map(String::as_str)
    }

    /// A line of the header, the message whose English is empty and which comes first: `Language`. It is asked for at every start,
    /// also of a program that speaks English and needs no other message.
    pub fn header(&self, field: &str) -> Option<String> {
        let (first, _) = self.text.split_once("\n\n")?;
        let header = parse(first).into_iter().find(|message| message.english.is_empty())?;
        let mut lines = header.text.lines();
        lines.find_map(|line| Some(line.strip_prefix(field)?.strip_prefix(':')?.trim().to_owned()))
    }
}

/// Context and English in one, as gettext writes it in an MO file.
fn key(context: Option<&str>, english: &str) -> String {
    context.map_or_else(|| english.to_owned(), |context| format!("{context}\u{4}{english}"))
}

/// An entry of a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Tells apart what is one in English: `msgctxt`.
    pub context: Option<String>,
    /// The sentence in the code: `msgid`.
    pub english: String,
    /// The sentence in the catalogue's language, empty where there is none yet: `msgstr`.
    pub text: String,
}

/// The entries of a PO file, in its order.
pub fn parse(text: &str) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let mut keyword = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((before, quoted)) = line.split_once('"') else { continue };
        let piece = unescaped(quoted.strip_suffix('"').unwrap_or(quoted));
        let begins = !before.trim().is_empty();
        if begins {
            let follows_context = keyword == "msgctxt";
            keyword = before.trim();
            if keyword == "msgctxt" || (keyword == "msgid" && !follows_context) {
                messages.push(Message::default());
            }
        }
        let Some(message) = messages.last_mut() else { continue };
        match keyword {
            "msgctxt" => message.context.get_or_insert_default().push_str(&piece),
            "msgid" => message.english.push_str(&piece),
            "msgstr" => message.text.push_str(&piece),
            _ => {}
        }
    }
    messages
}

fn unescaped(quoted: &str) -> String {
    let (mut text, mut characters) = (String::with_capacity(quoted.len()), quoted.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                other => text.extend(other),
            },
            other => text.push(other),
        }
    }
    text
}

/// A sentence of a catalogue with its `{name}`s filled in, all as words of it.
pub(crate) fn fill(template: &str, arguments: &[(&str, &dyn Display)]) -> String {
    fill_with(template, |name| {
        let value = arguments.iter().find(|(known, _)| *known == name);
        value.map(|(_, value)| Filling::Word(value.to_string()))
    })
}

/// What is filled in for a `{name}`.
pub(crate) enum Filling {
    /// A word of the sentence.
    Word(String),
    /// What somebody typed, or a program's name for something: it keeps the spaces around it.
    Quote(String),
}

/// A sentence of a catalogue with its `{name}`s filled in; `{{` is a brace. Chinese has no space between two of its own
/// characters, but one between them and Latin letters: a space beside a word goes where the word wants none.
pub(crate) fn fill_with(template: &str, value_of: impl Fn(&str) -> Option<Filling>) -> String {
    let mut filled = String::with_capacity(template.len() + 16);
    let (mut rest, mut after_word) = (template, false);
    while !rest.is_empty() {
        let end = rest.find(['{', '}']).unwrap_or(rest.len());
        let (literal, braced) = rest.split_at(end);
        match literal.strip_prefix(' ').filter(|_| after_word) {
            Some(literal) => push_after_space(&mut filled, literal),
            None => filled.push_str(literal),
        }
        after_word = after_word && literal.is_empty();
        rest = match braced.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            _ if braced.starts_with("{{") || braced.starts_with("}}") => {
                filled.push_str(&braced[..1]);
                &braced[2..]
            }
            Some((name, rest)) => {
                let (value, is_word) = match value_of(name) {
                    Some(Filling::Word(word)) => (word, true),
                    Some(Filling::Quote(quote)) => (quote, false),
                    None => (format!("{{{name}}}"), true),
                };
                if is_word && literal.ends_with(' ') && !value.is_empty() {
                    filled.pop();
                    push_after_space(&mut filled, &value);
                } else {
                    filled.push_str(&value);
                }
                after_word = is_word;
                rest
            }
            None => {
                filled.push_str(braced);
                ""
            }
        };
    }
    filled
}

/// Adds the text with a space before it, where one belongs there.
fn push_after_space(filled: &mut String, text: &str) {
    let space = if filled.is_empty() || text.is_empty() { " " } else { joint(filled, text) };
    let _ = write!(filled, "{space}{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_their_context_and_over_several_lines() {
        let text = "# a remark\nmsgid \"\"\nmsgstr \"Language: xx\\n\"\n\n#: src/a.rs\nmsgid \"a \\\"b\\\"\"\nmsgstr \"\"\n\"c\\n\"\n\"d\"\n\n\
                    msgctxt \"call\"\nmsgid \"held\"\nmsgstr \"x\"\n\nmsgid \"none\"\nmsgstr \"\"\n";
        let message = |context: Option<&str>, english: &str, text: &str| Message {
            context: context.map(str::to_owned),
            english: english.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(
            parse(text),
            [
                message(None, "", "Language: xx\n"),
                message(None, "a \"b\"", "c\nd"),
                message(Some("call"), "held", "x"),
                message(None, "none", ""),
            ]
        );
        let catalogue =
            Catalogue { tag: "xx", text: text.to_owned().leak(), messages: OnceLock::new() };
        assert_eq!(catalogue.header("Language").as_deref(), Some("xx"));
        assert_eq!(catalogue.get(Some("call"), "held"), Some("x"));
        assert_eq!(catalogue.get(None, "held"), None);
        assert_eq!(catalogue.get(None, "none"), None, "what has no translation stays English");
    }

    #[test]
    fn names_are_filled_in_wherever_they_stand() {
        let values: &[(&str, &dyn Display)] = &[("n", &3), ("who", &"bob")];
        assert_eq!(fill("{who} sends {n}, {n}", values), "bob sends 3, 3");
        assert_eq!(fill("{{{n}}} {other} {", values), "{3} {other} {");
        assert_eq!(fill("", values), "");
    }

    #[test]
    fn a_space_beside_a_value_goes_between_wide_characters() {
        let [latin, wide] = ["bob", "\u{4f60}\u{597d}"];
        let filled = |who: &'static str| fill("\u{7531} {who} \u{53d1}\u{9001}", &[("who", &who)]);
        assert_eq!(filled(latin), "\u{7531} bob \u{53d1}\u{9001}");
        assert_eq!(filled(wide), "\u{7531}\u{4f60}\u{597d}\u{53d1}\u{9001}");
        assert_eq!(fill(" {who}", &[("who", &wide)]), " \u{4f60}\u{597d}");
    }
}
