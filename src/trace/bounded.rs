//! Times and counts as a recording may have them: at most 2^53 - 1, which is 104 days in nanoseconds, and the greatest integer on which
//! readers of JSON agree exactly (RFC 8259, section 6). Sums of a few of them cannot overflow.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

const MOST: u64 = (1 << 53) - 1;

/// Deserializes a `u64` or an `Option<u64>`, and refuses what is greater: for `#[serde(deserialize_with)]`.
pub fn number<'de, D, N>(from: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de> + Into<Option<u64>> + Copy,
{
    let number = N::deserialize(from)?;
    match number.into() {
        Some(value) if value > MOST => {
            Err(D::Error::custom(format_args!("{value} is greater than {MOST}")))
        }
        _ => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use crate::trace::recording::parse_line;

    #[test]
    fn a_time_that_sums_could_overflow_is_refused() {
        let event = |at_ns: u64| {
            let fields = r#""actor":"a","process":1,"thread":1,"event":"delivered","frame":1"#;
            parse_line(format!("{{\"at_ns\":{at_ns},{fields}}}").as_bytes()).is_ok()
        };
        assert!(event(super::MOST) && !event(super::MOST + 1));
    }
}
