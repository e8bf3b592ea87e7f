//! The course holds together: lessons, experiments, claims and the notes' rows name each other, and every claim is checked.

use std::collections::BTreeSet;
use std::fs;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use socket_explorer::citations::citations;
use socket_explorer::experiments;
use socket_explorer::i18n::{Language, speaking};
use socket_explorer::lesson::{self, Lesson, Prediction, Show, Step};
use socket_explorer::trace::{Ending, Verdict};

use crate::course_run;
use crate::support::told;

fn lessons() -> Vec<Lesson> {
    lesson::lessons().expect("every lesson of the program is well formed")
}

fn between_ticks(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The rows of a Markdown table whose first cell begins with this, as cells.
fn rows(markdown: &str, first: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    markdown
        .lines()
        .map(|line| cells(line.trim()))
        .filter(|cells| cells[0].starts_with(first))
        .collect()
}

#[test]
fn every_row_of_the_notes_is_taught_by_claims_that_exist_and_every_claim_serves_a_row() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/concepts.md"))
        .expect("docs/concepts.md");
    let lessons = lessons();
    let mut named = BTreeSet::new();
    for cells in rows(&text, "N") {
        let [row, _, numbers, claims] = &cells[..] else {
            continue;
        };
        let claims = between_ticks(claims);
        assert!(!claims.is_empty(), "{row} is proven by nothing");
        for number in numbers.split(", ") {
            let lesson = lessons
                .iter()
                .find(|lesson| lesson.number.map(|n| n.to_string()).as_deref() == Some(number));
            let lesson =
                lesson.unwrap_or_else(|| panic!("{row} names a lesson {number} that is not there"));
            let taught = lesson
                .shows()
                .flat_map(|show| &show.claims)
                .any(|line| claims.contains(&line.name));
            assert!(taught, "{row} names lesson {number}, which has none of its claims");
        }
        named.extend(claims);
    }
    let told: BTreeSet<_> = lessons
        .iter()
        .flat_map(|lesson| lesson.shows())
        .flat_map(|show| show.claims.iter().map(|line| line.name.clone()))
        .collect();
    assert_eq!(
        named.difference(&told).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "named in docs/concepts.md, in no lesson"
    );
    assert_eq!(
        told.difference(&named).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "in a lesson, serving no row of docs/concepts.md"
    );
}

#[test]
fn every_experiment_is_shown_by_one_lesson_or_by_a_case_and_its_source_is_found() {
    let names = |lessons: &[Lesson]| -> Vec<&str> {
        lessons.iter().flat_map(Lesson::shows).map(|show| show.experiment.name).collect()
    };
    let in_lessons = names(&lessons());
    let in_either = names(&lesson::lessons_and_cases().expect("every case is well formed"));
    for experiment in experiments::all() {
        let shown = in_lessons.iter().filter(|name| **name == experiment.name).count();
        assert!(shown <= 1, "{} is shown by one lesson", experiment.name);
        assert!(in_either.contains(&experiment.name), "{} is shown", experiment.name);
        let (first, lines) = experiment
            .source()
            .unwrap_or_else(|| panic!("{} has no function of its name", experiment.name));
        assert!(first > 1 && lines.len() > 2, "{}", experiment.name);
    }
    let names: BTreeSet<_> = experiments::all().map(|experiment| experiment.name).collect();
    assert_eq!(names.len(), experiments::all().count(), "two experiments have one name");
}

#[test]
fn a_prediction_is_followed_by_its_experiment() {
    for lesson in lessons() {
        let asked = |step: &&Step| matches!(step, Step::Predict(_));
        let asked = lesson.parts().flatten().filter(asked).count();
        assert_eq!(lesson.predictions().count(), asked, "{}", lesson.file);
    }
}

/// The most experiments that the core of a lesson has.
const CORE: usize = 5;

#[test]
fn the_core_of_a_lesson_is_short() {
    for lesson in lessons() {
        let experiment = |step: &&Step| matches!(step, Step::Experiment(_));
        let core = lesson.steps.iter().filter(experiment).count();
        assert!(
            core <= CORE,
            "{} has {core} experiments in its core, and {CORE} are the most: put others below a break, `---`",
            lesson.file
        );
    }
}

/// What must be the same in every language.
fn bones(lesson: &Lesson) -> Vec<String> {
    let show = |show: &Show| {
        let Show { experiment, views, settings, code, claims, .. } = show;
        let claims: Vec<_> = claims.iter().map(|line| line.name.as_str()).collect();
        format!("{} {views:?} {settings:?} {code} {claims:?}", experiment.name)
    };
    let step = |step: &Step| match step {
        Step::Prose(text) => format!(
            "prose with {} headings",
            text.lines().filter(|line| line.starts_with("## ")).count()
        ),
        Step::Predict(Prediction { options, right, in_order, .. }) => {
            format!("{} options, {right} is right, in order: {in_order}", options.len())
        }
        Step::Experiment(it) => show(it),
    };
    let part =
        |steps: &[Step]| steps.iter().map(step).chain(["end of a part".to_owned()]).collect();
    lesson.parts().flat_map(|steps| -> Vec<_> { part(steps) }).collect()
}

#[test]
fn every_language_has_the_same_lessons_experiments_claims_and_predictions() {
    let english = speaking(Language::ENGLISH, lessons);
    for language in Language::all() {
        let others = speaking(language, lessons);
        assert_eq!(english.len(), others.len());
        for (one, other) in english.iter().zip(&others) {
            assert_eq!((one.number, &one.slug), (other.number, &other.slug));
            assert_eq!(one.file.replace("/en.md", &format!("/{}.md", language.tag())), other.file);
            assert_eq!(bones(one), bones(other), "{} and {}", one.file, other.file);
        }
    }
}

#[test]
fn what_is_said_in_chinese_is_chinese() {
    let han =
        |text: &str| text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character));
    // Prose in English has words, and words have small letters; `code`, names of errors and what was sent may be an answer.
    let speaks = |text: &str| {
        let without_code: String = text.split('`').step_by(2).collect();
        han(text)
            || !without_code
                .split_whitespace()
                .any(|word| word.len() > 3 && word.chars().all(|c| c.is_ascii_lowercase()))
    };
    let chinese = Language::tagged("zh").expect("a catalogue");
    for lesson in speaking(chinese, lessons) {
        let mut texts = vec![lesson.title.clone(), lesson.question.clone()];
        for step in lesson.parts().flatten() {
            match step {
                Step::Prose(text) => {
                    let without_programs: String = text.split("```").step_by(2).collect();
                    let parts = without_programs.split("\n\n");
                    texts.extend(
                        parts.filter(|part| !part.starts_with(['|', ' '])).map(str::to_owned),
                    );
                }
                Step::Predict(it) => texts.extend(it.options.iter().chain([&it.question]).cloned()),
                Step::Experiment(it) => {
                    texts.extend(it.claims.iter().map(|line| line.sentence.clone()))
                }
            }
        }
        for text in texts {
            assert!(speaks(&text), "{}: {text}", lesson.file);
            // What was typed or sent stands between “ and ”, as it was.
            let own: String = text
                .split('“')
                .map(|part| part.split_once('”').map_or(part, |(_, after)| after))
                .collect();
            let without_code: String = own.split('`').step_by(2).collect();
            let characters: Vec<char> = without_code.chars().collect();
            let narrow = characters
                .windows(2)
                .find(|pair| han(&pair[0].to_string()) && ",;:?!".contains(pair[1]));
            assert_eq!(narrow, None, "{}: narrow punctuation after Chinese: {text}", lesson.file);
        }
    }
}

#[test]
fn square_brackets_in_prose_cite_a_source() {
    let mut others = Vec::new();
    for lesson in Language::all().flat_map(|language| speaking(language, lessons)) {
        for step in lesson.parts().flatten() {
            let Step::Prose(markdown) = step else { continue };
            let text = without_code(markdown);
            let cited: BTreeSet<_> = citations(&text).map(|range| range.start).collect();
            let other = text.match_indices('[').filter(|(at, _)| !cited.contains(at));
            let start = |(at, _)| text[at..].chars().take(40).collect::<String>();
            others.extend(other.map(start).map(|start| format!("{}: {start}", lesson.file)));
        }
    }
    assert!(others.is_empty(), "src/citations.rs has the forms of a source: {others:#?}");
}

/// The text of this prose, without code.
fn without_code(markdown: &str) -> String {
    let mut in_block = false;
    let pieces = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Start(Tag::CodeBlock(_)) | Event::End(TagEnd::CodeBlock) => {
            in_block = !in_block;
            String::new()
        }
        Event::Text(text) if !in_block => text.to_string(),
        Event::Code(_) => "_".to_owned(),
        _ => "\n".to_owned(),
    });
    pieces.collect()
}

#[test]
fn every_claim_of_every_lesson_is_checked_and_none_is_broken() {
    for (lesson, run) in lessons().iter().zip(course_run::english()) {
        assert!(
            lesson
                .shows()
                .map(|show| show.experiment.name)
                .eq(run.recordings.iter().map(|recording| recording.header.name()))
        );
        for (show, recording) in lesson.shows().zip(&run.recordings) {
            let name = show.experiment.name;
            let told: BTreeSet<_> = show.claims.iter().map(|claim| claim.name.as_str()).collect();
            let checked: BTreeSet<_> =
                recording.claims().map(|claim| claim.claim.as_ref()).collect();
            assert!(checked == told || recording.ending() != Some(&Ending::Finished), "{name}");
            for claim in recording.claims() {
                assert_ne!(claim.verdict, Verdict::Broken, "{name}: {claim:#?}");
                if claim.verdict == Verdict::NotChecked {
                    assert!(claim.why.is_some(), "{name}: not checked, and no why: {claim:?}");
                    eprintln!("not checked on this machine: {name}: {claim:?}");
                }
            }
        }
    }
}

#[test]
fn verify_reports_the_claims_in_the_order_of_the_lessons() {
    let (out, err, code) = told(&["verify", "1", "3", "--json"]);
    assert_eq!((err.as_str(), code), ("", Some(0)));
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let claims = report["claims"].as_array().expect("an array");
    // What a run claims without a sentence in the lesson is reported beside the lesson's claims.
    let reported: Vec<_> = claims
        .iter()
        .map(|claim| {
            (claim["experiment"].as_str().unwrap_or(""), claim["claim"].as_str().unwrap_or(""))
        })
        .collect();
    let lessons = lessons();
    let in_lessons: Vec<_> = [&lessons[0], &lessons[2]]
        .into_iter()
        .flat_map(Lesson::shows)
        .flat_map(|show| show.claims.iter().map(|line| (show.experiment.name, line.name.as_str())))
        .collect();
    assert_eq!(reported, in_lessons);
    let count = |verdict: &str| claims.iter().filter(|claim| claim["verdict"] == verdict).count();
    assert_eq!(
        (report["held"].as_u64(), report["not_checked"].as_u64(), report["broken"].as_u64()),
        (Some(count("held") as u64), Some(count("not-checked") as u64), Some(0))
    );
}
