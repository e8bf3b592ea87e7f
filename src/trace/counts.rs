//! Numbers of claims by verdict.

use std::ops::AddAssign;

use super::Verdict;

/// Numbers of claims by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Confirmed by the run.
    pub held: usize,
    /// Refuted by the run.
    pub broken: usize,
    /// Could not be checked here.
    pub not_checked: usize,
}

impl Counts {
    /// Counts one more claim.
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
