//! The program as a shell's job: stopped with Ctrl-Z, resumed with `fg`, killed while it is stopped or in the background.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::Signal;
use nix::sys::termios::LocalFlags;
use nix::unistd::Pid;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::person::Person;
use crate::support::{isolated, require};
use crate::trace::runs;

/// Shells that leave the terminal's mode to their jobs while they wait for a command line themselves.
const SHELLS: [&[&str]; 2] =
    [&["bash", "--norc", "--noprofile", "--noediting", "-i"], &["zsh", "-f", "+Z", "-i"]];
const PROMPT: &str = "shell> ";
/// How often each is stopped and resumed: what goes wrong may do so seldom.
const TIMES: usize = 12;

/// What takes the terminal.
struct Job {
    arguments: String,
    /// What is on the screen when it waits for a key.
    shows: &'static str,
    /// Whether it reads key by key.
    is_raw: bool,
    leaves_by: &'static str,
    /// Where a peer connects first, in the abstract namespace.
    meets: Option<String>,
}

fn jobs() -> Vec<Job> {
    let job = |arguments: &str, shows, is_raw| Job {
        arguments: arguments.to_owned(),
        shows,
        is_raw,
        leaves_by: "q\n",
        meets: None,
    };
    let chats = ["threads", "poll"].map(|style| {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("explore-job-{}-{next}", std::process::id());
        let arguments = format!("chat server --style {style} --address unix:@{name}");
        let chat = job(&arguments, "send message> ", true);
        Job { leaves_by: "/quit\n", meets: Some(name), ..chat }
    });
    let mut all = vec![
        job("run by-hand-and-by-framework --step", "Enter makes this call", true),
        job("lesson 1", "Enter on", true),
    ];
    all.extend(chats);
    all
}

/// Someone at a shell.
fn at_shell(shell: &[&str]) -> Option<Person> {
    let mut command = require(shell[0])?;
    isolated(&mut command).args(&shell[1..]).env("PS1", PROMPT).env("HISTFILE", "");
    let program = env!("CARGO_BIN_EXE_explore");
    let folder = std::path::Path::new(program).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", folder.display()));
    let mut person = Person::sits_down(80, 24, &mut command);
    person.sees(PROMPT);
    Some(person)
}

fn is_raw(person: &Person) -> bool {
    !person.mode().local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO)
}

/// Waits until the terminal is as the job has it: what it shows may come first.
fn takes_the_terminal(person: &Person, job: &Job) {
    while is_raw(person) != job.is_raw {
        std::thread::yield_now();
    }
}

/// For each shell and each job: someone who has just started it.
fn each(mut act: impl FnMut(Person, &Job, &str)) {
    for shell in SHELLS {
        for job in jobs() {
            let Some(mut person) = at_shell(shell) else { continue };
            person.types(&format!("explore {}\n", job.arguments));
            let _peer = job.meets.as_ref().map(|name| {
                person.sees("waiting for connection...");
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("socket");
                let to = SockAddr::unix(format!("\0{name}")).expect("short");
                socket.connect(&to).expect("it listens");
                socket
            });
            person.sees(job.shows);
            act(person, &job, &format!("{}: {}", shell[0], job.arguments));
        }
    }
}

/// Stops the job, and waits for the shell.
fn stops(person: &mut Person, what: &str) {
    person.stops_until(PROMPT);
    assert!(!is_raw(person), "{what}");
    assert!(!person.screen().alternate_screen(), "{what}");
    assert!(!person.screen().bracketed_paste(), "{what}");
}

/// Waits until the job is no more, which is stopped and is killed now.
fn is_killed(person: &mut Person, command: &str, what: &str) {
    let job = child_of(person, what);
    person.types(command);
    while runs(job.as_raw().cast_unsigned()) {
        std::thread::yield_now();
    }
    // A shell that has not noticed yet refuses the first for its stopped job.
    person.types_until_it_ends("exit\n", PROMPT);
    assert!(person.leaves().0.is_some());
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    each(|mut person, job, what| {
        for _ in 0..TIMES {
            stops(&mut person, what);
            person.types("fg\n");
            person.sees(job.shows);
            takes_the_terminal(&person, job);
        }
        person.types(job.leaves_by);
        person.sees(PROMPT);
        person.types("exit\n");
        assert!(person.leaves().0.is_some());
    });
}

#[test]
fn a_stopped_program_ends_when_it_is_killed() {
    each(|mut person, _, what| {
        stops(&mut person, what);
        is_killed(&mut person, "kill %1\n", what);
    });
}

#[test]
fn in_the_background_it_stops_again_and_ends_when_it_is_killed() {
    each(|mut person, job, what| {
        stops(&mut person, what);
        goes_to_the_background(&mut person, "bg\n");
        person.types("fg\n");
        person.sees(job.shows);
        stops(&mut person, what);
        goes_to_the_background(&mut person, "bg\n");
        is_killed(&mut person, "kill %1\n", what);
    });
}

/// Waits until the job has stopped there: the shell says so when it has noticed, with its next prompt.
fn goes_to_the_background(person: &mut Person, command: &str) {
    person.types(command);
    while person.sees_one_of(&["topped", "suspended", PROMPT]).0 == 2 {
        person.types("\n");
    }
}

#[test]
fn started_in_the_background_it_stops_where_it_would_read_and_ends_when_it_is_killed() {
    for shell in SHELLS {
        for job in jobs() {
            let Some(mut person) = at_shell(shell) else { continue };
            let what = &format!("{}: {}", shell[0], job.arguments);
            goes_to_the_background(&mut person, &format!("explore {} &\n", job.arguments));
            assert!(!is_raw(&person));
            is_killed(&mut person, "kill %1\n", what);
        }
    }
}

#[test]
fn stopped_by_another_it_takes_the_terminal_again() {
    each(|mut person, job, what| {
        for signal in [Signal::SIGTSTP, Signal::SIGSTOP] {
            nix::sys::signal::kill(child_of(&person, what), signal).expect("kill");
            person.sees(PROMPT);
            person.types("fg\n");
            person.sees(job.shows);
            takes_the_terminal(&person, job);
        }
        person.types(job.leaves_by);
        person.sees(PROMPT);
    });
}

/// The shell's only job.
fn child_of(person: &Person, what: &str) -> Pid {
    let shell = person.pid();
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
    let children = children.expect("a process");
    let child = children.trim().parse().unwrap_or_else(|_| {
        panic!("{what}: {children:?}, and on the screen\n{}", person.screen().contents())
    });
    Pid::from_raw(child)
}

#[test]
fn without_a_shell_nothing_stops_and_ctrl_backslash_leaves_a_whole_terminal() {
    for job in jobs().into_iter().filter(|job| job.meets.is_none()) {
        let sits_down = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
            Person::sits_down(80, 24, isolated(&mut command).args(job.arguments.split(' ')))
        };
        let mut person = sits_down();
        person.sees(job.shows);
        // Nobody could let it go on: the kernel does not stop it, and it shows itself again.
        person.types("\x1a");
        person.sees(job.shows);
        takes_the_terminal(&person, &job);
        person.types("\x1c");
        assert_eq!(person.leaves().0, Some(131), "{}", job.arguments);
        for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
            let mut person = sits_down();
            person.sees(job.shows);
            nix::sys::signal::kill(person.pid(), signal).expect("kill");
            assert_eq!(person.leaves().0, Some(code), "{}", job.arguments);
        }
    }
}
