//! Translates the names of actors, and labels. A recording has them in English (`trace::Label`); the catalogues have them in the
//! context `recording`. Texts without an entry are unchanged: names of calls, addresses, data.

use std::borrow::Cow;

use crate::i18n::catalogue::{Filling, fill_with};
use crate::i18n::{Language, find, spoken, tr};
use crate::trace::{Label, Value};

/// An actor's name in the language that is spoken. That of a traced program's thread or child begins with the program's.
pub fn actor(name: &str) -> Cow<'_, str> {
    let known = find(Some("recording"), name);
    let Some((program, rest)) = name.split_once(' ').filter(|_| known.is_none()) else {
        return Cow::Borrowed(known.unwrap_or(name));
    };
    let program = message(program);
    let (kind, number) = rest.split_once(' ').unwrap_or((rest, ""));
    let name = match kind {
        "thread" => tr!("{program} thread", program),
        "child" => tr!("{program} child", program),
        _ => return Cow::Owned(format!("{program} {rest}")),
    };
    Cow::Owned(if number.is_empty() { name } else { format!("{name} {number}") })
}

/// What a thread or child of a program is called within it, in the language that is spoken: `receive`, `child 2`.
pub fn part(name: &str) -> Cow<'_, str> {
    let (kind, number) = name.split_once(' ').unwrap_or((name, ""));
    let kind = match kind {
        "thread" => tr!("thread"),
        "child" => tr!("child"),
        _ => return Cow::Borrowed(name),
    };
    Cow::Owned(if number.is_empty() { kind.to_owned() } else { format!("{kind} {number}") })
}

/// A label in the language that is spoken.
pub fn label(label: &Label) -> Cow<'_, str> {
    let template = message(&label.text);
    if label.args.is_empty() {
        return template;
    }
    if spoken() == Language::ENGLISH {
        return Cow::Owned(label.to_string());
    }
    let filled = fill_with(&template, |name| {
        Some(match label.args.get(name)? {
            Value::Label(inner) => Filling::Word(self::label(inner).into_owned()),
            other => Filling::Quote(other.to_string()),
        })
    });
    Cow::Owned(filled)
}

fn message(english: &str) -> Cow<'_, str> {
    Cow::Borrowed(find(Some("recording"), english).unwrap_or(english))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{chinese, speaking};
    use crate::trace::label;

    #[test]
    fn arguments_that_are_labels_are_worded_and_others_stay() {
        let typed = |text: &str| {
            label!("{who} types {text}", who = label!("client"), text = text.to_owned())
        };
        let in_chinese = |one: &Label| speaking(chinese(), || label(one).into_owned());
        let [client, types] = ["\u{5ba2}\u{6237}\u{7aef}", "\u{8f93}\u{5165}"];
        let [thread, child] = ["\u{7ebf}\u{7a0b}", "\u{5b50}\u{8fdb}\u{7a0b}"];
        for text in ["hello", "你好", "client", "{who}"] {
            assert_eq!(label(&typed(text)), format!("client types {text}"));
            assert_eq!(
                in_chinese(&typed(text)),
                format!("{client}{types} {text}"),
                "data is set off"
            );
        }
        assert_eq!(in_chinese(&label!("ECONNREFUSED")), "ECONNREFUSED");
        assert_eq!(in_chinese(&label!("client")), client);
        assert_eq!(speaking(chinese(), || actor("client").into_owned()), client);
        assert_eq!(actor("client"), "client");
        for (name, of_client) in [
            ("client thread 2", format!("{client}{thread} 2")),
            ("client child", format!("{client}{child}")),
            ("client Thread-1", format!("{client} Thread-1")),
        ] {
            assert_eq!(speaking(chinese(), || actor(name).into_owned()), of_client);
            assert_eq!(actor(name), name);
        }
    }
}
