//! Whatever an experiment records in English has an entry in every catalogue: every experiment is run, and every shipped recording
//! is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use socket_explorer::commands::shipped;
use socket_explorer::i18n::{Language, find, speaking};
use socket_explorer::labels;
use socket_explorer::reasons;
use socket_explorer::trace::recording::{self, Recording};
use socket_explorer::trace::{EventKind, Label, Value};

use crate::catalogues::sentences;
use crate::course_run;
use crate::support::{ended, explore, folder, utf8};

/// What no catalogue needs: names of the system's own, and labels made of several.
fn is_code(label: &str) -> bool {
    sentences::is_code(label) || label.contains('·')
}

fn all_shipped() -> Vec<Recording> {
    shipped::needed().filter_map(|experiment| shipped::recording(experiment.name)).collect()
}

fn recorded_labels(recordings: &[Recording]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for event in recordings.iter().flat_map(|recording| recording.events()) {
        all.insert(event.actor.to_string());
        let mut add = |label: &Label| {
            let inner = label.args.0.iter().filter_map(|(_, value)| match value {
                Value::Label(inner) => Some(inner.text.to_string()),
                _ => None,
            });
            all.extend(inner.chain([label.text.to_string()]));
        };
        match &event.what {
            EventKind::Wait { purpose, .. } => add(purpose),
            EventKind::Deed { deed, .. } => add(deed),
            EventKind::Part { part } => add(part),
            EventKind::Measure { series, label, .. } => {
                [series, label].into_iter().for_each(&mut add)
            }
            EventKind::Point { plot, series, against, .. } => {
                [plot, series, against].into_iter().for_each(&mut add)
            }
            EventKind::Count { label, source, .. } => {
                [label, source].into_iter().for_each(&mut add)
            }
            EventKind::Claim(claim) => {
                claim.evidence.iter().for_each(|one| add(&one.what));
                claim.evidence.iter().filter_map(|one| one.with_what.as_ref()).for_each(&mut add);
                let values = claim.evidence.iter().flat_map(|one| [&one.saw, &one.with]);
                let words = values.filter_map(|value| match value {
                    Value::Label(label) => Some(label),
                    _ => None,
                });
                words.for_each(&mut add);
            }
            _ => {}
        }
    }
    all
}

#[test]
fn whatever_is_recorded_in_english_is_translated() {
    let live: Vec<_> =
        course_run::english().iter().flat_map(|lesson| lesson.recordings.clone()).collect();
    let names: BTreeSet<String> = live.iter().map(|recording| recording.header.name()).collect();
    assert!(names.len() >= 30, "only these were run: {names:?}");
    let all = recorded_labels(&[live, all_shipped()].concat());
    assert!(all.len() > 250, "only {} labels", all.len());
    for language in Language::all().skip(1) {
        let known = |label: &str| speaking(language, || find(Some("recording"), label).is_some());
        let missing: Vec<&String> =
            all.iter().filter(|label| !known(label) && !is_code(label)).collect();
        assert!(
            missing.is_empty(),
            "src/i18n/po/{}.po lacks these, in the context `recording`: {missing:#?}",
            language.tag()
        );
    }
}

fn in_chinese(label: &str) -> String {
    let chinese = Language::tagged("zh").expect("a catalogue");
    speaking(chinese, || labels::actor(label).into_owned())
}

/// Names of actors, which must stay apart.
const ACTORS: &[&str] = &[
    "client",
    "server",
    "peer",
    "client sends",
    "client receives",
    "server sends",
    "server receives",
    "naive",
    "naive sends",
    "naive receives",
    "early",
    "plain",
    "by hand",
    "by-framework",
    "thread",
    "threads",
    "blocked",
    "spinning",
    "joining",
    "blocking",
    "non-blocking",
    "timeout",
    "option",
    "deadline",
    "each call",
    "to a listener",
    "to nobody",
    "connected-udp",
    "people",
    "looker",
    "spinner",
    "twin",
    "old",
    "new",
];

#[test]
fn rules_of_the_link_are_said_in_chinese() {
    use socket_explorer::capture::link::{Ack, Anything, Client, Server, Syn, Udp};
    use socket_explorer::capture::link::{Tcp, every, first, first_few, nth, share};
    use socket_explorer::trace::rule::Rule;
    for (rule, expected) in [
        (Rule::Drop(share(20, Anything, 39)), "丢弃 20% 的分组，随机种子 39"),
        (Rule::Drop(first_few(3, Syn.from(Client))), "丢弃来自客户端的前 3 个 SYN"),
        (Rule::Delay { frames: every(Tcp), by_ns: 10_000_000 }, "每个 TCP 报文段延迟 10ms"),
        (Rule::Hold(nth(2, Ack.from(Server))), "扣留来自服务器的第 2 个纯 ACK"),
        (Rule::Reorder(first(Udp)), "让下一个分组先于第一个 UDP 数据报到达"),
    ] {
        let chinese = Language::tagged("zh").expect("a catalogue");
        let words = speaking(chinese, || reasons::rules(std::slice::from_ref(&rule)));
        assert_eq!(words.as_deref(), Some(expected), "{rule:?}");
    }
}

#[test]
fn two_names_are_told_apart_in_chinese_too_and_none_is_translated_twice() {
    let mut seen = BTreeMap::new();
    for name in ACTORS {
        let chinese = in_chinese(name);
        assert_eq!(in_chinese(&chinese), chinese);
        if let Some(other) = seen.insert(chinese, name) {
            panic!("{name} and {other} are one in Chinese");
        }
    }
}

/// Of every kind of label: deeds that quote what was typed, parts and measures, counts and evidence, waits.
const KINDS: [&str; 5] = [
    "by-turns",
    "one-conversation-three-families",
    "asked-and-measured",
    "two-processes",
    "a-file-that-is-a-socket",
];

/// A character that only a sentence in Chinese has: the notes' own are data.
fn is_chinese(character: char) -> bool {
    ('\u{3040}'..='\u{9fff}').contains(&character) && !"你好也啊".contains(character)
}

#[test]
fn a_recording_has_no_language() {
    let folder = folder();
    for name in KINDS {
        let recorded = ["zh", "en"].map(|language| {
            let file = folder.path().join(format!("{name}-{language}.jsonl"));
            let args = ["run", name, "--lang", language, "--record", utf8(&file)];
            let (out, err, code) = ended(&mut explore(&args));
            assert_eq!((err.as_str(), code), ("", Some(0)), "{name}: {out}");
            file
        });
        let [chinese, english] = recorded.clone().map(|file| {
            let text = fs::read_to_string(&file).expect("it was recorded");
            assert_eq!(text.chars().find(|c| is_chinese(*c)), None, "{}", file.display());
            let contents = recording::read(text.as_bytes());
            assert_eq!(contents.damage, None, "{name}");
            recorded_labels(&contents.recordings)
        });
        assert_eq!(chinese, english, "{name}");
        let replayed = |file, language| {
            let args = ["replay", utf8(file), "--lang", language, "-vv"];
            let (out, err, code) = ended(&mut explore(&args));
            assert_eq!((err.as_str(), code), ("", Some(0)), "{name}: {out}");
            out
        };
        let shown = replayed(&recorded[0], "en");
        assert_eq!(shown.chars().find(|c| is_chinese(*c)), None, "{name}: {shown}");
        let shown = replayed(&recorded[1], "zh");
        let english_words = ["client", "server", "types", "shows", "asked", "measured"];
        for line in shown.lines().filter(|line| line.contains(" ms  ")) {
            let who = line.split(" ms  ").nth(1).and_then(|rest| rest.split("  ").next());
            let who = who.unwrap_or_default().trim();
            assert!(!english_words.contains(&who), "{name}: {line}");
        }
    }
}
