//! Axes: where a value stands, and which values are marked.

use unicode_width::UnicodeWidthStr;

use super::{Canvas, Ink};

/// An axis of time along so many columns from `column` on. It is linear, but for what is cut.
#[derive(Clone, Debug)]
pub struct TimeAxis {
    /// The moment at its first column.
    pub from_ns: u64,
    /// The moment at its last column.
    pub to_ns: u64,
    /// Its first column.
    pub column: usize,
    /// How many columns it has.
    pub columns: usize,
    /// What it consists of, in order; more than one where something is cut.
    stretches: Vec<Stretch>,
}

/// A linear part of an axis of time.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// The moment at its first column.
    pub from_ns: u64,
    /// When it ends.
    pub to_ns: u64,
    /// Its first column.
    pub column: usize,
    /// How many columns it has.
    pub columns: usize,
    /// True if it is shorter than its time.
    pub is_cut: bool,
}

impl Stretch {
    fn span_ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }
}

impl TimeAxis {
    /// From a moment to a moment.
    #[must_use]
    pub fn new(from_ns: u64, to_ns: u64, column: usize, columns: usize) -> TimeAxis {
        let whole = Stretch { from_ns, to_ns, column, columns, is_cut: false };
        TimeAxis { from_ns, to_ns, column, columns, stretches: vec![whole] }
    }

    /// The same with these times, which are in order, cut to so many columns each.
    #[must_use]
    pub fn cutting(mut self, cuts: &[(u64, u64)], columns: usize) -> TimeAxis {
        let cut_ns: u64 = cuts.iter().map(|(from, to)| to - from).sum();
        let rest_ns = self.span_ns().saturating_sub(cut_ns).max(1);
        let rest_columns = self.columns.saturating_sub(cuts.len() * columns);
        let mut stretches = Vec::new();
        let (mut at_ns, mut column) = (self.from_ns, self.column);
        let ends = cuts.iter().map(|cut| (*cut, true)).chain([((self.to_ns, self.to_ns), false)]);
        for ((from_ns, to_ns), is_cut) in ends {
            let share = u128::from(from_ns - at_ns) * rest_columns as u128 / u128::from(rest_ns);
            let share = if is_cut {
                usize::try_from(share).unwrap_or(0)
            } else {
                (self.column + self.columns).saturating_sub(column)
            };
            if share > 0 {
                let to_ns = from_ns;
                stretches.push(Stretch {
                    from_ns: at_ns,
                    to_ns,
                    column,
                    columns: share,
                    is_cut: false,
                });
            }
            column += share;
            if is_cut {
                stretches.push(Stretch { from_ns, to_ns, column, columns, is_cut });
                column += columns;
            }
            at_ns = to_ns;
        }
        self.stretches = stretches;
        self
    }

    /// What is cut.
    pub fn cuts(&self) -> impl Iterator<Item = &Stretch> {
        self.stretches.iter().filter(|stretch| stretch.is_cut)
    }

    /// From its beginning to its end, in nanoseconds.
    #[must_use]
    pub fn span_ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }

    /// Over how many columns a stretch's time goes: the last ends at its last column.
    fn steps_of(&self, stretch: &Stretch) -> usize {
        let is_last = stretch.column + stretch.columns >= self.column + self.columns;
        if is_last { stretch.columns.max(1) - 1 } else { stretch.columns }
    }

    /// The column of a moment; what lies outside is at the nearer end.
    #[must_use]
    pub fn column_of(&self, at_ns: u64) -> usize {
        let at = self.stretches.partition_point(|stretch| stretch.from_ns <= at_ns);
        let Some(stretch) = self.stretches.get(at.saturating_sub(1)) else { return self.column };
        let since = u128::from(at_ns.saturating_sub(stretch.from_ns).min(stretch.span_ns()));
        let along = since * self.steps_of(stretch) as u128 / u128::from(stretch.span_ns().max(1));
        stretch.column + usize::try_from(along).unwrap_or(0)
    }

    /// The moment at which a column begins.
    #[must_use]
    pub fn moment(&self, column: usize) -> u64 {
        let at = self.stretches.partition_point(|stretch| stretch.column <= column);
        let Some(stretch) = self.stretches.get(at.saturating_sub(1)) else { return self.from_ns };
        let along = u128::from(stretch.span_ns()) * column.saturating_sub(stretch.column) as u128
            / self.steps_of(stretch).max(1) as u128;
        stretch.from_ns.saturating_add(u64::try_from(along).unwrap_or(u64::MAX))
    }

    /// The times since `zero_ns` that are marked, in at most so many steps of 1, 2 or 5 times a power of ten; fewer where something
    /// is cut.
    pub fn ticks(&self, steps: usize, zero_ns: u64) -> impl Iterator<Item = u64> + use<> {
        let columns = self.columns.max(1);
        let linear = self.stretches.clone().into_iter().filter(|stretch| !stretch.is_cut);
        linear.flat_map(move |stretch| {
            let step = round_step(stretch.span_ns(), (steps * stretch.columns / columns).max(1));
            let since = |at_ns: u64| at_ns.saturating_sub(zero_ns);
            let (from, to) = (since(stretch.from_ns), since(stretch.to_ns));
            (from.div_ceil(step)..=to / step).map(move |tick| tick * step)
        })
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
            let axis = TimeAxis::new(0, span, 3, 70);
            assert!((1..=8).contains(&axis.ticks(7, 0).count()), "{span}");
            assert_eq!((axis.column_of(0), axis.column_of(u64::MAX)), (3, 72));
        }
    }

    #[test]
    fn what_is_cut_has_few_columns_and_the_rest_shares_the_others() {
        // A second of 11 is left: half before the cut, half after it.
        let axis = TimeAxis::new(0, 11_000, 10, 60).cutting(&[(500, 10_500)], 20);
        let places = [0, 250, 500, 5_500, 10_500, 11_000].map(|at_ns| axis.column_of(at_ns));
        assert_eq!(places, [10, 20, 30, 40, 50, 69]);
        assert_eq!(
            [10, 20, 30, 40, 50, 69].map(|at| axis.moment(at)),
            [0, 250, 500, 5_500, 10_500, 11_000]
        );
        assert_eq!(axis.ticks(6, 0).collect::<Vec<_>>(), [0, 500, 10_500, 11_000]);
        // Cut at its very beginning and end.
        let axis = TimeAxis::new(0, 1_000, 0, 30).cutting(&[(0, 400), (600, 1_000)], 10);
        assert_eq!(
            [0, 400, 500, 600, 1_000].map(|at_ns| axis.column_of(at_ns)),
            [0, 10, 15, 20, 29]
        );
    }
}
