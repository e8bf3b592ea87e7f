//! When the next program is started: when the one before listens (`returns`), has ended (`threads`), or has nothing more to start.

/// A program that has made no call for so long, and slept, has nothing more to start, in nanoseconds.
const QUIET_NS: u64 = 500_000_000;
/// Neither has one that called another, or waited for somebody, so long ago: it may poll in a loop and never be quiet.
const IN_TOUCH_NS: u64 = 1_000_000_000;

/// Nor is one waited for that still runs so long after its start: it computes, and does not load its parts.
const LOADING_NS: u64 = 5_000_000_000;

/// What the program before the next one does, for as long as that waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before {
    started_ns: u64,
    last_call_ns: u64,
    in_touch_ns: Option<u64>,
}

impl Before {
    /// It is started.
    pub fn started(at_ns: u64) -> Before {
        Before { started_ns: at_ns, last_call_ns: at_ns, in_touch_ns: None }
    }

    /// One of its threads does something.
    pub fn called(&mut self, at_ns: u64) {
        self.last_call_ns = at_ns;
    }

    /// One of its threads runs, or waits for a processor.
    pub fn runs(&mut self, at_ns: u64) {
        if at_ns < self.started_ns + LOADING_NS {
            self.called(at_ns);
        }
    }

    /// It calls another, or waits for somebody.
    pub fn gets_in_touch(&mut self, at_ns: u64) {
        self.in_touch_ns.get_or_insert(at_ns);
    }

    /// When the next one is started if nothing else happens.
    pub fn until_ns(&self) -> u64 {
        let quiet_ns = self.last_call_ns + QUIET_NS;
        self.in_touch_ns.map_or(quiet_ns, |at_ns| quiet_ns.min(at_ns + IN_TOUCH_NS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_next_program_waits_for_no_more_than_a_quiet_while() {
        let mut before = Before::started(20 * MS);
        assert_eq!(before.until_ns(), 520 * MS);
        before.called(300 * MS);
        assert_eq!(before.until_ns(), 800 * MS);
    }

    #[test]
    fn a_program_that_loads_for_long_is_waited_for_and_one_that_computes_is_not() {
        let mut before = Before::started(0);
        for at_ns in (0..60_000 * MS).step_by(10_000_000) {
            before.runs(at_ns);
        }
        assert_eq!(before.until_ns(), LOADING_NS - 10 * MS + QUIET_NS);
    }

    #[test]
    fn a_program_that_polls_in_a_loop_is_not_waited_for() {
        let mut before = Before::started(0);
        for at_ns in (50 * MS..2_000 * MS).step_by(50_000_000) {
            before.called(at_ns);
            before.gets_in_touch(at_ns);
        }
        assert_eq!(before.until_ns(), 1_050 * MS);
    }
}
