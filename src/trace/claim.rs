//! A claim, and the comparisons that bear it out or refute it.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Label, Lack, Value};

/// A sentence of the lesson, and whether the kernel bore it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name; the sentence stands in the lesson.
    pub claim: Cow<'static, str>,
    /// What came of it.
    pub verdict: Verdict,
    /// What was compared with what; every row must hold for the claim to hold.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<Evidence>,
    /// Why it was not checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Lack>,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The kernel bore it out, a moment ago, on this machine.
    Held,
    /// The kernel did otherwise. The kernel is right.
    Broken,
    /// It could not be checked here; `why` says what was missing.
    NotChecked,
}

/// One comparison: `server.peer = client.local`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was looked at: `server.peer`.
    pub what: Label,
    /// What was seen.
    pub saw: Value,
    /// How it is compared.
    pub relation: Relation,
    /// What it is compared with.
    pub with: Value,
    /// What that is, where it was also looked at: `client.local`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub with_what: Option<Label>,
    /// The unit of both numbers: `ns`, `bytes`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<Cow<'static, str>>,
    /// Nanoseconds that count as seen too, where a time fell short by the monotonic clock: how far the kernel's clock of
    /// ticks, which counted it, was behind when it began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lag_ns: Option<u64>,
    /// Whether the comparison came out so.
    pub held: bool,
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
