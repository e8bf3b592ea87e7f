//! Finds the cases that the words of a person may mean: the message of an error in any language's wording, or what they see.
//!
//! Each case is found by phrases: those of its text, its titles and questions in every language, and every wording of its errors. A word that few
//! cases have counts for more; one that no case has (a path, a port) counts for nothing; one that is misspelt counts for the
//! word that it is nearest to.

use std::collections::{BTreeMap, BTreeSet};

use rust_stemmers::{Algorithm, Stemmer};

use super::messages::Wordings;
use super::{Case, messages};

/// A case that was found.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    pub case: &'a Case,
    /// How well it fits, from 0 to about 1.
    pub score: f64,
}

/// So many hits are told at most.
const MOST: usize = 5;
/// A case that fits less than this is none.
const LEAST: f64 = 0.3;
/// What fits less than this share of the best is not told beside it.
const BESIDE_THE_BEST: f64 = 0.75;
/// How much of a score the best phrase makes; the rest is how many of the words the case has at all.
const BEST_PHRASE: f64 = 0.75;
/// How much of a phrase's score is the words of the question that it has; the rest is how much of it was asked for.
const OF_THE_QUESTION: f64 = 0.6;
/// What a misspelt word counts for.
const MISSPELT: f64 = 0.8;
/// So much of some phrase has to be in the question, where most of the question's words are unknown: else it is in another language, or
/// about something else.
const MOST_OF_A_PHRASE: f64 = 0.6;
/// So many of the question's words have to be known for that not to matter.
const KNOWN: f64 = 0.4;
/// Words of every sentence: a question that has no other word in common with the cases is about something else.
const OF_EVERY_SENTENCE: [&str; 24] = [
    "an", "and", "are", "as", "at", "be", "by", "do", "doe", "for", "from", "in", "is", "it", "my",
    "of", "on", "or", "that", "the", "this", "to", "was", "with",
];
/// What one place further down the list counts against a case: it decides only where all else is equal.
const LATER: f64 = 0.0005;

/// The words of a phrase.
pub(super) type Words = BTreeSet<String>;

/// A question, as the cases can answer it.
struct Asked {
    /// The words that some case has, and what each counts for.
    known: BTreeMap<String, f64>,
    /// Whether most of its words are not known.
    is_foreign: bool,
}

/// The cases, by the words that lead to them.
pub struct Index<'a> {
    cases: &'a [Case],
    /// The phrases of each case.
    phrases: Vec<Vec<Words>>,
    /// What each word counts for.
    weights: BTreeMap<String, f64>,
    /// What names an error, whether a case is about it or not.
    wordings: Wordings,
}

impl<'a> Index<'a> {
    #[must_use]
    pub fn of(cases: &'a [Case]) -> Index<'a> {
        let phrases: Vec<Vec<Words>> = cases.iter().map(phrases_of).collect();
        let mut found_in: BTreeMap<String, u32> = BTreeMap::new();
        for case in &phrases {
            let words: BTreeSet<&String> = case.iter().flatten().collect();
            words.into_iter().for_each(|word| *found_in.entry(word.clone()).or_default() += 1);
        }
        let all = f64::from(u32::try_from(cases.len()).unwrap_or(u32::MAX));
        let weight = |count: u32| (1.0 + all / f64::from(count)).ln();
        let weights = found_in.into_iter().map(|(word, count)| (word, weight(count))).collect();
        Index { cases, phrases, weights, wordings: Wordings::of_all() }
    }

    /// The error that these words name, if no case is about it.
    #[must_use]
    pub fn error_without_case(&self, words: &str) -> Option<&'static str> {
        self.error_no_case_has(&tokens(words))
    }

    fn error_no_case_has(&self, asked: &Words) -> Option<&'static str> {
        let error = self.wordings.error_in(asked)?;
        let is_known = tokens(error).iter().all(|name| self.weights.contains_key(name));
        (!is_known).then_some(error)
    }

    /// The cases that these words may mean, the best first; none for an error that no case is about.
    #[must_use]
    pub fn hits(&self, words: &str) -> Vec<Hit<'a>> {
        let tokens = tokens(words);
        if self.error_no_case_has(&tokens).is_some() {
            return Vec::new();
        }
        let mut ways = self.wordings.said_otherwise(&tokens);
        ways.push(&tokens);
        let ways: Vec<_> = ways.into_iter().filter_map(|words| self.asked(words)).collect();
        let scored = self.cases.iter().zip(&self.phrases).map(|(case, phrases)| {
            let scores = ways.iter().map(|asked| self.score(phrases, asked));
            Hit { case, score: scores.fold(0.0, f64::max) - LATER * f64::from(case.number) }
        });
        let mut hits: Vec<_> = scored.filter(|hit| hit.score >= LEAST).collect();
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        let best = hits.first().map_or(0.0, |hit| hit.score);
        hits.retain(|hit| hit.score >= BESIDE_THE_BEST * best);
        hits.truncate(MOST);
        hits
    }

    /// What of these words can be looked for; `None` if that is nothing but the words of every sentence.
    #[allow(clippy::cast_precision_loss)] // counts of words
    fn asked(&self, words: &Words) -> Option<Asked> {
        let known = self.known(words);
        let is_empty = known.keys().all(|word| OF_EVERY_SENTENCE.contains(&word.as_str()));
        let is_foreign = known.len() as f64 <= KNOWN * words.len() as f64;
        (!is_empty).then_some(Asked { known, is_foreign })
    }

    fn weight(&self, word: &str) -> f64 {
        self.weights.get(word).copied().unwrap_or(0.0)
    }

    /// The words of a question that some case has, each with what it counts for; a misspelt one is the nearest that there is.
    fn known(&self, asked: &Words) -> BTreeMap<String, f64> {
        let mut known = BTreeMap::new();
        for word in asked {
            if self.weights.contains_key(word) {
                known.insert(word.clone(), self.weight(word));
            } else if let Some(meant) = self.nearest(word) {
                known.entry(meant.clone()).or_insert(MISSPELT * self.weight(meant));
            }
        }
        known
    }

    /// The word that a misspelt one is nearest to. Short words and numbers are too near to one another.
    fn nearest(&self, word: &str) -> Option<&String> {
        let letters = word.chars().count();
        if letters < 4 || !word.chars().all(|letter| letter.is_ascii_lowercase()) {
            return None;
        }
        let most = if letters < 8 { 1 } else { 2 };
        let distances = self.weights.keys().filter_map(|known| {
            let is_word = known.len() >= 4 && known.is_ascii();
            let near = is_word && known.len().abs_diff(word.len()) <= most;
            let distance = near.then(|| strsim::osa_distance(word, known))?;
            (distance <= most).then_some((distance, known))
        });
        distances.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
    }

    /// Whether most of one of these phrases was asked for.
    fn has_most_of(&self, phrases: &[Words], asked: &BTreeMap<String, f64>) -> bool {
        phrases.iter().any(|phrase| {
            let weight = |word: &String| self.weight(word);
            let whole: f64 = phrase.iter().map(weight).sum();
            let common: f64 =
                phrase.iter().filter(|word| asked.contains_key(*word)).map(weight).sum();
            common >= MOST_OF_A_PHRASE * whole
        })
    }

    fn score(&self, phrases: &[Words], Asked { known: asked, is_foreign }: &Asked) -> f64 {
        if *is_foreign && !self.has_most_of(phrases, asked) {
            return 0.0;
        }
        let whole: f64 = asked.values().sum();
        if whole == 0.0 {
            return 0.0;
        }
        let common = |phrase: &Words| -> f64 {
            asked.iter().filter(|(word, _)| phrase.contains(*word)).map(|(_, weight)| weight).sum()
        };
        let best = phrases.iter().map(|phrase| {
            let common = common(phrase);
            let of_phrase: f64 = phrase.iter().map(|word| self.weight(word)).sum();
            OF_THE_QUESTION * common / whole
                + (1.0 - OF_THE_QUESTION) * common / of_phrase.max(f64::EPSILON)
        });
        let best = best.fold(0.0, f64::max);
        let every: Words = phrases.iter().flatten().cloned().collect();
        BEST_PHRASE * best + (1.0 - BEST_PHRASE) * common(&every) / whole
    }
}

/// What leads to a case.
fn phrases_of(case: &Case) -> Vec<Words> {
    let own = case.phrases.iter().chain(&case.openings).map(String::as_str);
    let wordings =
        messages::all().filter(|message| case.errors.iter().any(|it| it == message.error));
    let names = case.errors.iter().map(String::as_str);
    own.chain(wordings.map(|message| message.text))
        .chain(names)
        .map(tokens)
        .filter(|words| !words.is_empty())
        .collect()
}

/// The words of a text: in lower case and without their endings; `ConnectionResetError` is three words as well as one, and
/// `WSAECONNRESET` is `ECONNRESET` too; "can't" is "cannot". Where words have no spaces between them, each two neighbours are one.
pub(super) fn tokens(text: &str) -> Words {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut words = Words::new();
    let text = text.replace(['\'', '\u{2019}'], "");
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
    {
        let word = if word.eq_ignore_ascii_case("cant") { "cannot" } else { word };
        if word.is_ascii() {
            let lower = word.to_ascii_lowercase();
            if let Some(error) = lower.strip_prefix("wsae") {
                words.insert(format!("e{error}"));
            }
            words.extend(parts_of(word).map(|part| stemmer.stem(&part).into_owned()));
            words.insert(stemmer.stem(&lower).into_owned());
        } else {
            words.extend(pairs(word));
        }
    }
    words.retain(|word| !word.is_ascii() || word.len() > 1);
    words
}

/// `connection`, `reset` and `error` of `ConnectionResetError`.
fn parts_of(word: &str) -> impl Iterator<Item = String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before_is_lower = false;
    for letter in word.chars() {
        if parts.is_empty() || (letter.is_ascii_uppercase() && before_is_lower) {
            parts.push(String::new());
        }
        parts.iter_mut().last().into_iter().for_each(|part| part.push(letter.to_ascii_lowercase()));
        before_is_lower = letter.is_ascii_lowercase();
    }
    parts.into_iter()
}

/// Each two neighbours among the characters; Latin words and numbers between them stay whole.
fn pairs(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let latin = word.split(|letter: char| !letter.is_ascii_alphanumeric());
    let latin = latin.filter(|it| !it.is_empty()).map(str::to_ascii_lowercase);
    let pairs = letters.windows(2).filter(|pair| pair.iter().all(|it| !it.is_ascii()));
    latin.chain(pairs.map(|pair| pair.iter().collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().collect()
    }

    #[test]
    fn words_are_found_however_they_are_joined() {
        assert_eq!(
            words("ConnectionResetError: [Errno 104]"),
            ["104", "connect", "connectionreseterror", "errno", "error", "reset"]
        );
        assert_eq!(words("WSAECONNRESET"), ["econnreset", "wsaeconnreset"]);
        for cannot in ["can't", "can\u{2019}t", "cant", "Cannot"] {
            assert_eq!(words(cannot), ["cannot"]);
        }
        assert_eq!(words("\u{7aef}\u{53e3}\u{88ab}"), ["\u{53e3}\u{88ab}", "\u{7aef}\u{53e3}"]);
    }
}
