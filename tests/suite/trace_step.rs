//! `explore trace --step` and `--pace`: programs that are not ours, call by call.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{Call, Ending, EventKind, Note, SocketType, Syscall, SyscallKind};
use tempfile::TempDir;

use crate::person::Person;
use crate::step::{held_before_made, recorded};
use crate::support::{ended, explore, file, folder, require, utf8};
use crate::trace::runs;

/// A server for one client. It writes its port before it listens.
const SERVER: &str = "\
import asyncio, selectors, socket
with socket.socket() as listener:
    listener.bind(('127.0.0.1', 0))
    with open('port', 'w') as port:
        port.write(str(listener.getsockname()[1]))
    listener.listen()
    print('the server listens')
    conn, _ = listener.accept()
    with conn:
        while data := conn.recv(1024):
            conn.sendall(data.upper())
";

const CLIENT: &str = "\
import socket
with socket.create_connection(('127.0.0.1', int(open('port').read()))) as one:
    name = input('Your name: ')
    one.sendall(name.encode())
    print('got ' + one.recv(1024).decode())
";

/// A server that gets the addresses that it may bind to as getaddrinfo(3) sorts them: by what the kernel says of each to a UDP socket.
const PASSIVE: &str = "\
import asyncio, encodings.idna, socket
for family, kind, protocol, _, address in socket.getaddrinfo(
    None, '0', socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_PASSIVE
):
    with socket.socket(family, kind, protocol) as listener:
        listener.bind(address)
        listener.listen()
    break
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    own.connect(('127.0.0.1', 9))
";

/// It tells its process and waits for a client that never comes.
const WAITS: &str = "\
import os, socket
one = socket.socket()
one.bind(('127.0.0.1', 0))
print('process', os.getpid(), 'waits')
one.listen()
one.accept()
";

fn programs() -> Option<TempDir> {
    require("python3")?;
    let folder = folder();
    for (name, text) in [("server.py", SERVER), ("client.py", CLIENT), ("waits.py", WAITS)] {
        file(&folder, name, text);
    }
    Some(folder)
}

/// A learner sits down before `explore trace` in this folder, where it records.
fn learner(folder: &TempDir, args: &[&str]) -> Person {
    let path = folder.path().join("run.jsonl");
    let all = [&["--color", "never", "trace", "--record", utf8(&path)], args].concat();
    Person::sits_down(80, 24, explore(&all).current_dir(folder.path()))
}

fn recording(folder: &TempDir) -> Recording {
    recorded(&folder.path().join("run.jsonl"))
}

/// Compiles a program in C with its lines; `None`, and a word about it, where there is no compiler.
fn compiled(source: &Path, program: &Path) -> Option<()> {
    let mut cc = require("cc")?;
    let built = cc.args(["-g", "-pthread", "-o"]).arg(program).arg(source).status();
    assert!(built.expect("cc runs").success(), "{}", source.display());
    Some(())
}

/// Presses Enter, step by step, until this is written to the screen.
fn enters_until(learner: &mut Person, text: &str) {
    let mut entered = String::new();
    while learner.sees_one_of(&[text, "next: "]).0 > 0 {
        // A step is drawn again when something happens meanwhile: Enter is for each once.
        let step = learner.screen().contents().lines().next().unwrap_or_default().to_owned();
        if step != entered {
            learner.types("\r");
            entered = step;
        }
    }
}

/// Looks at all results, until the last sentence.
fn sees_results(learner: &mut Person) {
    while learner.sees_one_of(&["This run was stepped", "Enter on · "]).0 > 0 {
        learner.types("\r");
    }
}

/// The time in which at least one call was held.
fn held_ns(recording: &Recording) -> u64 {
    let (mut held, mut since_ns, mut all_ns) = (0_u64, 0, 0);
    for event in recording.events() {
        match &event.what {
            EventKind::Held(_) => {
                if held == 0 {
                    since_ns = event.at_ns;
                }
                held += 1;
            }
            EventKind::Enter(call) if was_held(recording, event.process, call.id) => {
                held -= 1;
                if held == 0 {
                    all_ns += event.at_ns - since_ns;
                }
            }
            _ => {}
        }
    }
    all_ns
}

fn was_held(recording: &Recording, process: u32, call: u64) -> bool {
    recording.events().iter().any(|event| {
        event.process == process && matches!(&event.what, EventKind::Held(held) if held.id == call)
    })
}

/// What was printed by this program, or typed for it.
fn at_terminal(recording: &Recording, name: &str) -> String {
    let texts = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Printed { program, text } | EventKind::Typed { program, text } => {
            (**program == *name).then_some(text.as_str())
        }
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_server_and_its_client_are_stepped_through_and_a_line_is_typed_for_one() {
    let Some(folder) = programs() else { return };
    let mut learner = learner(&folder, &["--step", "python3 server.py", "python3 client.py"]);
    learner.sees("· step 1");
    learner.sees("with socket.socket() as listener:");
    learner.sees("next: server calls socket(AF_INET");
    learner.types("\r");
    learner.sees("· step 2");
    let screen = learner.sees("next: server calls bind(");
    assert!(screen.contains("▶ server   3      listener.bind("), "{screen}");
    assert!(!screen.contains("127.0.0.1:0) = 0"), "it has not been made: {screen}");
    learner.types("\r");
    // What is printed stands among the calls, after those that were made before.
    enters_until(&mut learner, "prints: the server listens");
    enters_until(&mut learner, "next: client calls read(0");
    learner.sees("i types");
    learner.types("iAda");
    learner.sees("a line for client: Ada");
    learner.types("\r");
    enters_until(&mut learner, "typed: Ada");
    enters_until(&mut learner, "prints: got ADA");
    enters_until(&mut learner, "the run is over");
    learner.types("\r");
    let (_, printed) = learner.sees_one_of(&["Your name: Ada\r\ngot ADA\r\n"]);
    assert!(printed.contains("the server listens\r\n"), "{printed}");
    sees_results(&mut learner);
    assert_eq!(learner.leaves().0, Some(0));

    let recording = recording(&folder);
    assert!(held_before_made(&recording) >= 12, "socket, bind, …");
    assert_eq!(recording.ending(), Some(&Ending::Finished));
    assert_eq!(at_terminal(&recording, "server"), "the server listens\n");
    assert_eq!(at_terminal(&recording, "client"), "Your name: Ada\ngot ADA\n");
    let held = recording.events().iter().filter(|event| matches!(event.what, EventKind::Held(_)));
    let lines: Vec<_> = held.filter_map(|event| Some(event.site()?.line)).collect();
    assert!(!lines.contains(&1), "what modules do when they are imported is not held: {lines:?}");
}

#[test]
fn pace_goes_by_itself_and_the_programs_keep_their_streams() {
    let Some(folder) = programs() else { return };
    file(&folder, "name", "Ada\n");
    let path = folder.path().join("run.jsonl");
    let args = ["trace", "--pace", "1ms", "--record", utf8(&path), "--stdin", "client=name"];
    let mut command = explore(&[&args[..], &["python3 server.py", "python3 client.py"]].concat());
    let (text, error, code) = ended(command.current_dir(folder.path()));
    assert_eq!((code, error.as_str()), (Some(0), ""), "{text}");
    let (next, back) = (text.find("next: server calls bind("), text.find("127.0.0.1:0) = 0"));
    assert!(next.is_some() && next < back, "first what is about to be made: {text}");
    assert!(text.contains("got ADA") && text.contains("This run was stepped"), "{text}");
    let recording = recorded(&path);
    assert!(held_before_made(&recording) >= 10);
    assert_eq!(at_terminal(&recording, "client"), "", "its output is not ours");
}

#[test]
fn ctrl_c_is_for_the_programs_and_what_happened_is_shown() {
    let Some(folder) = programs() else { return };
    let mut learner = learner(&folder, &["--step", "--", "python3", "waits.py"]);
    enters_until(&mut learner, "next: waits calls accept");
    learner.types("\u{3}");
    learner.sees("KeyboardInterrupt");
    sees_results(&mut learner);
    assert_eq!(learner.leaves().0, Some(130), "Python ends by the signal");
    let signalled =
        |what: &EventKind| matches!(what, EventKind::Signalled { signal } if signal == "SIGINT");
    let recording = recording(&folder);
    assert!(recording.events().iter().any(|event| signalled(&event.what)));
    assert_eq!(recording.ending(), Some(&Ending::Finished));
}

#[test]
fn after_ctrl_c_no_other_program_is_started_though_the_held_one_listens_then() {
    let Some(folder) = programs() else { return };
    let mut learner = learner(&folder, &["--step", "python3 waits.py", "python3 client.py"]);
    enters_until(&mut learner, "next: waits calls listen");
    learner.types("\u{3}");
    learner.sees("KeyboardInterrupt");
    sees_results(&mut learner);
    assert_eq!(learner.leaves().0, Some(130), "Python ends by the signal");
    let recording = recording(&folder);
    let not_started = |what: &EventKind| matches!(what, EventKind::Note { note: Note::NotStarted { program } } if &**program == "client");
    assert!(recording.events().iter().any(|event| not_started(&event.what)));
    assert!(recording.events().iter().all(|event| &*event.actor != "client"));
}

/// The process that the program has printed, once that is on the screen.
fn process_of_waits(learner: &mut Person) -> Pid {
    enters_until(learner, "prints: process ");
    loop {
        learner.sees(" waits");
        // A step may be drawn again between these words.
        let screen = learner.screen().contents();
        let printed = screen.split_once("prints: process ");
        let number = printed.and_then(|(_, rest)| rest.split_once(" waits"));
        if let Some(Ok(number)) = number.map(|(number, _)| number.parse()) {
            return Pid::from_raw(number);
        }
    }
}

/// Waits until the process is gone, or a zombie.
fn is_gone(process: Pid) {
    while runs(process.as_raw().cast_unsigned()) {
        std::thread::yield_now();
    }
}

#[test]
fn a_program_that_is_killed_while_it_is_held_makes_no_call() {
    let Some(folder) = programs() else { return };
    let mut learner = learner(&folder, &["--step", "--", "python3", "waits.py"]);
    let process = process_of_waits(&mut learner);
    learner.sees("next: waits calls listen(");
    kill(process, Signal::SIGKILL).expect("it was there");
    learner.sees("the run is over");
    learner.types("\r");
    sees_results(&mut learner);
    assert_eq!(learner.leaves().0, Some(137));
    let recording = recording(&folder);
    let is_listen = |what: &EventKind| matches!(what, EventKind::Enter(call) if call.kind() == SyscallKind::Listen);
    assert!(!recording.events().iter().any(|event| is_listen(&event.what)));
}

#[test]
fn q_and_a_signal_leave_nothing_behind() {
    let Some(folder) = programs() else { return };
    for signal in [None, Some(Signal::SIGTERM), Some(Signal::SIGHUP)] {
        let mut learner = learner(&folder, &["--step", "--", "python3", "waits.py"]);
        let process = process_of_waits(&mut learner);
        match signal {
            None => learner.types("q"),
            Some(signal) => kill(learner.pid(), signal).expect("it runs"),
        }
        let code = signal.map_or(130, |signal| 128 + signal as i32);
        assert_eq!(learner.leaves().0, Some(code));
        is_gone(process);
        assert_eq!(recording(&folder).ending(), Some(&Ending::Interrupted));
    }
    let mut learner = learner(&folder, &["--step", "--", "python3", "waits.py"]);
    let process = process_of_waits(&mut learner);
    learner.is_killed();
    is_gone(process);
}

#[test]
fn time_in_which_a_call_is_held_does_not_count() {
    // In C: it starts in no time.
    let folder = folder();
    let source = file(
        &folder,
        "waits.c",
        "#include <sys/socket.h>\nint main(void) {\n    int one = socket(AF_INET, SOCK_STREAM, 0);\n    \
         return listen(one, 1) || accept(one, 0, 0) < 0;\n}\n",
    );
    let Some(()) = compiled(&source, &folder.path().join("waits")) else { return };
    let path = folder.path().join("run.jsonl");
    let args =
        ["trace", "--pace", "400ms", "--for", "1s", "--record", utf8(&path), "--", "./waits"];
    let mut command = explore(&args);
    let (text, error, code) = ended(command.current_dir(folder.path()));
    assert_eq!((code, error.as_str()), (Some(124), ""), "{text}");
    let recording = recorded(&path);
    let deadline = recording.events().iter().find_map(|event| match &event.what {
        EventKind::Deadline { limit_ns, .. } => Some((event.at_ns, *limit_ns)),
        _ => None,
    });
    let (at_ns, limit_ns) = deadline.expect("it waits for ever");
    assert_eq!(limit_ns, 1_000_000_000);
    assert!(held_before_made(&recording) > 0, "{text}");
    assert!(at_ns >= limit_ns + held_ns(&recording), "{at_ns} {}", held_ns(&recording));
}

#[test]
fn two_hundred_threads_are_held_and_let_go() {
    let folder = folder();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/trace/held_threads.c");
    let Some(()) = compiled(&source, &folder.path().join("held")) else { return };
    let mut learner = learner(&folder, &["--step", "--", "./held", "200"]);
    // Three times the main thread is held, and from then on it makes its pairs at once.
    while learner.sees_one_of(&["prints: 200 threads are held", "next: held calls "]).0 > 0 {
        learner.types("\r");
    }
    learner.types("e");
    sees_results(&mut learner);
    assert_eq!(learner.leaves().0, Some(0));
    let recording = recording(&folder);
    assert_eq!(recording.ending(), Some(&Ending::Finished));
    assert!(held_before_made(&recording) >= 200);
}

#[test]
fn what_a_library_looks_for_by_a_socket_of_its_own_is_not_held_and_starts_no_program() {
    let Some(folder) = programs() else { return };
    file(&folder, "passive.py", PASSIVE);
    let path = folder.path().join("run.jsonl");
    // Longer than a program is waited for that has called another.
    let args = ["trace", "--pace", "400ms", "--record", utf8(&path)];
    let mut command = explore(&[&args[..], &["python3 passive.py", "python3 -c pass"]].concat());
    let (text, _, code) = ended(command.current_dir(folder.path()));
    assert_eq!(code, Some(0), "{text}");
    let recording = recorded(&path);
    let is_udp = |call: &Call| matches!(&call.syscall, Syscall::Socket { kind, .. } if *kind == SocketType::Datagram);
    let entered = recording.events().iter().filter_map(|event| match &event.what {
        EventKind::Enter(call) => Some(call),
        _ => None,
    });
    let udp: Vec<_> = entered.filter(|call| is_udp(call)).collect();
    assert_eq!(udp.len(), 1, "the program's own, though it sends nothing: {text}");
    assert!(udp[0].site.as_ref().is_some_and(|site| site.line == 9), "{udp:?}");
}
