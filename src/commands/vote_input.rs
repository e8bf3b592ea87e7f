//! Parses votes on a prediction: one learner's letter, or a class's show of hands for each option.

use thiserror::Error;

use crate::i18n::tr;
use crate::text::half_width;

/// How many hands an option may have at most.
const MAX_HANDS: u32 = 9_999;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vote {
    Skipped,
    /// One learner's choice: the option's index.
    One(usize),
    /// A class's show of hands for each option.
    Hands(Vec<u32>),
}

/// Why the input is not a vote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VoteError {
    /// Not a letter of an option.
    #[error("{}", tr!("Please choose one of the letters above."))]
    NoOption,
    /// Numbers, but not one for each option.
    #[error("{}", tr!(
        "{given} typed for {options} options: type the raised hands for each (a5 b12), or one letter.",
        options,
        given
    ))]
    WrongCount { options: usize, given: usize },
    /// Some numbers have a letter, others do not.
    #[error("{}", tr!("Type either a letter before each number (a5 b12 c3) or before none (5 12 3)."))]
    Mixed,
    /// A number with a letter of no option.
    #[error("{}", tr!("There is no option `{letter}`.", letter = .0))]
    NoSuchOption(char),
    /// The same letter twice.
    #[error("{}", tr!("`{letter}` appears twice.", letter = .0))]
    Twice(char),
    /// A letter without a number.
    #[error("{}", tr!("There is no number after `{letter}`.", letter = .0))]
    NoNumber(char),
    /// An unexpected character.
    #[error("{}", tr!("`{what}` does not belong there: type 5 12 3, or a5 b12 c3.", what = .0))]
    Strange(char),
    /// More than [`MAX_HANDS`].
    #[error("{}", tr!("At most {most} hands can be counted.", most = MAX_HANDS))]
    TooMany,
}

impl Vote {
    /// Parses a vote on this many options: `b`; `a5 b12 c3` (an option left out has no hands); `5 12 3`.
    pub fn parse(typed: &str, options: usize) -> Result<Vote, VoteError> {
        let typed: String = typed.chars().map(half_width).flat_map(char::to_lowercase).collect();
        let typed = typed.trim().trim_end_matches(')');
        let index = |letter: char| ('a'..).take(options).position(|one| one == letter);
        let mut all = typed.chars();
        match (all.next(), all.next()) {
            (None, _) => return Ok(Vote::Skipped),
            (Some(letter), None) if !letter.is_ascii_digit() => {
                return index(letter).map(Vote::One).ok_or(VoteError::NoOption);
            }
            _ if !typed.contains(|c: char| c.is_ascii_digit()) => return Err(VoteError::NoOption),
            _ => {}
        }
        let counts = parse_counts(typed)?;
        let lettered = counts.iter().filter(|(letter, _)| letter.is_some()).count();
        if lettered == 0 {
            let hands: Vec<u32> = counts.iter().map(|(_, hands)| *hands).collect();
            return if hands.len() == options {
                Ok(Vote::Hands(hands))
            } else {
                Err(VoteError::WrongCount { options, given: hands.len() })
            };
        }
        if lettered < counts.len() {
            return Err(VoteError::Mixed);
        }
        let mut hands = vec![None; options];
        for (letter, count) in
            counts.into_iter().filter_map(|(letter, count)| Some((letter?, count)))
        {
            let index = index(letter).ok_or(VoteError::NoSuchOption(letter))?;
            if hands[index].replace(count).is_some() {
                return Err(VoteError::Twice(letter));
            }
        }
        Ok(Vote::Hands(hands.into_iter().map(Option::unwrap_or_default).collect()))
    }
}

/// Each number, with the letter before it.
fn parse_counts(typed: &str) -> Result<Vec<(Option<char>, u32)>, VoteError> {
    let (mut counts, mut letter) = (Vec::new(), None);
    let mut rest = typed;
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            let count = rest[..digits].parse().ok().filter(|count| *count <= MAX_HANDS);
            counts.push((letter.take(), count.ok_or(VoteError::TooMany)?));
            rest = &rest[digits..];
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            _ if first.is_alphabetic() => {
                if let Some(before) = letter.replace(first) {
                    return Err(VoteError::NoNumber(before));
                }
            }
            ' ' | '\t' | ',' | ';' | '/' | ':' | '=' | ')' | '、' => {}
            _ => return Err(VoteError::Strange(first)),
        }
    }
    letter.map_or(Ok(counts), |letter| Err(VoteError::NoNumber(letter)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_letter_is_one_learners_and_numbers_are_a_rooms() {
        for (typed, guess) in [
            ("", Vote::Skipped),
            ("  ", Vote::Skipped),
            ("b", Vote::One(1)),
            ("B)", Vote::One(1)),
            ("Ｃ", Vote::One(2)),
            ("5 12 3", Vote::Hands(vec![5, 12, 3])),
            ("5,12,3", Vote::Hands(vec![5, 12, 3])),
            ("５、１２、３", Vote::Hands(vec![5, 12, 3])),
            ("a5 b12 c3", Vote::Hands(vec![5, 12, 3])),
            ("c 3, a: 5", Vote::Hands(vec![5, 0, 3])),
            ("a5b12", Vote::Hands(vec![5, 12, 0])),
            ("0 0 0", Vote::Hands(vec![0, 0, 0])),
        ] {
            assert_eq!(Vote::parse(typed, 3), Ok(guess), "{typed}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (typed, says) in [
            ("d", "one of the letters"),
            ("hello", "one of the letters"),
            ("5 12", "2 typed for 3 options"),
            ("7", "1 typed for 3 options"),
            ("1 2 3 4", "4 typed for 3 options"),
            ("a5 12 c3", "either"),
            ("a5 d1", "`d`"),
            ("a5 a6", "twice"),
            ("a5 b", "after `b`"),
            ("a b5", "after `a`"),
            ("a-5", "`-`"),
            ("99999 1 1", "9999"),
            ("99999999999999999999 1 1", "9999"),
        ] {
            let error = Vote::parse(typed, 3).expect_err(typed).to_string();
            assert!(error.contains(says), "{typed}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_tally_is_read_as_it_was_written(hands in prop::collection::vec(0_u32..=MAX_HANDS, 2..8), letters: bool, by in "[ ,]{1,3}") {
            let written = hands.iter().zip('a'..).map(|(count, letter)| if letters { format!("{letter}{count}") } else { count.to_string() });
            let written = written.collect::<Vec<_>>().join(&by);
            prop_assert_eq!(Vote::parse(&written, hands.len()), Ok(Vote::Hands(hands)));
        }

        #[test]
        fn whatever_is_typed_has_an_answer(typed in "\\PC*", options in 1_usize..27) {
            match Vote::parse(&typed, options) {
                Ok(Vote::One(place)) => prop_assert!(place < options),
                Ok(Vote::Hands(hands)) => prop_assert_eq!(hands.len(), options),
                Ok(Vote::Skipped) => prop_assert!(typed.trim().is_empty() || typed.chars().all(|c| c.is_whitespace() || ")）".contains(c))),
                Err(why) => prop_assert!(!why.to_string().is_empty()),
            }
        }
    }
}
