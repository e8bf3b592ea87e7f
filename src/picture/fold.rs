//! Repetition: the same items again and again, which a view shows once.

use std::cmp::Reverse;

/// A stretch of a sequence: `period` items from `start` on, repeated so many `times`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// Its first item.
    pub start: usize,
    /// How many items are repeated together.
    pub period: usize,
    /// How often they stand there; 1 where nothing is repeated.
    pub times: usize,
}

/// Fewer repetitions than these are shown as they are.
const WORTH_FOLDING: usize = 4;

/// The sequence from its first to its last item, in stretches that repeat up to `longest` items and in single items.
pub fn repetitions<T>(
    items: &[T],
    longest: usize,
    alike: impl Fn(&T, &T) -> bool,
) -> Vec<Repetition> {
    let mut all = Vec::new();
    let mut start = 0;
    while start < items.len() {
        let times = |period: usize| {
            let (first, again) = (&items[start..], items.get(start + period..).unwrap_or(&[]));
            1 + first.iter().zip(again).take_while(|(one, other)| alike(one, other)).count()
                / period
        };
        // The stretch that covers most; of equal ones that with the shortest period.
        let (period, times) = (1..=longest)
            .map(|period| (period, times(period)))
            .filter(|(_, times)| *times >= WORTH_FOLDING)
            .max_by_key(|(period, times)| (period * times, Reverse(*period)))
            .unwrap_or((1, 1));
        all.push(Repetition { start, period, times });
        start += period * times;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_period_is_found_and_what_is_single_stays() {
        let found = repetitions(b"xababababyzzz", 4, |one, other| one == other);
        let found: Vec<_> = found.iter().map(|one| (one.start, one.period, one.times)).collect();
        assert_eq!(found, [(0, 1, 1), (1, 2, 4), (9, 1, 1), (10, 1, 1), (11, 1, 1), (12, 1, 1)]);
    }
}
