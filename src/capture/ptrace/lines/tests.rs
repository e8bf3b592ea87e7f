//! Programs that wait in a system call, stopped as the tracer stops them, and the line at which each of their threads is.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::{Line, Lines};
use crate::capture::sys;

/// Whether a program is installed. In CI (`CI=true`) all are.
fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = program.starts_with('/')
        || env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(found || env::var_os("CI").is_none_or(|ci| ci != "true"), "{program} is not installed");
    found
}

/// A program that runs until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts a program, and waits until it has written a line.
    fn start(command: &mut Command) -> Running {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("a line");
        assert_eq!(ready.trim(), "ready", "{command:?}");
        Running(child)
    }

    /// Starts a program, and waits until all its threads wait in a system call.
    fn start_and_wait(command: &mut Command) -> Running {
        let running = Running::start(command);
        let process = running.id();
        // A thread of Python's may first wait for the interpreter's lock.
        let waits = |thread: &u32| {
            sys::is_asleep(process, *thread) == Some(true)
                && sys::waits_for_a_lock(process, *thread) != Some(true)
        };
        sys::look_until(|| running.threads().iter().all(waits).then_some(()));
        running
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    /// The TIDs of its threads, in the order in which they were started.
    fn threads(&self) -> Vec<u32> {
        let folder = fs::read_dir(format!("/proc/{}/task", self.id())).expect("threads");
        let names = folder.map(|entry| entry.expect("an entry").file_name());
        names.map(|name| name.to_string_lossy().parse().expect("a TID")).collect()
    }

    /// The line of each of its threads.
    fn lines(&self, lines: &mut Lines) -> Vec<Option<Line>> {
        self.threads().into_iter().map(|thread| self.line(thread, lines)).collect()
    }

    /// The line of a thread, which is stopped while it is looked at.
    fn line(&self, thread: u32, lines: &mut Lines) -> Option<Line> {
        let id = Pid::from_raw(thread.cast_signed());
        ptrace::seize(id, ptrace::Options::empty()).expect("traced");
        ptrace::interrupt(id).expect("interrupted");
        waitpid(id, Some(WaitPidFlag::__WALL)).expect("stopped");
        let line = lines.line(self.id(), thread);
        ptrace::detach(id, None).expect("let go");
        line
    }
}

/// A source file in a folder of its own.
struct Source {
    folder: TempDir,
    path: PathBuf,
}

impl Source {
    fn new(name: &str, text: &str) -> Source {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path");
        let path = root.join(name);
        fs::write(&path, text).expect("written");
        Source { folder, path }
    }

    /// Compiles it; `None` if the compiler is not installed.
    fn compiled(&self, compiler: &str, options: &[&str]) -> Option<PathBuf> {
        if !installed(compiler) {
            return None;
        }
        let program = self.folder.path().join("program");
        let mut command = Command::new(compiler);
        command
            .args(options)
            .arg("-o")
            .arg(&program)
            .arg(&self.path)
            .current_dir(self.folder.path())
            .env("GOCACHE", self.folder.path().join("cache")); // Go wants one where there is no HOME
        assert!(command.status().expect("compiled").success(), "{command:?}");
        Some(program)
    }

    /// The line with this mark at its end.
    fn marked(&self, mark: &str) -> u32 {
        let text = fs::read_to_string(&self.path).expect("read");
        let at = text.lines().position(|line| line.trim_end().ends_with(mark)).expect(mark);
        u32::try_from(at).expect("a line") + 1
    }

    /// What is expected of a thread that waits at the marked line.
    fn at(&self, mark: &str, function: Option<&str>) -> Option<Line> {
        let file = self.path.to_str().expect("UTF-8").to_owned();
        let site = crate::trace::Site { file: file.into(), line: self.marked(mark) };
        Some(Line { site, function: function.map(str::to_owned), is_import: false })
    }
}

mod damage;
mod native;
mod python;
