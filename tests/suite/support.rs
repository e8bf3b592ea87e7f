//! What several tests share: the program to run, the tools it is compared with, scratch folders.

use std::ffi::{OsStr, OsString};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};

use socket_explorer::lesson::{self, Lesson};
use socket_explorer::trace::EventKind;
use socket_explorer::trace::packet::Frame;
use socket_explorer::trace::recording::{self, Recording};
use tempfile::TempDir;

/// A child that does not outlive the test: where an assertion fails, it is killed.
pub struct ChildGuard(Option<Child>);

impl ChildGuard {
    pub fn spawn(command: &mut Command) -> ChildGuard {
        ChildGuard(Some(command.spawn().expect("it starts")))
    }

    pub fn output(mut self) -> Output {
        let child = self.0.take().expect("it runs");
        child.wait_with_output().expect("it ends")
    }
}

impl Deref for ChildGuard {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().expect("it runs")
    }
}

impl DerefMut for ChildGuard {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().expect("it runs")
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

/// What a program wrote to standard output and to standard error, and its exit code.
pub type Ended = (String, String, Option<i32>);

/// The program, run for someone who has begun no lesson.
pub fn explore(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    isolated(&mut command).args(args);
    command
}

/// Runs it in a C locale, without anything that the tester's own settings say, and with nobody at its keyboard.
pub fn isolated(command: &mut Command) -> &mut Command {
    for variable in
        ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CARGO", "LANG", "LC_MESSAGES", "LANGUAGE"]
    {
        command.env_remove(variable);
    }
    command.env("PATH", search_path()).env("LC_ALL", "C");
    command.env("XDG_STATE_HOME", nobodys_state()).stdin(Stdio::null())
}

/// Where nobody's progress is kept: a folder that no other command has, now or in an earlier run of the tests.
fn nobodys_state() -> PathBuf {
    static ALL: LazyLock<TempDir> = LazyLock::new(|| {
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder")
    });
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    ALL.path().join(NEXT.fetch_add(1, Ordering::Relaxed).to_string())
}

/// Runs a command to its end. What `explore` says of a file that it wrote is left out; `outputs` tests that.
pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let is_of_file = |line: &&str| {
        let line = line.trim_end();
        line.starts_with("explore: ")
            && ["bytes)", "\u{5b57}\u{8282}\u{ff09}", "none crossed the wire"]
                .iter()
                .any(|end| line.ends_with(end))
    };
    let error = text(output.stderr);
    let error = error.split_inclusive('\n').filter(|line| !is_of_file(line)).collect();
    (text(output.stdout), error, output.status.code())
}

/// Runs `explore` with these arguments to its end.
pub fn told(args: &[&str]) -> Ended {
    ended(&mut explore(args))
}

/// A program that a test needs. Where it is not installed the test has to return, and says so; in CI (`CI=true`) it fails,
/// for `.ci/run` installs all of them.
pub fn require(tool: &str) -> Option<Command> {
    if is_installed(tool) {
        return Some(Command::new(tool));
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{tool} is not installed");
    eprintln!("skipped: {tool} is not installed");
    None
}

/// Whether there is such a program here.
pub fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

/// The path of the Python that `python3` runs: itself, and no wrapper script, whose shells would be traced too.
pub fn python_itself() -> Option<String> {
    static PATH: OnceLock<Option<String>> = OnceLock::new();
    let ask = || {
        let asked = require("python3")?.args(["-c", "import sys; print(sys.executable)"]).output();
        let path = String::from_utf8(asked.expect("Python runs").stdout).expect("a path");
        Some(path.trim().to_owned())
    };
    PATH.get_or_init(ask).clone()
}

/// The search path, with the folder of [`python_itself`] in front.
fn search_path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let python = python_itself().and_then(|python| Some(Path::new(&python).parent()?.to_owned()));
    let folders = python.into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}

/// An empty folder, which is removed with what is in it when it is dropped.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Writes a file, and gives its path.
pub fn file(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    path
}

/// The recordings of a file, which is whole.
pub fn recordings(path: &Path) -> Vec<Recording> {
    let contents = recording::read(&*std::fs::read(path).expect("recorded"));
    assert_eq!(contents.damage, None, "{}", path.display());
    contents.recordings
}

/// The block of a lesson that runs this experiment, with the claims that the course names.
pub fn experiment_block(name: &str) -> String {
    let lessons = lesson::lessons().expect("every lesson is well formed");
    let mut shows = lessons.iter().flat_map(Lesson::shows);
    let show = shows.find(|show| show.experiment.name == name).expect("it is in the course");
    let claims = show.claims.iter().map(|line| format!("{}: {}\n", line.name, line.sentence));
    format!("```experiment {name}\nview: ladder\n{}```\n", claims.collect::<String>())
}

pub fn utf8(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Does this for each, a few at a time: a run of an experiment mostly waits.
pub fn for_each<T: Sync>(all: &[T], act: impl Fn(&T) + Sync) {
    const AT_A_TIME: usize = 4;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    act(one);
                }
            });
        }
    });
}

/// The frames that crossed the wire.
pub fn frames(recording: &Recording) -> Vec<&Frame> {
    let frames = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Frame(frame) => Some(&**frame),
        _ => None,
    });
    frames.collect()
}

/// What a run that is ended by a limit gives: the first that is as it should be, or the last. On a busy machine programs may not
/// have begun by the first limit.
pub fn by_a_limit<T>(run: impl Fn(&str) -> T, is_right: impl Fn(&T) -> bool) -> T {
    let mut given = run("2s");
    for limit in ["15s", "60s"] {
        if is_right(&given) {
            break;
        }
        given = run(limit);
    }
    given
}

/// Copies a program that is then executed. Another process copies it: a file that this one has open for writing could be
/// inherited by a child that another test is about to start, and then it is "Text file busy" (execve(2), ETXTBSY).
pub fn executable_copy(program: impl AsRef<OsStr>, to: &Path) {
    let status = Command::new("cp").arg(program).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "{to:?} is a copy");
}
