//! Axes: where a value stands, and which values are marked.

use unicode_width::UnicodeWidthStr;

use super::{Canvas, Ink};

/// A linear axis of time along so many columns from `column` on.
#[derive(Clone, Copy, Debug)]
pub struct TimeAxis {
    /// The moment at its first column.
    pub from_ns: u64,
    /// The moment at its last column.
    pub to_ns: u64,
    /// Its first column.
    pub column: usize,
    /// How many columns it has.
    pub columns: usize,
}

impl TimeAxis {
    /// From its beginning to its end, in nanoseconds.
    #[must_use]
    pub fn span_ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }

    /// The column of a moment; what lies outside is at the nearer end.
    #[must_use]
    pub fn column_of(&self, at_ns: u64) -> usize {
        let since = u128::from(at_ns.saturating_sub(self.from_ns).min(self.span_ns()));
        let along = since * (self.columns.max(1) - 1) as u128 / u128::from(self.span_ns().max(1));
        self.column + usize::try_from(along).unwrap_or(0)
    }

    /// The moment at which a column begins.
    #[must_use]
    pub fn moment(&self, column: usize) -> u64 {
        let along = u128::from(self.span_ns()) * (column - self.column) as u128
            / (self.columns.max(2) as u128 - 1);
        self.from_ns + u64::try_from(along).unwrap_or(u64::MAX)
    }

    /// The times since its beginning that are marked, in at most so many steps of 1, 2 or 5 times a power of ten.
    pub fn ticks(&self, steps: usize) -> impl Iterator<Item = u64> + use<> {
        let step = round_step(self.span_ns(), steps);
        (0..=self.span_ns() / step).map(move |tick| tick * step)
    }
}

/// The least of 1, 2 or 5 times a power of ten that goes into the span no more often than so many times.
#[must_use]
pub fn round_step(span: u64, times: usize) -> u64 {
    let least = span.div_ceil(times.max(1) as u64).max(1);
    let decade = 10_u64.pow(least.ilog10());
    let round = [1, 2, 5, 10].into_iter().filter_map(|factor| decade.checked_mul(factor));
    round.into_iter().find(|step| *step >= least).unwrap_or(least)
}

/// A logarithmic axis over so many cells.
#[derive(Clone, Copy, Debug)]
pub struct LogAxis {
    low: u64,
    high: u64,
    cells: usize,
}

impl LogAxis {
    /// One that ends where these values end. Zero has no place on it, and stands at its beginning.
    pub fn of(values: impl Iterator<Item = u64> + Clone, cells: usize) -> LogAxis {
        let low = values.clone().map(|value| value.max(1)).min().unwrap_or(1);
        let high = values.max().unwrap_or(1).max(low + 1);
        LogAxis { low, high, cells }
    }

    /// The same, from a round value to a round value: 1, 2 or 5 times a power of ten.
    #[must_use]
    pub fn rounded(self) -> LogAxis {
        let low = round_values().take_while(|round| *round <= self.low).last().unwrap_or(self.low);
        let high = round_values().find(|round| *round >= self.high).unwrap_or(self.high);
        LogAxis { low, high, cells: self.cells }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place among few cells
    /// The cell of a value.
    #[must_use]
    pub fn place(&self, value: u64) -> usize {
        let log = |value: u64| (value.max(1) as f64).log10();
        let along = (log(value) - log(self.low)) / (log(self.high) - log(self.low));
        (along.clamp(0.0, 1.0) * (self.cells.max(1) - 1) as f64).round() as usize
    }

    /// The round values on it; where these are many, the powers of ten.
    pub fn ticks(&self) -> impl Iterator<Item = u64> + use<> {
        let LogAxis { low, high, cells } = *self;
        let many = high.ilog10() - low.ilog10() >= 3 || cells < 10;
        round_values()
            .skip_while(move |tick| *tick < low)
            .take_while(move |tick| *tick <= high)
            .filter(move |tick| !many || 10_u64.pow(tick.ilog10()) == *tick)
    }
}

/// 1, 2 and 5 times each power of ten.
fn round_values() -> impl Iterator<Item = u64> {
    (0..=19).flat_map(|power| {
        [1, 2, 5].into_iter().filter_map(move |part| 10_u64.pow(power).checked_mul(part))
    })
}

/// Marks ticks on a row, and writes their words below it where they have room.
pub fn write_ticks(
    canvas: &mut Canvas,
    row: usize,
    end: usize,
    ticks: impl Iterator<Item = (usize, String)>,
) {
    let mut free = 0;
    for (column, words) in ticks {
        canvas.put(row, column, '┬', Ink::Faint);
        let from = column.min(end.saturating_sub(words.width()));
        if from >= free {
            free = canvas.write(row + 1, from, end, &words, Ink::Faint) + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_not_more_than_there_is_room_for() {
        assert_eq!(
            [0, 7, 10, 11, 999, 5_001].map(|span| round_step(span, 5)),
            [1, 2, 2, 5, 200, 2_000]
        );
        assert_eq!(round_step(u64::MAX, 1), u64::MAX);
        for span in [1, 19, 250, 123_456_789, u64::MAX] {
            let axis = TimeAxis { from_ns: 0, to_ns: span, column: 3, columns: 70 };
            assert!((1..=8).contains(&axis.ticks(7).count()), "{span}");
            assert_eq!((axis.column_of(0), axis.column_of(u64::MAX)), (3, 72));
        }
    }
}
