//! Where the wire cannot be had, every experiment that needs it plays its shipped recording, and says so.

use std::path::Path;
use std::process::{Command, Stdio};

use socket_explorer::commands::shipped;
use socket_explorer::experiments::Experiment;
use socket_explorer::lesson::{self, Lesson, Show};
use socket_explorer::trace::{Ending, Verdict};

use crate::support::{Ended, ended, for_each, isolated, told};

/// The claims that the course has of this experiment, in order.
fn claims(experiment: &Experiment) -> Vec<String> {
    let show = lesson::show_of(experiment).expect("well formed").expect("it is in the course");
    show.claims.into_iter().map(|claim| claim.name).collect()
}

#[test]
fn every_experiment_that_needs_one_ships_a_recording_whose_claims_held() {
    for experiment in shipped::needed() {
        let recording = shipped::recording(experiment.name)
            .unwrap_or_else(|| panic!("{} ships no recording", experiment.name));
        assert_eq!(recording.header.name(), experiment.name);
        assert_eq!(recording.ending(), Some(&Ending::Finished), "{}", experiment.name);
        let recorded: Vec<_> = recording.claims().map(|claim| claim.claim.as_ref()).collect();
        assert_eq!(
            recorded,
            claims(experiment),
            "{}: make the recordings anew (CONTRIBUTING.md)",
            experiment.name
        );
        assert!(
            recording.claims().all(|claim| claim.verdict == Verdict::Held),
            "{}",
            experiment.name
        );
    }
}

/// Runs `explore` where /dev/net/tun is something else; `None`, and a word about it, where that cannot be arranged.
fn without_the_node(args: &[&str]) -> Option<Ended> {
    if !Path::new("/dev/net/tun").exists() {
        eprintln!("there is no /dev/net/tun to take away: run as it is");
        return Some(told(args));
    }
    let script = "mount --bind /dev/null /dev/net/tun && exec \"$0\" \"$@\"";
    for namespaces in ["-m", "-rm"] {
        let probe = Command::new("unshare")
            .args([namespaces, "sh", "-c", script, "true"])
            .stderr(Stdio::null())
            .status();
        if probe.is_ok_and(|status| status.success()) {
            let mut command = Command::new("unshare");
            command.args([namespaces, "sh", "-c", script, env!("CARGO_BIN_EXE_explore")]);
            return Some(ended(isolated(&mut command).args(args)));
        }
    }
    eprintln!("skipped: this system allows no mount namespace");
    None
}

/// The experiments of this lesson that need the wire.
fn wired(lesson: &Lesson) -> impl Iterator<Item = &Show> {
    lesson.shows().filter(|show| show.experiment.needs_wire())
}

#[test]
fn without_the_node_every_lesson_that_needs_it_plays_to_its_end() {
    let mut lessons = lesson::lessons().expect("well formed");
    lessons.retain(|lesson| wired(lesson).count() > 0);
    for_each(&lessons, |lesson| {
        let number = lesson.number.unwrap_or_default().to_string();
        let core = vec!["lesson", &number];
        let further = [&core[..], &["--further", "all"]].concat();
        let mut parts = vec![core];
        parts.extend((!lesson.further.is_empty()).then_some(further));
        let mut out = String::new();
        for args in &parts {
            let Some((told, err, code)) = without_the_node(args) else {
                return;
            };
            assert_eq!((err.as_str(), code), ("", Some(0)), "{args:?}");
            out += &told;
        }
        assert_eq!(
            out.replace('\n', " ").matches("none of it happened just now").count(),
            wired(lesson).count(),
            "lesson {number}: {out}"
        );
    });
}

#[test]
fn without_the_node_a_page_marks_what_was_recorded() {
    let Some((html, err, code)) = without_the_node(&["lesson", "7", "--html", "-"]) else {
        return;
    };
    assert_eq!((err.as_str(), code), ("", Some(0)));
    let lessons = lesson::lessons().expect("well formed");
    assert!(html.contains("except for the recordings, which are marked"), "{html}");
    assert_eq!(
        html.matches("<p class=\"notice\">This could not run where the page was made").count(),
        wired(&lessons[6]).count()
    );
    assert!(
        html.contains("<figcaption>Recorded on Linux")
            && html.contains("not checked here: held when it was recorded")
    );
}

#[test]
fn without_the_node_verify_counts_what_was_not_checked_and_doctor_says_why() {
    let Some((out, _, code)) = without_the_node(&["verify", "6", "--json"]) else {
        return;
    };
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let lessons = lesson::lessons().expect("well formed");
    let expected: usize = wired(&lessons[5]).map(|show| show.claims.len()).sum();
    assert!(
        expected > 0 && report["not_checked"].as_u64() >= Some(expected as u64),
        "{} of {expected}",
        report["not_checked"]
    );
    assert_eq!((report["broken"].as_u64(), code), (Some(0), Some(0)));

    let Some((out, err, code)) = without_the_node(&["run", "lost-syn"]) else {
        return;
    };
    assert!(out.contains("recorded on Linux"), "{out}");
    assert!(err.contains("lost-syn: this machine cannot run it"), "{err}");
    assert_eq!(code, Some(3));

    let Some((out, _, code)) = without_the_node(&["doctor"]) else {
        return;
    };
    assert!(out.contains("✗ the wire (/dev/net/tun)"), "{out}");
    assert_eq!(code, Some(0), "{out}");

    // The reason is found in the experiment's own process, and said in the reader's language.
    let Some((out, err, _)) = without_the_node(&["run", "lost-syn", "--lang", "zh"]) else {
        return;
    };
    assert!(out.contains("需要链路，但系统拒绝了") && !out.contains("refused it"), "{out}");
    assert!(err.contains("lost-syn：本机无法运行此实验"), "{err}");
    let Some((out, ..)) = without_the_node(&["doctor", "--lang", "zh"]) else {
        return;
    };
    assert!(out.contains("✗ 实验链路"), "{out}");
}
