//! How many claims came out how.

use std::ops::AddAssign;

use super::Verdict;

/// How many claims came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The kernel bore them out.
    pub held: usize,
    /// The kernel did otherwise.
    pub broken: usize,
    /// They could not be checked here.
    pub not_checked: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Held => &mut self.held,
            Verdict::Broken => &mut self.broken,
            Verdict::NotChecked => &mut self.not_checked,
        } += 1;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.held += other.held;
        self.broken += other.broken;
        self.not_checked += other.not_checked;
    }
}
