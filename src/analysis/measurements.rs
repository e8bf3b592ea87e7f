//! What an experiment measured, counted and plotted.

use super::Analysis;
use crate::trace::{EventKind, Label};

/// What was measured in one series, label by label, in the order in which the labels came.
#[derive(Clone, Debug)]
pub struct Measurements<'r> {
    /// What was measured.
    pub series: &'r Label,
    /// Of what, and all values, in nanoseconds, the least first.
    pub values_ns: Vec<(&'r Label, Vec<u64>)>,
}

/// The points of one plot, series by series, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Plot<'r> {
    /// Its name.
    pub name: &'r Label,
    /// What is along its bottom.
    pub against: &'r Label,
    /// The unit of what is measured.
    pub unit: &'r str,
    /// Each series: how far along the bottom, and how high.
    pub series: Vec<(&'r Label, Vec<(u64, u64)>)>,
}

impl Analysis<'_> {
    pub(super) fn find_measurements(&mut self) {
        for event in self.recording.events() {
            match &event.what {
                EventKind::Measure { series, label, value_ns } => {
                    let all = &mut self.measurements;
                    let at = all.iter().position(|known| known.series == series);
                    let at = at.unwrap_or_else(|| {
                        all.push(Measurements { series, values_ns: Vec::new() });
                        all.len() - 1
                    });
                    under(&mut all[at].values_ns, label).push(*value_ns);
                }
                EventKind::Point { plot, series, against, x, y, unit } => {
                    let all = &mut self.plots;
                    let at = all.iter().position(|known| known.name == plot);
                    let at = at.unwrap_or_else(|| {
                        all.push(Plot { name: plot, against, unit, series: Vec::new() });
                        all.len() - 1
                    });
                    under(&mut all[at].series, series).push((*x, *y));
                }
                _ => {}
            }
        }
        for (_, values) in self.measurements.iter_mut().flat_map(|all| &mut all.values_ns) {
            values.sort_unstable();
        }
    }
}

/// The value that at least so many of 100 do not exceed. The values are sorted.
pub fn percentile(values: &[u64], of: usize) -> u64 {
    values.get((values.len() * of).div_ceil(100).max(1) - 1).copied().unwrap_or(0)
}

/// What stands under this name; something new is put at the end.
fn under<'a, 'r, T>(all: &'a mut Vec<(&'r Label, Vec<T>)>, name: &'r Label) -> &'a mut Vec<T> {
    let at = all.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        all.push((name, Vec::new()));
        all.len() - 1
    });
    &mut all[at].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!(percentile(&[7], 99), 7);
        assert_eq!(percentile(&[1, 2, 3, 4], 50), 2);
        let many: Vec<u64> = (1..=200).collect();
        assert_eq!((percentile(&many, 50), percentile(&many, 99)), (100, 198));
    }
}
