//! Time spans in few digits.

/// A time span in about three digits: `340 ns`, `52 µs`, `1.2 ms`, `200 ms`, `1.50 s`.
#[must_use]
pub fn span_of(nanoseconds: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // three digits are shown
    let value = nanoseconds as f64;
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..10_000 => format!("{:.1} µs", value / 1e3),
        10_000..1_000_000 => format!("{:.0} µs", value / 1e3),
        1_000_000..100_000_000 => format!("{:.1} ms", value / 1e6),
        100_000_000..1_000_000_000 => format!("{:.0} ms", value / 1e6),
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
