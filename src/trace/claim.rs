//! A claim, and the comparisons that confirm or refute it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Label, Lack, Value, bounded};

/// A sentence of the lesson, and whether the run confirmed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name; the sentence is in the lesson.
    pub claim: Cow<'static, str>,
    /// The result.
    pub verdict: Verdict,
    /// The comparisons, all of which must hold for the claim to hold.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<Evidence>,
    /// Why it was not checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Lack>,
}

/// The result of checking a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The run confirmed it.
    Held,
    /// The run refuted it: the kernel did something else.
    Broken,
    /// It could not be checked here; `why` says what was missing.
    NotChecked,
}

/// One comparison: `server.peer = client.local`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was observed: `server.peer`.
    pub what: Label,
    /// The observed value.
    pub saw: Value,
    /// How it is compared.
    pub relation: Relation,
    /// The value it is compared with.
    pub with: Value,
    /// The name of that, where it was observed too: `client.local`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub with_what: Option<Label>,
    /// The unit of both numbers: `ns`, `bytes`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<Cow<'static, str>>,
    /// Nanoseconds that are added to an observed time that fell short: how far the kernel's clock of ticks, by which it
    /// counted the time, was behind the monotonic clock at the beginning.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "bounded::number"
    )]
    pub lag_ns: Option<u64>,
    /// Whether the comparison is true.
    pub held: bool,
    /// What was expected, and what was seen instead, in a sentence: of some that do not hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub explanation: Option<Label>,
}

/// How evidence is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Different.
    #[serde(rename = "≠")]
    Different,
    /// At least.
    #[serde(rename = "≥")]
    AtLeast,
    /// Less than.
    #[serde(rename = "<")]
    Less,
    /// Happened before (both are times of the run).
    #[serde(rename = "before")]
    Before,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Relation::Equal => "=",
            Relation::Different => "≠",
            Relation::AtLeast => "≥",
            Relation::Less => "<",
            Relation::Before => "before",
        })
    }
}
