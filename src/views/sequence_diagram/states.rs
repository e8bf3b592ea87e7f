//! The TCP states that the experiment itself asked for, each where it was asked.

use super::builder::Builder;
use super::diagram::{KnownBy, Likeness, Shape, Step};
use super::wire::state_ink;
use crate::analysis::StateAnswer;
use crate::i18n::tr;

impl Builder<'_> {
    /// The steps of the states that the experiment asked for.
    pub(super) fn asked_states(&self) -> Vec<Step> {
        self.analysis.state_answers.iter().filter_map(|answer| self.asked_state(answer)).collect()
    }

    fn asked_state(&self, answer: &StateAnswer) -> Option<Step> {
        let &lane = self.lane_of.get(&answer.actor)?;
        let (state, source) = (&answer.state, answer.source);
        // Two sources that do not agree are named.
        let shape = if answer.is_contradicted {
            let words = vec![tr!("asked {source}: {state}", source, state), state.clone()];
            Shape::Call { lane, words, ink: state_ink(state, KnownBy::Asking), joins: false }
        } else {
            Shape::State { lane, state: state.clone(), known_by: KnownBy::Asking }
        };
        let likeness =
            Likeness::State { lane, state: state.clone(), source: Some(source.to_owned()) };
        Some(Step::new(answer.at_ns, shape, likeness))
    }
}
