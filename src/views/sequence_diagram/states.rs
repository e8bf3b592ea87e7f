//! TCP states where no wire is shown: on loopback the kernel's word is all there is. What the experiment itself asked for is
//! told when it was said.

use super::builder::Builder;
use super::diagram::{Likeness, Shape, Step};
use super::wire::state_ink;
use crate::analysis::StateAnswer;
use crate::i18n::tr;

impl Builder<'_> {
    /// The steps of the states that the experiment asked for.
    pub(super) fn asked_states(&self) -> Vec<Step> {
        if self.analysis.wire.iter().any(|segment| segment.tcp().is_some()) {
            return Vec::new(); // these stand with the segments
        }
        self.analysis.state_answers.iter().filter_map(|answer| self.asked_state(answer)).collect()
    }

    fn asked_state(&self, answer: &StateAnswer) -> Option<Step> {
        let &lane = self.lane_of.get(&answer.actor)?;
        let (state, source) = (&answer.state, answer.source);
        // Two sources that do not agree are named.
        let shape = if answer.is_contradicted {
            let words = vec![tr!("{source} says {state}", source, state), state.clone()];
            Shape::Call { lane, words, ink: state_ink(state, false), joins: false }
        } else {
            Shape::State { lane, state: state.clone(), derived: false }
        };
        let likeness =
            Likeness::State { lane, state: state.clone(), source: Some(source.to_owned()) };
        Some(Step::new(answer.at_ns, shape, likeness))
    }
}
