//! Names that experiments give to things: purposes, series, the values that a claim compares. A label is a message with
//! arguments, which `labels` translates.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Args, Value};

/// A message: its English text, which is its key in the catalogues, and the values of its placeholders.
///
/// It is recorded as a string if it has no arguments, else as `{"text":"{who} received","args":{…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Label {
    /// The message, with a `{name}` for each argument.
    pub text: Cow<'static, str>,
    /// The arguments. A [`Value::Label`] is translated, any other value is data.
    pub args: Args,
}

impl Label {
    /// A message with these arguments.
    #[must_use]
    pub fn new(text: &'static str, args: Vec<(&'static str, Value)>) -> Label {
        let args = args.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
        Label { text: Cow::Borrowed(text), args: Args(args) }
    }
}

impl From<&'static str> for Label {
    fn from(text: &'static str) -> Label {
        Label::new(text, Vec::new())
    }
}

impl From<String> for Label {
    /// A label whose text is only known during the run. The catalogues must have its English text.
    fn from(text: String) -> Label {
        Label { text: Cow::Owned(text), args: Args::default() }
    }
}

impl fmt::Display for Label {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &*self.text;
        while !self.args.is_empty()
            && let Some((before, (name, after))) = rest
                .split_once('{')
                .and_then(|(before, from)| Some((before, from.split_once('}')?)))
        {
            f.write_str(before)?;
            match self.args.get(name) {
                Some(value) => write!(f, "{value}")?,
                None => write!(f, "{{{name}}}")?,
            }
            rest = after;
        }
        f.write_str(rest)
    }
}

/// The JSON of a label where a string would stand.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Plain(Cow<'static, str>),
    Composed(Composed),
}

/// The JSON of a label where a value would stand, for which a string would be a name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Composed {
    text: Cow<'static, str>,
    #[serde(skip_serializing_if = "Args::is_empty", default)]
    args: Args,
}

impl From<Form> for Label {
    fn from(form: Form) -> Label {
        match form {
            Form::Plain(text) => Label { text, args: Args::default() },
            Form::Composed(composed) => composed.into(),
        }
    }
}

impl From<Label> for Form {
    fn from(label: Label) -> Form {
        if label.args.is_empty() { Form::Plain(label.text) } else { Form::Composed(label.into()) }
    }
}

impl From<Composed> for Label {
    fn from(Composed { text, args }: Composed) -> Label {
        Label { text, args }
    }
}

impl From<Label> for Composed {
    fn from(Label { text, args }: Label) -> Composed {
        Composed { text, args }
    }
}

/// A [`Label`] with its arguments by name, as `format!` takes them: `label!("{who} types Ctrl-D", who)`. The catalogues
/// get its text, as they get any literal that is passed as a label.
macro_rules! label {
    (@value $name:ident) => { $name };
    (@value $name:ident $value:expr) => { $value };
    ($text:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::trace::Label::new(
            $text,
            vec![$((
                stringify!($name),
                $crate::trace::Value::from($crate::trace::label!(@value $name $($value)?)),
            )),*],
        )
    };
}
pub(crate) use label;

#[cfg(test)]
mod tests {
    use crate::trace::EventKind;

    #[test]
    fn a_label_is_a_string_until_it_has_arguments() {
        let typed = label!("{who} types {text}", who = label!("client"), text = "{who}".to_owned());
        for (deed, written) in [
            (label!("types"), r#""types""#),
            (
                typed.clone(),
                r#"{"text":"{who} types {text}","args":{"who":{"text":"client"},"text":"{who}"}}"#,
            ),
        ] {
            let event = EventKind::Deed { deed, errno: None };
            let line = serde_json::to_string(&event).expect("JSON");
            assert_eq!(line, format!(r#"{{"event":"deed","deed":{written}}}"#));
            assert_eq!(serde_json::from_str::<EventKind>(&line).expect("the same"), event);
        }
        assert_eq!(typed.to_string(), "client types {who}");
        assert_eq!(label!("{nobody} {", who = 1_u64).to_string(), "{nobody} {");
    }
}
