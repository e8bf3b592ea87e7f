//! What is typed at a prediction: one learner's letter, or how many hands a room raised for each option.

use crate::words;

/// No room has more hands.
const MOST: u32 = 9_999;

/// A prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guess {
    /// None.
    Skipped,
    /// One learner's: the option's place.
    One(usize),
    /// A room's: the hands for each option.
    Hands(Vec<u32>),
}

impl Guess {
    /// Understands what was typed for so many options: `b`; `a5 b12 c3` (an option left out has no hands); `5 12 3`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(typed: &str, options: usize) -> Result<Guess, String> {
        let typed: String = typed.chars().map(narrow).flat_map(char::to_lowercase).collect();
        let typed = typed.trim().trim_end_matches(')');
        let place = |letter: char| ('a'..).take(options).position(|one| one == letter);
        let mut all = typed.chars();
        match (all.next(), all.next()) {
            (None, _) => return Ok(Guess::Skipped),
            (Some(letter), None) if !letter.is_ascii_digit() => {
                return place(letter)
                    .map(Guess::One)
                    .ok_or_else(|| words::no_such_option().to_owned());
            }
            _ if !typed.contains(|c: char| c.is_ascii_digit()) => {
                return Err(words::no_such_option().to_owned());
            }
            _ => {}
        }
        let pieces = pieces(typed)?;
        let lettered = pieces.iter().filter(|(letter, _)| letter.is_some()).count();
        if lettered == 0 {
            let hands: Vec<u32> = pieces.iter().map(|(_, hands)| *hands).collect();
            return if hands.len() == options {
                Ok(Guess::Hands(hands))
            } else {
                Err(words::tally_numbers(hands.len(), options))
            };
        }
        if lettered < pieces.len() {
            return Err(words::tally_mixed().to_owned());
        }
        let mut hands = vec![None; options];
        for (letter, count) in
            pieces.into_iter().filter_map(|(letter, count)| Some((letter?, count)))
        {
            let place = place(letter).ok_or_else(|| words::tally_letter(letter))?;
            if hands[place].replace(count).is_some() {
                return Err(words::tally_twice(letter));
            }
        }
        Ok(Guess::Hands(hands.into_iter().map(Option::unwrap_or_default).collect()))
    }
}

/// Each number, with the letter before it.
fn pieces(typed: &str) -> Result<Vec<(Option<char>, u32)>, String> {
    let (mut pieces, mut letter) = (Vec::new(), None);
    let mut rest = typed;
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 {
            let count = rest[..digits]
                .parse()
                .ok()
                .filter(|count| *count <= MOST)
                .ok_or_else(|| words::tally_large(MOST))?;
            pieces.push((letter.take(), count));
            rest = &rest[digits..];
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            _ if first.is_alphabetic() => {
                if let Some(before) = letter.replace(first) {
                    return Err(words::tally_no_number(before));
                }
            }
            ' ' | '\t' | ',' | ';' | '/' | ':' | '=' | ')' | '、' => {}
            _ => return Err(words::tally_strange(first)),
        }
    }
    letter.map_or(Ok(pieces), |letter| Err(words::tally_no_number(letter)))
}

/// A full-width character, as Chinese input gives it, as the ASCII one.
fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '！'..='～' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_letter_is_one_learners_and_numbers_are_a_rooms() {
        for (typed, guess) in [
            ("", Guess::Skipped),
            ("  ", Guess::Skipped),
            ("b", Guess::One(1)),
            ("B)", Guess::One(1)),
            ("Ｃ", Guess::One(2)),
            ("5 12 3", Guess::Hands(vec![5, 12, 3])),
            ("5,12,3", Guess::Hands(vec![5, 12, 3])),
            ("５、１２、３", Guess::Hands(vec![5, 12, 3])),
            ("a5 b12 c3", Guess::Hands(vec![5, 12, 3])),
            ("c 3, a: 5", Guess::Hands(vec![5, 0, 3])),
            ("a5b12", Guess::Hands(vec![5, 12, 0])),
            ("0 0 0", Guess::Hands(vec![0, 0, 0])),
        ] {
            assert_eq!(Guess::parse(typed, 3), Ok(guess), "{typed}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (typed, says) in [
            ("d", "none of the letters"),
            ("hello", "none of the letters"),
            ("5 12", "3 options, and that was 2"),
            ("7", "3 options, and that was 1"),
            ("1 2 3 4", "3 options, and that was 4"),
            ("a5 12 c3", "either"),
            ("a5 d1", "`d`"),
            ("a5 a6", "twice"),
            ("a5 b", "after `b`"),
            ("a b5", "after `a`"),
            ("a-5", "`-`"),
            ("99999 1 1", "9999"),
            ("99999999999999999999 1 1", "9999"),
        ] {
            let error = Guess::parse(typed, 3).expect_err(typed);
            assert!(error.contains(says), "{typed}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_tally_is_read_as_it_was_written(hands in prop::collection::vec(0_u32..=MOST, 2..8), letters: bool, by in "[ ,]{1,3}") {
            let written = hands.iter().zip('a'..).map(|(count, letter)| if letters { format!("{letter}{count}") } else { count.to_string() });
            let written = written.collect::<Vec<_>>().join(&by);
            prop_assert_eq!(Guess::parse(&written, hands.len()), Ok(Guess::Hands(hands)));
        }

        #[test]
        fn whatever_is_typed_has_an_answer(typed in "\\PC*", options in 1_usize..27) {
            match Guess::parse(&typed, options) {
                Ok(Guess::One(place)) => prop_assert!(place < options),
                Ok(Guess::Hands(hands)) => prop_assert_eq!(hands.len(), options),
                Ok(Guess::Skipped) => prop_assert!(typed.trim().is_empty() || typed.chars().all(|c| c.is_whitespace() || ")）".contains(c))),
                Err(why) => prop_assert!(!why.is_empty()),
            }
        }
    }
}
