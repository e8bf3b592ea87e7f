//! Recordings that nobody has written: lines of the shipped ones lost, repeated, moved, and with other values. Whatever stands
//! in them is drawn or refused.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::Value;

use super::all_tests::{format_1_files, shipped_files};
use super::{DrawOptions, all};
use crate::analysis::Analysis;
use crate::trace::recording;

/// How many are drawn. A search for faults sets more: `MUTATIONS=20000 cargo test --lib mutated`.
const MUTATIONS: usize = 150;

fn below(rng: &mut TestRng, bound: usize) -> usize {
    usize::try_from(rng.next_u64() % bound.max(1) as u64).expect("below a usize")
}

/// All values within this one, itself left out.
fn leaves<'a>(value: &'a mut Value, into: &mut Vec<&'a mut Value>) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| leaves(one, into)),
        Value::Object(all) => all.values_mut().for_each(|one| leaves(one, into)),
        _ => into.push(value),
    }
}

fn mutate(line: &mut String, other: &str, rng: &mut TestRng) {
    let (Ok(mut value), Ok(mut other)) = (serde_json::from_str(line), serde_json::from_str(other))
    else {
        return;
    };
    let (mut all, mut others) = (Vec::new(), Vec::new());
    leaves(&mut value, &mut all);
    leaves(&mut other, &mut others);
    others.retain(|one| one.is_string());
    if all.is_empty() || others.is_empty() {
        return;
    }
    let (chosen, from) = (below(rng, all.len()), below(rng, others.len()));
    let numbers = [0, 1, 2, 1 << 31, 1 << 32, (1 << 53) - 1, 1 << 62, u64::MAX, u64::MAX - 1];
    *all[chosen] = match (&*all[chosen], below(rng, 4)) {
        (Value::Number(_), 0) => (-1).into(),
        (Value::Number(_), _) => numbers[below(rng, numbers.len())].into(),
        (Value::String(_), 0) => "\u{1b}[2J\n你e\u{301}".into(),
        (Value::Bool(it), _) => (!it).into(),
        (_, 1) => Value::Null,
        _ => others[from].clone(),
    };
    *line = value.to_string();
}

#[test]
fn a_mutated_recording_is_drawn_or_refused() {
    let texts: Vec<String> = shipped_files()
        .iter()
        .chain(&format_1_files())
        .map(|file| fs::read_to_string(file).expect("a recording"))
        .filter(|text| text.lines().count() < 400)
        .collect();
    let count = std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok());
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut failed = Vec::new();
    for _ in 0..count.unwrap_or(MUTATIONS) {
        let text = &texts[below(&mut rng, texts.len())];
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for _ in 0..=below(&mut rng, 12) {
            // The header stays first.
            let (one, other) =
                (1 + below(&mut rng, lines.len() - 1), 1 + below(&mut rng, lines.len() - 1));
            match below(&mut rng, 6) {
                0 if lines.len() > 2 => drop(lines.remove(one)),
                1 => lines.insert(one, lines[other].clone()),
                2 => lines.swap(one, other),
                _ => {
                    let from = lines[other].clone();
                    mutate(&mut lines[one], &from, &mut rng);
                }
            }
        }
        let bytes = lines.join("\n");
        let width = [20, 40, 80, 200][below(&mut rng, 4)];
        for recording in recording::read(bytes.as_bytes()).recordings {
            let mut drawing = "the analysis";
            let drawn = catch_unwind(AssertUnwindSafe(|| {
                let analysis = Analysis::of(&recording);
                for view in all() {
                    drawing = view.name();
                    let _ = view.draw_with(&analysis, width, DrawOptions::default());
                }
            }));
            if drawn.is_err() {
                let file = std::env::temp_dir().join(format!("mutated-{}.jsonl", failed.len()));
                fs::write(&file, &bytes).expect("a temporary file");
                failed.push(format!("{drawing} at {width} columns: {}", file.display()));
            }
        }
    }
    assert!(failed.is_empty(), "{} of them panicked:\n{}", failed.len(), failed.join("\n"));
}
