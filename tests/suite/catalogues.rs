//! Every sentence that the program says has its place in every catalogue, and no catalogue has another.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, iter};

use socket_explorer::i18n::Language;
use socket_explorer::i18n::catalogue::{Message, parse};

#[path = "../maintain/catalogues.rs"]
pub mod sentences;

use sentences::{catalogues, files, name_of, root};

#[test]
fn every_catalogue_has_every_sentence_and_no_other() {
    fn key(message: &Message) -> (Option<&str>, &str) {
        (message.context.as_deref(), &message.english)
    }
    for (path, text, updated) in sentences::all() {
        let [messages, wanted] = [&text, &updated].map(|text| parse(text));
        let translated: BTreeSet<_> =
            messages.iter().filter(|message| !message.text.is_empty()).map(key).collect();
        let wanted: BTreeSet<_> = wanted.iter().map(key).collect();
        let all: BTreeSet<_> = messages.iter().map(key).collect();
        let missing: Vec<_> = wanted.difference(&translated).collect();
        let unused: Vec<_> = all.difference(&wanted).collect();
        assert!(
            missing.is_empty() && unused.is_empty(),
            "{}: `just catalogues` adds what is missing, to be translated, and takes out what is not said.\n\
             missing: {missing:#?}\nnot said: {unused:#?}",
            name_of(&path)
        );
        assert_eq!(all.len(), messages.len(), "one stands twice");
    }
}

/// The names of what is filled in, `{name}`.
fn filled_in(text: &str) -> BTreeSet<String> {
    let text = text.replace("{{", "").replace("}}", "");
    text.split('{')
        .skip(1)
        .map(|part| part.split('}').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_translation_fills_in_what_the_english_does() {
    for (path, text) in catalogues() {
        for message in parse(&text).iter().filter(|message| !message.english.is_empty()) {
            let [english, translated] =
                [&message.english, &message.text].map(|text| filled_in(text));
            assert_eq!(english, translated, "{}: {}", name_of(&path), message.english);
        }
    }
}

/// The keys that an English text names, as in `b back` and `? the keys`: single letters and signs between words. `a` is a word, and an
/// `s` behind a number is a second.
fn keys(text: &str) -> BTreeSet<&str> {
    let words = text.split([' ', '(', ')', ',', ';', ':']).filter(|word| !word.is_empty());
    let words: Vec<_> = iter::once("").chain(words).collect();
    let is_key = |word: &str| matches!(word.as_bytes(), [b'b'..=b'z' | b'?']);
    let is_number = |word: &str| word.ends_with(|it: char| it == '}' || it.is_ascii_digit());
    let keys = words.windows(2).filter(|two| is_key(two[1]) && !is_number(two[0]));
    keys.map(|two| two[1]).collect()
}

#[test]
fn a_translation_names_the_keys_that_the_english_does() {
    let mut named = 0;
    for (path, text) in catalogues() {
        for message in parse(&text) {
            let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '?';
            let words: Vec<_> = message.text.split(|letter| !is_word(letter)).collect();
            for key in keys(&message.english) {
                named += 1;
                assert!(words.contains(&key), "{}: {key}: {}", name_of(&path), message.english);
            }
        }
    }
    assert!(named >= 20, "{named} keys are named");
}

/// What is filled in between backquotes, as all that was typed or is to be typed.
#[test]
fn a_translation_quotes_what_the_english_quotes() {
    fn quoted(text: &str) -> BTreeSet<&str> {
        let quoted = text.split('`').skip(1).step_by(2);
        quoted.filter(|it| it.starts_with('{') && it.ends_with('}')).collect()
    }
    for (path, text) in catalogues() {
        for message in parse(&text).iter().filter(|message| !message.english.is_empty()) {
            let [english, translated] = [&message.english, &message.text].map(|it| quoted(it));
            let unquoted: Vec<_> = english.difference(&translated).collect();
            assert!(unquoted.is_empty(), "{}: {unquoted:?}: {}", name_of(&path), message.english);
        }
    }
}

#[test]
fn the_examples_below_a_commands_help_are_in_every_catalogue() {
    for (path, text) in catalogues() {
        let mut headings = BTreeSet::new();
        for message in parse(&text) {
            if message.english.starts_with("Examples:") {
                headings.extend(message.text.lines().next().map(str::to_owned));
            }
            for line in message.english.lines().filter(|line| line.starts_with("  explore")) {
                let example = line.trim().split("  ").next().unwrap_or_default();
                let example = example.split(" --lang").next().unwrap_or_default();
                assert!(message.text.contains(example), "{}: {example}", name_of(&path));
            }
        }
        assert_eq!(headings.len(), 1, "{}: one heading for all: {headings:?}", name_of(&path));
    }
}

#[test]
fn the_languages_are_the_catalogues_of_the_folder() {
    let tags: Vec<_> = Language::all().skip(1).map(Language::tag).collect();
    let files: Vec<_> = catalogues()
        .iter()
        .filter_map(|(path, _)| path.file_stem().map(Path::new).map(name))
        .collect();
    assert_eq!(
        tags, files,
        "cargo does not notice a file that is added or removed: `touch src/i18n/catalogue.rs`, then build again"
    );
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// The notes' conversation, which learners see in every language, and which tests take for wide characters.
const THE_NOTES_WORDS: &str = "你好也啊";

#[test]
fn no_source_but_a_catalogue_is_in_chinese() {
    for path in files(&root().join("src")) {
        let file = name_of(&path);
        if ["src/i18n/po/", "src/experiments/", "src/exercises/"]
            .iter()
            .any(|folder| file.starts_with(folder))
        {
            continue;
        }
        for (number, line) in fs::read_to_string(&path).expect("a source").lines().enumerate() {
            let strange = line
                .chars()
                .find(|c| ('\u{3040}'..='\u{9fff}').contains(c) && !THE_NOTES_WORDS.contains(*c));
            assert_eq!(strange, None, "{file}:{}: {line}", number + 1);
        }
    }
}
