//! The order in which a prediction's options are shown.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Prediction;

/// The seed for pages and for output that nobody answers, so that it is the same each time.
pub const NOBODYS_SEED: u64 = 0;

impl Prediction {
    /// The prediction with its options in an order drawn from a learner's seed and the experiment that answers it: the same
    /// each time it is asked, and in every language. Options with a natural order keep it.
    pub fn shuffled(&self, seed: u64) -> Prediction {
        let order = self.order(seed);
        let options = order.iter().map(|place| self.options[*place].clone()).collect();
        let right = order.iter().position(|place| *place == self.right).unwrap_or(self.right);
        Prediction { options, right, ..self.clone() }
    }

    /// The place of each option that is shown, in the lesson.
    pub fn order(&self, seed: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.options.len()).collect();
        if !self.in_order {
            order.sort_by_cached_key(|place| {
                let mut hasher = DefaultHasher::new();
                (seed, self.answered_by, place).hash(&mut hasher);
                hasher.finish()
            });
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn prediction(in_order: bool, answered_by: &'static str) -> Prediction {
        let options = ["one", "two", "three", "four"].map(str::to_owned).to_vec();
        let question = "How many?".to_owned();
        Prediction { line: 1, question, options, right: 2, in_order, answered_by }
    }

    #[test]
    fn every_option_is_there_once_and_the_right_one_stays_right() {
        let asked = prediction(false, "many-on-one-port");
        let mut orders = BTreeSet::new();
        let mut places = BTreeSet::new();
        for seed in 0..200 {
            let shown = asked.shuffled(seed);
            assert_eq!(shown.options[shown.right], "three");
            let mut sorted = shown.options.clone();
            sorted.sort_by_key(|option| asked.options.iter().position(|other| other == option));
            assert_eq!(sorted, asked.options);
            assert_eq!(shown.options, asked.shuffled(seed).options);
            places.insert(shown.right);
            orders.insert(shown.options);
        }
        assert_eq!(places.len(), 4, "the right one is found at every letter");
        assert!(orders.len() > 12, "of 24 orders 200 learners see {}", orders.len());
        let rights = |name| {
            let asked = prediction(false, name);
            (0..50).map(|seed| asked.shuffled(seed).right).collect::<Vec<_>>()
        };
        assert_ne!(rights("nobody-home"), rights("lost-syn"), "a question has an order of its own");
    }

    #[test]
    fn a_natural_order_is_kept() {
        let asked = prediction(true, "many-on-one-port");
        for seed in 0..50 {
            let shown = asked.shuffled(seed);
            assert_eq!((&shown.options, shown.right), (&asked.options, 2));
        }
    }
}
