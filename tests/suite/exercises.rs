//! Exercises: what `explore exercise` and `explore check` say, and how programs are judged.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use socket_explorer::cli::LANGUAGES;
use socket_explorer::lesson::{self, Exercise};
use socket2::{Domain, Socket, Type};

use crate::support::{
    ChildGuard, ended, explore, file, folder, for_each, python_itself, require, utf8,
};

fn judged(number: u32, programs: &[String]) -> Value {
    let number = number.to_string();
    let mut args = vec!["check", number.as_str(), "--json"];
    args.extend(programs.iter().map(String::as_str));
    let mut command = explore(&args);
    let state = folder();
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("XDG_STATE_HOME", state.path());
    command.env_remove("PYTHONUNBUFFERED"); // the testers' own; programs have to flush what they print
    let (out, err, _) = ended(&mut command);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{programs:?}: {error}: {out}{err}"))
}

/// The first requirement that a program did not meet, or `right`.
fn first_unmet(report: &Value) -> &str {
    let requirements = report["requirements"].as_array().expect("an array");
    let unmet = requirements.iter().find(|it| it["verdict"] == "broken");
    unmet.map_or("right", |it| it["name"].as_str().expect("a name"))
}

/// A program that is there to be judged.
struct Program {
    exercise: u32,
    /// As it is given to `check`: `server=python3 …`.
    line: String,
    /// The requirement that it does not meet, or `right`.
    verdict: String,
}

/// The programs of this exercise: each names its verdict in its first line, and in its name its role, if that is not the first.
fn programs(exercise: &Exercise, python: &str) -> Vec<Program> {
    let number = exercise.number;
    let path = format!("{}/tests/data/exercises/{number:02}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(path).expect("a folder").map(|file| file.expect("a file").path());
    let programs = files.filter(|file| file.extension().is_some_and(|it| it == "py"));
    let of_file = |file: PathBuf| {
        let text = fs::read_to_string(&file).expect("a program");
        let first = text.lines().next().unwrap_or_default();
        let verdict = first.strip_prefix("# judged: ").expect("its verdict in the first line");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let role = exercise.roles.iter().rev().find(|role| name.split('_').any(|it| it == *role));
        let role = role.unwrap_or(&exercise.roles[0]);
        let line = format!("{role}={python} '{}'", utf8(&file));
        Program { exercise: number, line, verdict: verdict.to_owned() }
    };
    programs.map(of_file).collect()
}

#[test]
fn right_programs_pass_and_wrong_ones_fail_for_their_mistake() {
    let Some(python) = python_itself() else { return };
    let exercises = lesson::exercises().expect("they parse");
    let all: Vec<Program> = exercises.iter().flat_map(|it| programs(it, &python)).collect();
    for_each(&all, |Program { exercise, line, verdict }| {
        let report = judged(*exercise, std::slice::from_ref(line));
        assert_eq!(first_unmet(&report), verdict, "{line}: {report:#}");
    });
}

#[test]
fn our_solutions_meet_all_requirements() {
    let exercises = lesson::exercises().expect("they parse");
    let all: Vec<_> =
        exercises.iter().flat_map(|it| LANGUAGES.map(|language| (it, language))).collect();
    for_each(&all, |(exercise, language)| is_met(exercise, language));
}

/// Our solution in this language, if there is one and its tools are here, meets all requirements.
fn is_met(exercise: &Exercise, language: &str) {
    let files = exercise.solution(language);
    if files.is_empty() {
        return;
    }
    let folder = folder();
    for (name, text) in &files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    let Some(lines) = command_lines(language, &exercise.roles, folder.path()) else { return };
    let report = judged(exercise.number, &lines);
    assert_eq!(report["met"], Value::Bool(true), "{language}: {report:#}");
}

/// How programs in this language are started, after they have been built where that is needed.
fn command_lines(language: &str, roles: &[String], folder: &Path) -> Option<Vec<String>> {
    match language {
        "python" => {
            let python = python_itself()?;
            let line = |role: &String| format!("{python} '{}/{role}.py'", folder.display());
            Some(roles.iter().map(line).collect())
        }
        "c" => {
            require("cc")?;
            for role in roles {
                let mut cc = require("cc")?;
                let source = folder.join(format!("{role}.c"));
                let cc = cc.arg("-g").arg("-pthread").arg("-o").arg(folder.join(role)).arg(source);
                assert!(cc.status().expect("cc runs").success(), "{role}");
            }
            let line = |role: &String| format!("'{}/{role}'", folder.display());
            Some(roles.iter().map(line).collect())
        }
        other => panic!("no test starts programs in {other}"),
    }
}

#[test]
fn files_to_begin_with_are_written_once() {
    let folder = folder();
    let start =
        || ended(explore(&["exercise", "1", "--start", "python"]).current_dir(folder.path()));
    let (out, err, code) = start();
    assert_eq!(
        (out.as_str(), code),
        ("Written: exercise-1/client.py, exercise-1/server.py\n", Some(0)),
        "{err}"
    );
    let file = folder.path().join("exercise-1/server.py");
    fs::write(&file, "mine").expect("written");
    let (_, err, code) = start();
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("exercise-1") && err.contains("nothing was written"), "{err}");
    assert_eq!(fs::read_to_string(file).expect("read"), "mine");
}

#[test]
fn the_list_is_an_array_for_programs() {
    let (out, ..) = ended(&mut explore(&["exercise", "--json"]));
    let list: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(list[0]["number"], 1);
    assert_eq!(list[0]["slug"], "socket");
    assert_eq!(list[0]["done"], false);
    assert!(list[0]["title"].is_string());
}

#[test]
fn an_exercise_that_is_done_counts_as_progress() {
    let Some(python) = python_itself() else { return };
    let server = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/lessons/01-socket/exercise/solution/python/server.py"
    );
    let client = server.replace("server.py", "client.py");
    let state = folder();
    let told = |args: &[&str]| ended(explore(args).env("XDG_STATE_HOME", state.path()));
    let report =
        || -> Value { serde_json::from_str(&told(&["progress", "--json"]).0).expect("JSON") };
    let all = report()["exercises"].as_array().expect("an array").len();
    assert_eq!(report()["exercises_done"], 0);
    let (out, err, code) =
        told(&["check", "1", &format!("{python} '{server}'"), &format!("{python} '{client}'")]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(report()["exercises_done"], 1);
    assert_eq!(report()["exercises"][0]["done"], true);
    let (out, ..) = told(&["progress"]);
    let count = format!("1 of {all}");
    assert!(out.contains("✓ Exercise 1 · An echo, by hand") && out.contains(&count), "{out}");
    let (out, ..) = told(&["exercise"]);
    assert!(out.starts_with("✓  1  socket"), "{out}");
}

#[test]
fn a_program_that_cannot_be_run_is_told() {
    let (out, err, code) = ended(&mut explore(&["check", "1", "--", "./no-such-program"]));
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("there is no such program"), "{out}{err}");
    let (_, err, code) = ended(&mut explore(&["check", "1", "a b", "c d", "e f"]));
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("server, client"), "{err}");
    let (_, err, code) = ended(&mut explore(&["check", "99", "--", "true"]));
    assert_eq!(code, Some(2), "{err}");
}

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
}
