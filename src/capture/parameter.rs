//! Experiment parameters: their names, their ranges, and the error for a value out of range.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

use crate::i18n::{Text, tr};

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name: `silence`.
    pub name: &'static str,
    /// Its default value, in the notation of `--set`: `200ms`.
    pub default: &'static str,
    /// The values it takes.
    pub kind: Kind,
    /// What it does, in a few words.
    pub help: Text,
}

/// The values that a parameter takes; bounds are inclusive.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A time span as humantime reads it, `1500ms` or `2s`; bounds in milliseconds.
    Span(u64, u64),
    /// A whole number.
    Count(u64, u64),
    /// A share in percent: `30%`.
    Percent(u64, u64),
}

/// A valid value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A time span.
    Span(Duration),
    /// A whole number, or percents.
    Number(u64),
}

/// Why a `--set` is invalid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SetError {
    /// There is no `=`.
    #[error("{}", tr!("`{pair}` sets nothing: write --set NAME=VALUE, for example --set {example}", pair = .0, example = .1))]
    NotAPair(String, String),
    /// No parameter has that name.
    #[error("{}", tr!("`{experiment}` has no parameter `{name}`; it has {has}", experiment, name, has))]
    Unknown {
        /// The experiment.
        experiment: String,
        /// The name that was given.
        name: String,
        /// The names that exist.
        has: String,
    },
    /// The value is out of range, or not a value.
    #[error("{}", tr!("`{name}` cannot be `{value}`: it takes {takes}, for example {name}={default}", name, value, takes, default))]
    Misfit {
        /// The parameter.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The values it takes.
        takes: String,
        /// Its default.
        default: &'static str,
    },
}

impl Kind {
    /// The values it takes, in words.
    #[must_use]
    pub fn takes(self) -> String {
        match self {
            Kind::Span(least, most) => tr!(
                "a time from {least} to {most}, with a unit (ms, s)",
                least = span(least),
                most = span(most)
            ),
            Kind::Count(least, most) => {
                tr!("a whole number from {least} to {most}", least, most)
            }
            Kind::Percent(least, most) => {
                tr!("a share from {least}% to {most}%", least, most)
            }
        }
    }

    fn parse(self, value: &str) -> Option<Setting> {
        match self {
            Kind::Span(least, most) => humantime::parse_duration(value)
                .ok()
                .filter(|span| {
                    (Duration::from_millis(least)..=Duration::from_millis(most)).contains(span)
                })
                .map(Setting::Span),
            Kind::Count(least, most) => value
                .parse()
                .ok()
                .filter(|number| (least..=most).contains(number))
                .map(Setting::Number),
            Kind::Percent(least, most) => {
                let number = value.strip_suffix('%')?.parse().ok()?;
                (least..=most).contains(&number).then_some(Setting::Number(number))
            }
        }
    }
}

fn span(milliseconds: u64) -> String {
    humantime::format_duration(Duration::from_millis(milliseconds)).to_string()
}

/// The deadline, which every experiment has.
pub const DEADLINE: Parameter = Parameter {
    name: "deadline",
    default: "60s",
    kind: Kind::Span(1, 86_400_000),
    help: Text("when the experiment is stopped, and it is shown who was blocked"),
};

/// The settings of a run without any `--set`.
#[must_use]
pub fn defaults(parameters: &[Parameter]) -> BTreeMap<String, String> {
    let all = parameters.iter().chain([&DEADLINE]);
    all.map(|parameter| (parameter.name.to_owned(), parameter.default.to_owned())).collect()
}

/// Changes a setting by a pair such as `silence=2s`.
pub fn set(
    experiment: &str,
    parameters: &[Parameter],
    settings: &mut BTreeMap<String, String>,
    pair: &str,
) -> Result<(), SetError> {
    let all = || parameters.iter().chain([&DEADLINE]);
    let (name, value) = pair.split_once('=').ok_or_else(|| {
        let first = parameters.first().unwrap_or(&DEADLINE);
        SetError::NotAPair(pair.to_owned(), format!("{}={}", first.name, first.default))
    })?;
    let parameter =
        all().find(|parameter| parameter.name == name).ok_or_else(|| SetError::Unknown {
            experiment: experiment.to_owned(),
            name: name.to_owned(),
            has: all()
                .map(|parameter| format!("`{}`", parameter.name))
                .collect::<Vec<_>>()
                .join(tr!(context "list", ", ")),
        })?;
    if parameter.kind.parse(value).is_none() {
        return Err(SetError::Misfit {
            name: parameter.name,
            value: value.to_owned(),
            takes: parameter.kind.takes(),
            default: parameter.default,
        });
    }
    settings.insert(name.to_owned(), value.to_owned());
    Ok(())
}

/// The value of a setting, if there is a parameter of that name and the value fits it.
#[must_use]
pub fn value(
    parameters: &[Parameter],
    settings: &BTreeMap<String, String>,
    name: &str,
) -> Option<Setting> {
    let parameter =
        parameters.iter().chain([&DEADLINE]).find(|parameter| parameter.name == name)?;
    parameter.kind.parse(settings.get(name).map_or(parameter.default, String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Parameter = Parameter {
        name: "silence",
        default: "200ms",
        kind: Kind::Span(1, 60_000),
        help: Text(""),
    };

    fn changed(pair: &str) -> Result<BTreeMap<String, String>, SetError> {
        let mut settings = defaults(&[SILENCE]);
        set("nobody-home", &[SILENCE], &mut settings, pair).map(|()| settings)
    }

    #[test]
    fn what_is_set_overrides_the_default() {
        assert_eq!(changed("silence=2s").map(|all| all["silence"].clone()), Ok("2s".to_owned()));
        assert_eq!(defaults(&[SILENCE])["silence"], "200ms");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        for bad in [
            "silence=0ms",
            "silence=-1s",
            "silence=5",
            "silence=9years",
            "silence=",
            "silence=2 parsecs",
        ] {
            let error = changed(bad).expect_err(bad).to_string();
            assert!(
                error.contains("a time from 1ms to 1m") && error.contains("silence=200ms"),
                "{error}"
            );
        }
        assert!(
            changed("loud=1")
                .expect_err("unknown")
                .to_string()
                .contains("it has `silence`, `deadline`")
        );
        assert!(
            changed("silence").expect_err("no pair").to_string().contains("--set silence=200ms")
        );
    }
}
