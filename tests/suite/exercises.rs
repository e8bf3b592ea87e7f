//! Exercises: what `explore exercise` and `explore check` say, and how programs are judged.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use socket_explorer::cli::LANGUAGES;
use socket_explorer::lesson::{self, Exercise};
use socket2::{Domain, Socket, Type};

use crate::person::Person;
use crate::support::{
    ChildGuard, ended, explore, file, folder, for_each, is_installed, python_itself, require, utf8,
};
use crate::trace::runs;

fn judged(exercise: &Exercise, programs: &[String]) -> Value {
    let which = exercise.which();
    let mut args = vec!["check", which.as_str(), "--json"];
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
struct Program<'a> {
    exercise: &'a Exercise,
    /// As it is given to `check`: `server=python3 …`.
    line: String,
    /// The requirement that it does not meet, or `right`.
    verdict: String,
}

/// The programs of this exercise: each names its verdict in its first line, and in its name its role, if that is not the first.
fn programs<'a>(exercise: &'a Exercise, python: &str) -> Vec<Program<'a>> {
    let folder = format!("{:0>2}", exercise.which());
    let path = format!("{}/tests/data/exercises/{folder}", env!("CARGO_MANIFEST_DIR"));
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
        Program { exercise, line, verdict: verdict.to_owned() }
    };
    programs.map(of_file).collect()
}

#[test]
fn right_programs_pass_and_wrong_ones_fail_for_their_mistake() {
    let Some(python) = python_itself() else { return };
    let exercises = lesson::exercises().expect("they parse");
    let all: Vec<Program<'_>> = exercises.iter().flat_map(|it| programs(it, &python)).collect();
    for_each(&all, |Program { exercise, line, verdict }| {
        let report = judged(exercise, std::slice::from_ref(line));
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
    let report = judged(exercise, &lines);
    assert_eq!(report["met"], Value::Bool(true), "{language}: {report:#}");
}

/// How programs in this language are started, after they have been built where that is needed; `None` without its tools.
fn command_lines(language: &str, roles: &[String], folder: &Path) -> Option<Vec<String>> {
    let compiler: &[&str] = match language {
        "python" => {
            let python = python_itself()?;
            let line = |role: &String| format!("{python} '{}/{role}.py'", folder.display());
            return Some(roles.iter().map(line).collect());
        }
        "javascript" => {
            let line = |role: &String| format!("node '{}/{role}.js'", folder.display());
            return is_installed("node").then(|| roles.iter().map(line).collect());
        }
        "c" => {
            require("cc")?;
            &["cc", "-g", "-pthread", "-o", "ROLE", "ROLE.c"]
        }
        "rust" => &["rustc", "--edition", "2024", "-g", "-o", "ROLE", "ROLE.rs"],
        "go" => &["go", "build", "-o", "ROLE", "ROLE.go"],
        other => panic!("no test starts programs in {other}"),
    };
    if !is_installed(compiler[0]) {
        return None;
    }
    for role in roles {
        let words = compiler[1..].iter().map(|word| word.replace("ROLE", role));
        let mut command = Command::new(compiler[0]);
        command.args(words).current_dir(folder);
        command.env("GOCACHE", folder.join("cache")); // where there is no HOME
        let built = command.status();
        assert!(built.expect("it runs").success(), "{language}: {role}");
    }
    Some(roles.iter().map(|role| format!("'{}/{role}'", folder.display())).collect())
}

#[test]
fn files_to_begin_with_can_be_built_and_started() {
    let exercises = lesson::exercises().expect("they parse");
    let all: Vec<_> =
        exercises.iter().flat_map(|it| LANGUAGES.map(|language| (it, language))).collect();
    for_each(&all, |(exercise, language)| {
        let files = exercise.start(language);
        let folder = folder();
        for (name, text) in &files {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let lines = (!files.is_empty())
            .then(|| command_lines(language, &exercise.roles, folder.path()))
            .flatten();
        for line in lines.into_iter().flatten() {
            let line = format!("{line} 1 1 < /dev/null");
            let ran = Command::new("sh").args(["-c", &line]).output().expect("sh runs");
            assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
        }
    });
}

#[test]
fn files_to_begin_with_are_written_once() {
    let folder = folder();
    let start =
        || ended(explore(&["exercise", "1", "--start", "python"]).current_dir(folder.path()));
    let (out, err, code) = start();
    assert_eq!(
        (out.as_str(), code),
        ("Written: exercise-1/client.py, exercise-1/server.py\nGo there: cd exercise-1\n", Some(0)),
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
    let bonus = list.as_array().and_then(|list| list.last()).expect("an array");
    assert_eq!((&bonus["number"], &bonus["slug"]), (&Value::Null, &Value::from("bonus")));
    let (out, err, code) = ended(&mut explore(&["exercise", "bonus", "--hint"]));
    assert_eq!(code, Some(0), "{out}{err}");
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

/// A server in Python that does this with its port, before it serves as the task of exercise 1 says.
fn echo_server(before: &str, address: &str) -> String {
    format!(
        "import os, signal, socket, sys\n{before}\n\
         with socket.create_server(({address}, int(sys.argv[-1]))) as listener:\n\
         \x20   while True:\n\
         \x20       connection, _ = listener.accept()\n\
         \x20       with connection:\n\
         \x20           try:\n\
         \x20               while data := connection.recv(4096):\n\
         \x20                   connection.sendall(data)\n\
         \x20           except ConnectionError:\n\
         \x20               pass\n"
    )
}

/// The child goes on when its parent has ended.
const LEAVES_A_CHILD: &str =
    "parent = os.getpid()\nif os.fork(): os._exit(0)\nwhile os.getppid() == parent: pass";

#[test]
fn what_keeps_a_program_from_being_judged_is_said() {
    let Some(python) = python_itself() else { return };
    let here = "'127.0.0.1'";
    let all = [
        (echo_server("", "'127.0.0.2'"), "127.0.0.2:"),
        (echo_server("", "''"), "✓ Then the server serves another client."),
        (echo_server(LEAVES_A_CHILD, here), "a child of it runs on"),
        (echo_server("os.kill(os.getpid(), signal.SIGSEGV)", here), "SIGSEGV ended server before"),
        (echo_server("print('x' * 10_000_000)", here), "✓ Then the server serves another client."),
        (echo_server("port = int(input())", here), "That is its standard input"),
        (echo_server("while True", here), "SyntaxError"),
    ];
    let folder = folder();
    let all: Vec<_> = all.into_iter().zip(1..).collect();
    for_each(&all, |((text, said), number)| {
        let path = file(&folder, &format!("server{number}.py"), text);
        let (out, err, code) = ended(&mut explore(&["check", "1", "--", &python, utf8(&path)]));
        assert_eq!(code, Some(1), "{out}{err}");
        assert!(out.contains(said), "{said}: {out}{err}");
        assert!(out.len() < 20_000, "{}", out.len());
    });
}

#[test]
fn of_a_program_that_hangs_it_is_told_where_and_its_line_is_shown() {
    let Some(python) = python_itself() else { return };
    let path = "tests/data/exercises/04/wrong_believes_the_length.py";
    let program = format!("server={python} {}/{path}", env!("CARGO_MANIFEST_DIR"));
    let (out, err, _) = ended(&mut explore(&["check", "4", &program]));
    assert!(out.contains("server had been blocked in recv() for"), "{out}{err}");
    assert!(out.contains("    data = connection.recv(min(65536"), "{out}{err}");
    assert!(!out.contains("a length byte by byte"), "only the part that failed: {out}");
    let exercises = lesson::exercises().expect("they parse");
    let report = judged(&exercises[3], &[program]);
    let failure = &report["failures"][0];
    assert_eq!(failure["requirement"], "refuses-a-lying-length", "{report:#}");
    let told = &failure["happened"][0];
    let text = told["text"].as_str().expect("a sentence");
    assert!(text.starts_with("server had been blocked in recv() for"), "{text}");
    let source = told["source"].as_str().expect("a line");
    assert!(source.starts_with("data = connection.recv(min(65536"), "{source}");
    assert!(told["line"].is_u64() && told["file"].is_string(), "{told}");
}

/// One of the programs that are there to be judged, as it is given to `check`.
fn wrong(role: &str, python: &str, path: &str) -> String {
    format!("{role}={python} {}/tests/data/exercises/{path}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn an_unmet_requirement_says_what_was_expected_and_what_came_instead() {
    let Some(python) = python_itself() else { return };
    let program = wrong("server", &python, "01/wrong_waits_for_newline.py");
    let (out, err, _) = ended(&mut explore(&["check", "1", &program]));
    assert!(
        out.contains("    not met: alice waited for \"no newline\"; nothing came\n"),
        "{out}{err}"
    );
    assert!(out.contains("(alice is a peer of your program, played by `explore check`.)"), "{out}");
    assert_eq!(out.matches("\nnot checked: no client was given\n○ ").count(), 1, "{out}");
    assert!(!out.contains("BROKEN") && !out.contains("expected ="), "{out}");
    let (out, ..) = ended(&mut explore(&["check", "1", &program, "--lang", "zh"]));
    assert!(out.contains("    未满足：Alice 等待 \"no newline\""), "{out}");
    assert!(out.contains("\n未检查：没有给出客户端\n○ "), "{out}");
}

#[test]
fn of_each_role_that_fails_what_happened_is_shown() {
    let Some(python) = python_itself() else { return };
    let server = wrong("server", &python, "01/wrong_serves_once.py");
    let client = wrong("client", &python, "01/wrong_client_one_recv.py");
    let (out, err, _) = ended(&mut explore(&["check", "1", &server, &client, "--width", "200"]));
    let shown: Vec<&str> =
        out.lines().filter_map(|line| line.strip_prefix("What happened, up to: ")).collect();
    let wanted = [
        "Then the server serves another client.",
        "The client prints all that comes back, though it comes in pieces.",
    ];
    assert_eq!(shown, wanted, "{out}{err}");
    let report = judged(&lesson::exercises().expect("they parse")[0], &[server, client]);
    assert_eq!(report["failures"].as_array().map(Vec::len), Some(2), "{report:#}");
}

#[test]
fn at_a_terminal_the_result_comes_page_by_page() {
    let Some(python) = python_itself() else { return };
    let server = wrong("server", &python, "01/wrong_serves_once.py");
    let mut learner = Person::sits_down(80, 24, &mut explore(&["check", "1", &server]));
    learner.sees("Exercise 1");
    let first = learner.sees("Enter on · ");
    assert!(!first.contains("The lesson on it"), "{first}");
    learner.types("q");
    assert_eq!(learner.leaves().0, Some(1));
    let mut learner = Person::sits_down(80, 24, &mut explore(&["check", "1", &server]));
    learner.enters_until(&["Enter on · "], "The lesson on it");
    assert_eq!(learner.leaves().0, Some(1));
}

/// What a program prints, line by line, until one contains this.
fn until_line(lines: &mut impl Iterator<Item = std::io::Result<String>>, wanted: &str) -> String {
    let found = lines.map_while(Result::ok).find(|line| line.contains(wanted));
    found.unwrap_or_else(|| panic!("it says `{wanted}`"))
}

#[test]
fn with_watch_it_checks_again_when_a_file_is_saved_until_ctrl_c() {
    let Some(python) = python_itself() else { return };
    let folder = folder();
    let server = file(&folder, "server.py", echo_server("", "'127.0.0.2'"));
    let mut command = explore(&["check", "1", "--watch", "--", &python, utf8(&server)]);
    let mut child = ChildGuard::spawn(command.stdout(Stdio::piped()));
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    until_line(&mut lines, "127.0.0.2:");
    until_line(&mut lines, "when a file is saved: server.py");
    fs::write(&server, echo_server("", "'127.0.0.1'")).expect("written");
    until_line(&mut lines, "server.py has changed.");
    until_line(&mut lines, "✓ Then the server serves another client.");
    until_line(&mut lines, "when a file is saved: server.py");
    let process = Pid::from_raw(child.id().cast_signed());
    kill(process, Signal::SIGINT).expect("sent");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

#[test]
fn ctrl_c_leaves_no_program_running() {
    let Some(python) = python_itself() else { return };
    let folder = folder();
    let text = "import os, time\n\
                open('number', 'w').write(str(os.getpid()))\nos.rename('number', 'its')\n\
                while True: time.sleep(1000)\n";
    let server = file(&folder, "server.py", text);
    let mut command = explore(&["check", "1", "--", &python, utf8(&server)]);
    let child = ChildGuard::spawn(command.current_dir(folder.path()).stdout(Stdio::piped()));
    let its = folder.path().join("its");
    while !its.exists() {
        thread::sleep(Duration::from_millis(20));
    }
    let number: u32 = fs::read_to_string(its).expect("read").parse().expect("a number");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("sent");
    assert_eq!(child.output().status.code(), Some(130));
    // It is ended, though perhaps a moment later, and by whoever is its parent then it may be left uncollected.
    while runs(number) {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Both ends of a talk; what they print is read line by line.
struct Talker {
    child: ChildGuard,
    shown: BufReader<ChildStdout>,
}

impl Talker {
    fn starts(command: &mut Command) -> Talker {
        let mut child = ChildGuard::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let shown = BufReader::new(child.stdout.take().expect("piped"));
        Talker { child, shown }
    }

    fn types(&mut self, line: &str) {
        let keys = self.child.stdin.as_mut().expect("piped");
        keys.write_all(line.as_bytes()).expect("it reads");
    }

    /// Reads what it prints until this is in it.
    fn shows(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.shown.read_line(&mut line).expect("UTF-8"), 0, "no `{text}`");
        }
    }

    fn ends_its_input(&mut self) {
        self.child.stdin = None;
    }

    fn ends(&mut self) {
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
    }
}

/// A port that nobody has, and that the kernel gives to no client (ip_local_port_range).
fn free_port() -> u16 {
    loop {
        let drawn = 10_000 + RandomState::new().hash_one(()) % 22_768;
        let port = u16::try_from(drawn).expect("below 32768");
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        if socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).is_ok() {
            return port;
        }
    }
}

/// Waits until somebody listens there. (To connect would be to take the place of the one who is expected.)
fn until_listening(port: u16) {
    let listens = format!(" 0100007F:{port:04X} 00000000:0000 0A ");
    while !fs::read_to_string("/proc/net/tcp").expect("Linux").contains(&listens) {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn our_chat_talks_with_explore_chat_and_with_nc() {
    let Some(python) = python_itself() else { return };
    let ours =
        concat!(env!("CARGO_MANIFEST_DIR"), "/lessons/12-chat/exercise/solution/python/chat.py");
    let ours = |side: &str, port: u16| {
        Talker::starts(Command::new(&python).args([ours, side, &port.to_string()]))
    };
    let theirs = |side: &str, port: u16| {
        let at = format!("127.0.0.1:{port}");
        Talker::starts(&mut explore(&["chat", side, "--address", &at]))
    };
    let nc = |side: &str, port: u16| {
        let port = port.to_string();
        let mut nc = require("nc")?;
        if side == "server" {
            nc.arg("-l");
        }
        Some(Talker::starts(nc.args(["-N", "127.0.0.1", &port])))
    };
    type Starts<'a> = &'a dyn Fn(&str, u16) -> Option<Talker>;
    let starts: [Starts; 2] = [&|side, port| Some(theirs(side, port)), &nc];
    for theirs in starts {
        for ours_is_server in [true, false] {
            let port = free_port();
            let (mut ours, theirs) = if ours_is_server {
                let ours = ours("server", port);
                until_listening(port);
                (ours, theirs("client", port))
            } else {
                let Some(theirs) = theirs("server", port) else { return };
                until_listening(port);
                (ours("client", port), Some(theirs))
            };
            let Some(mut theirs) = theirs else { return };
            ours.types("你好\n");
            theirs.shows("你好");
            ours.types("在吗？\n");
            theirs.shows("在吗？");
            theirs.types("你也好啊\n");
            ours.shows("Jack: 你也好啊");
            theirs.ends_its_input();
            ours.ends(); // though its own input has not ended
            theirs.ends();
        }
    }
    // We leave first, and hear the last word.
    let port = free_port();
    let mut theirs = theirs("server", port);
    until_listening(port);
    let mut ours = ours("client", port);
    ours.types("再见\n");
    ours.ends_its_input();
    theirs.shows("再见");
    theirs.types("保重\n");
    ours.shows("Jack: 保重");
    theirs.ends_its_input();
    ours.ends();
    theirs.ends();
}
