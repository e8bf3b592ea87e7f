//! Time spans in few digits.

/// A time span in about three digits: `340 ns`, `52 µs`, `1.2 ms`, `200 ms`, `1.50 s`.
#[must_use]
pub fn span_of(nanoseconds: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // three digits are shown
    let value = nanoseconds as f64;
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        // What is rounded up to the next power of ten has the digits of that.
        1_000..9_950 => format!("{:.1} µs", value / 1e3),
        9_950..999_500 => format!("{:.0} µs", value / 1e3),
        999_500..99_950_000 => format!("{:.1} ms", value / 1e6),
        99_950_000..999_500_000 => format!("{:.0} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

/// A round time without digits that say nothing, in the unit that suits `largest`: `200 ms`, `1.5 s`, `0`.
#[must_use]
pub fn exact_span(nanoseconds: u64, largest: u64) -> String {
    let (unit, name) = match largest {
        0..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, thousandths) = (nanoseconds / unit, nanoseconds % unit * 1000 / unit);
    match (nanoseconds, thousandths) {
        (0, _) => "0".to_owned(),
        (_, 0) => format!("{whole} {name}"),
        _ => format!("{whole}{} {name}", format!(".{thousandths:03}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_shown_also_where_they_are_rounded_up() {
        for (ns, text) in [
            (999, "999 ns"),
            (9_949, "9.9 µs"),
            (9_950, "10 µs"),
            (999_499, "999 µs"),
            (999_500, "1.0 ms"),
            (99_949_000, "99.9 ms"),
            (99_950_000, "100 ms"),
            (999_499_999, "999 ms"),
            (999_500_000, "1.00 s"),
        ] {
            assert_eq!(span_of(ns), text);
        }
    }
}
