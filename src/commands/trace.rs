//! `trace`: programs of the learner's own, seen as the lessons show theirs.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::joining::Joining;
use super::page_file::PageFile;
use super::{Failure, Incomplete, Session, live, page, show, step};
use crate::analysis::{Analysis, StrayCall};
use crate::capture::child::{
    ExperimentRun, TraceJob, TracedProgram, program_name, programs_ended_by,
};
use crate::capture::join::Connection;
use crate::capture::link::Networks;
use crate::capture::sys;
use crate::cli;
use crate::i18n::tr;
use crate::labels;
use crate::output::messages::say;
use crate::picture::Ink;
use crate::signals::CTRL_C;
use crate::trace::recording::{Header, Origin, Program, Recording, is_of};
use crate::trace::rule::{Rule, words};
use crate::trace::{Address, Ending, Event, EventKind, LAB, Lack, Name, Note};
use crate::views::{View, wording};

/// The exit code if the programs were ended because their time was over, and none had failed before: that of timeout(1).
const TIME_IS_OVER: u8 = 124;

const VIEWS: [&str; 4] = ["ladder", "timeline", "sockets", "findings"];

/// Runs programs, and shows what they did.
pub fn run(args: &cli::Trace, session: &mut Session) -> Result<(), Failure> {
    let views = views_of(args)?;
    let programs = programs_of(args)?;
    let wire = wire_of(args)?;
    if wire.is_some() && programs.len() > Networks::MOST {
        return Err(Failure::TooManyPrograms(Networks::MOST));
    }
    if !sys::CAN_TRACE {
        let why = Incomplete::Unavailable(Lack::TracingElsewhere);
        return Err(Failure::Incomplete("trace".to_owned(), why));
    }
    let page_file = args.html.as_deref().map(PageFile::to).transpose()?;
    let (mut joining, other) = match args.join {
        Some(which) => {
            let (connection, header) = Connection::open(which).map_err(Failure::NotJoined)?;
            (Joining::Joins(connection), Some(header))
        }
        None if session.class.is_stepped() => (Joining::Alone, None),
        None => (Joining::open(wire.is_some()), None),
    };
    session.open_files()?;
    let told = tell_privileges(session, &programs)?;
    session.terminal.flush()?;
    let of = |it: &TracedProgram| Program { name: it.name.clone(), argv: it.argv.clone() };
    let origin = Origin::Programs(programs.iter().map(of).collect());
    let is_wired = wire.is_some();
    let job = TraceJob {
        programs,
        limit_ns: args.limit.map(|limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)),
        wire,
        rewrite: args.rewrite,
        stepped: session.class.is_stepped(),
        own_terminals: session.class.is_stepped() && session.terminal.is_interactive(),
        prints_to_stderr: session.takes_stdout(),
        ..TraceJob::default()
    };
    let run = ExperimentRun::trace(job)
        .map_err(|error| Failure::NotStarted("trace".to_owned(), error))?;
    let recording = Recording::new(Header::now(sys::name(), origin), Vec::new());
    let (recording, status) = if session.class.is_stepped() {
        let stepped = step::follow(session, run, recording)?;
        show::trace(session, &stepped.0)?;
        stepped
    } else {
        let followed = live::follow(session, run, recording, &mut joining)?;
        session.terminal.begin_line()?;
        followed
    };
    let is_elsewhere = match (joining, &other) {
        (Joining::Joins(connection), Some(other)) => hand_over(session, connection, other)?,
        _ => false,
    };
    if !is_elsewhere
        && matches!(
            recording.ending(),
            Some(Ending::Finished | Ending::Deadline | Ending::Interrupted)
        )
    {
        if let Some(nobody) = show::nobody(&recording, &args.only) {
            say(nobody);
        }
        let shown = show::only(&recording, &args.only);
        let remarks = remarks(&recording, is_wired, &told);
        show(session, &views, &shown, &remarks)?;
        if let Some(file) = page_file {
            write_page(session, &file, &views, &shown, &remarks)?;
        }
    }
    outcome(&recording, status.as_ref().ok().and_then(|status| status.code()))
}

/// Waits until the trace that was joined has all of ours, and says where it is shown; false if it ended before.
fn hand_over(
    session: &mut Session,
    connection: Connection,
    other: &Header,
) -> Result<bool, Failure> {
    let process = connection.process();
    let is_taken = connection.finish();
    let programs = other.name();
    let text = match is_taken {
        true => tr!(
            "What happened is shown in the other terminal, where {programs} is traced (process {process}), when that trace ends.",
            programs,
            process
        ),
        false => tr!(
            "The trace of {programs} (process {process}) has ended before, so what happened here is shown here.",
            programs,
            process
        ),
    };
    session.terminal.wrapped("", &text, Ink::Strong)?;
    session.terminal.flush()?;
    Ok(is_taken)
}

/// Shows what the programs did, and what is to be remarked.
fn show(
    session: &mut Session,
    views: &[View],
    recording: &Recording,
    remarks: &[(String, Ink)],
) -> Result<(), Failure> {
    if has_calls(recording) {
        show::pictures(session, views, recording)?;
    }
    session.terminal.together(|terminal| {
        remarks.iter().try_for_each(|(remark, ink)| terminal.wrapped("", remark, *ink))
    })?;
    Ok(session.terminal.flush()?)
}

/// Writes the page, and says so.
fn write_page(
    session: &mut Session,
    file: &PageFile,
    views: &[View],
    recording: &Recording,
    remarks: &[(String, Ink)],
) -> Result<(), Failure> {
    let mut troubles = show::deadline_text(recording);
    troubles.extend(remarks.iter().map(|(text, _)| text.clone()));
    let views = if has_calls(recording) { views } else { &[] };
    let command = "explore trace -v".to_owned();
    let replayed = page::replayed(session, recording, views, troubles, Vec::new(), command);
    page::write(session, file, vec![replayed])
}

fn has_calls(recording: &Recording) -> bool {
    let is_call = |event: &Event| matches!(event.what, EventKind::Enter(_) | EventKind::Return(_));
    recording.shown_events().any(is_call)
}

/// What is to be said below the pictures.
pub(super) fn remarks(recording: &Recording, is_wired: bool, told: &[Note]) -> Vec<(String, Ink)> {
    let mut all = Vec::new();
    if !has_calls(recording) {
        all.push((tr!("No program made a call on a socket.").to_owned(), Ink::Warn));
    }
    all.extend(stepped(recording).map(|text| (text.to_owned(), Ink::Warn)));
    for (actor, note) in notes(recording).into_iter().filter(|(_, note)| !told.contains(note)) {
        let text = match &**actor {
            LAB => wording::note(note),
            actor => format!("{}: {}", labels::actor(actor), wording::note(note)),
        };
        all.push((text, Ink::Warn));
    }
    if is_wired {
        all.extend(rewritten_calls(recording).into_iter().map(|text| (text, Ink::Faint)));
        all.extend(stray_calls(recording).into_iter().map(|text| (text, Ink::Warn)));
    }
    all
}

/// Says that calls were held, if they were.
fn stepped(recording: &Recording) -> Option<&'static str> {
    recording.is_stepped().then(|| {
        tr!("This run was stepped: its times include the pauses, so no fault that goes by time is looked for.")
    })
}

/// Which calls were led over the wire.
fn rewritten_calls(recording: &Recording) -> Vec<String> {
    let mut told: Vec<(&Name, &Address, &Address)> = Vec::new();
    let mut all = Vec::new();
    for event in recording.events() {
        let EventKind::Note { note: Note::Rewritten { from, to } } = &event.what else { continue };
        if !told.contains(&(&event.actor, from, to)) {
            told.push((&event.actor, from, to));
            let who = labels::actor(&event.actor);
            all.push(tr!(
                "{who} asked for {from}, and its call was led over the wire: the kernel got {to}.",
                who,
                from,
                to
            ));
        }
    }
    all
}

/// Whose calls were meant for a program that has another 127.0.0.1 than they.
fn stray_calls(recording: &Recording) -> Vec<String> {
    let analysis = Analysis::of(recording);
    let mut all = Vec::new();
    for StrayCall { call, other } in analysis.stray_calls() {
        let (span, other) = (&analysis.calls[call], &analysis.sockets[other]);
        let (Some(asked), Some(host)) = (span.call.syscall.address(), other.host) else { continue };
        let (who, whom) = (labels::actor(&span.actor), labels::actor(&other.owner));
        let mut words = tr!(
            "{who} called {asked}, but 127.0.0.1 never leaves a machine, and on the wire each program has a machine of its own: {whom} is at {host}.",
            who,
            asked,
            whom,
            host
        );
        if other.is_on_loopback() {
            words.push(' ');
            words += &tr!(
                "Nor does it hear others: let {whom} bind 0.0.0.0, every address of its machine.",
                whom
            );
        }
        all.push(words);
    }
    all
}

/// Tells which programs will not get the privileges of their files, before they start.
fn tell_privileges(
    session: &mut Session,
    programs: &[TracedProgram],
) -> Result<Vec<Note>, Failure> {
    let mut told = Vec::new();
    for program in programs {
        let file = program.argv.first().and_then(|word| sys::file_of_command(word));
        let Some((privilege, file)) = file.and_then(|file| Some((sys::privilege_of(&file)?, file)))
        else {
            continue;
        };
        let file = file.to_string_lossy().into_owned();
        let words = format!(
            "{}: {}",
            labels::actor(&program.name),
            wording::unprivileged(&file, privilege)
        );
        session.terminal.wrapped("", &words, Ink::Warn)?;
        told.push(Note::Unprivileged { file, privilege });
    }
    Ok(told)
}

/// What could not be seen, and of whom; each once. (Of calls that were led over the wire [`rewritten_calls`] tells, of processes
/// in the background what reads the recording as it comes.)
fn notes(recording: &Recording) -> Vec<(&Name, &Note)> {
    let mut all: Vec<(&Name, &Note)> = Vec::new();
    for event in recording.events() {
        if let EventKind::Note { note } = &event.what
            && !matches!(note, Note::Rewritten { .. } | Note::RunsOn { .. })
            && !all.contains(&(&event.actor, note))
        {
            all.push((&event.actor, note));
        }
    }
    all
}

/// The programs' exit code, or why they could not be traced.
fn outcome(recording: &Recording, worst: Option<i32>) -> Result<(), Failure> {
    let why = match recording.ending() {
        Some(Ending::Unavailable { why }) => Incomplete::Unavailable(why.clone()),
        Some(Ending::Failed { why }) => Incomplete::Failed(why.clone()),
        Some(ending) => {
            if *ending == Ending::Interrupted {
                return Err(Failure::Program(programs_ended_by().unwrap_or(CTRL_C)));
            }
            let is_over = *ending == Ending::Deadline;
            return match worst.and_then(|code| u8::try_from(code).ok()) {
                Some(0) if is_over => Err(Failure::Program(TIME_IS_OVER)),
                Some(0) => Ok(()),
                Some(code) => Err(Failure::Program(code)),
                None => Err(Failure::Program(1)),
            };
        }
        None => {
            let error = io::ErrorKind::UnexpectedEof.into();
            return Err(Failure::NotStarted("trace".to_owned(), error));
        }
    };
    Err(Failure::Incomplete("trace".to_owned(), why))
}

/// The views in which programs are shown if nobody chooses.
pub(super) fn views() -> Vec<View> {
    VIEWS.into_iter().filter_map(View::find).collect()
}

/// The views to show: those that were asked for, or as many of the usual ones as there are.
fn views_of(args: &cli::Trace) -> Result<Vec<View>, Failure> {
    if args.views.is_empty() { Ok(views()) } else { show::views_named(&args.views) }
}

/// The rules of the wire, if there is to be one; a rule alone asks for it.
fn wire_of(args: &cli::Trace) -> Result<Option<Vec<Rule>>, Failure> {
    let mut rules = Vec::new();
    for frames in &args.drop {
        rules.push(words::drop(frames)?);
    }
    rules.extend(args.loss.as_deref().map(words::loss).transpose()?);
    for delay in &args.delay {
        rules.push(words::delay(delay)?);
    }
    rules.extend(args.cut_after.as_deref().map(words::cut_after).transpose()?);
    let is_wanted = args.wire || args.rewrite || args.pcap.is_some() || !rules.is_empty();
    Ok(is_wanted.then_some(rules))
}

/// The programs of the command line.
fn programs_of(args: &cli::Trace) -> Result<Vec<TracedProgram>, Failure> {
    let mut programs = Vec::new();
    if args.command.is_empty() {
        // Words without a space between them are the words of one program, unless each is a program by itself.
        let is_plain = |word: &String| split_name(word).0.is_none() && !word.contains(' ');
        let words = &args.programs;
        if words.iter().all(is_plain) && !words.iter().all(|word| is_executable(word)) {
            programs.push(program(None, args.programs.clone()));
        } else {
            for line in &args.programs {
                let (name, line) = split_name(line);
                programs.push(program(name, words_of(line)?));
            }
        }
    } else {
        programs.push(program(None, args.command.clone()));
    }
    name_by_arguments(&mut programs);
    number_equal_names(&mut programs);
    for input in &args.stdin {
        let (name, file) = input.split_once('=').ok_or_else(|| no_program(input, &programs))?;
        let of_name = programs.iter().position(|program| is_called(program, name));
        let index = of_name.ok_or_else(|| no_program(name, &programs))?;
        programs[index].input = Some(file.to_owned());
    }
    // What a shell starts, or who joins a trace, has a name that nobody knows yet.
    let is_complete = programs.len() > 1 && !programs.iter().any(is_shell);
    let is_any = |name: &String| programs.iter().any(|program| is_of_program(name, program));
    match args.only.iter().find(|name| !is_any(name)).filter(|_| is_complete) {
        Some(name) => Err(no_program(name, &programs)),
        None => Ok(programs),
    }
}

/// True if it is called so, in the recording or as it is shown.
fn is_called(program: &TracedProgram, name: &str) -> bool {
    program.name == name || labels::actor(&program.name) == name
}

/// True for the name of the program, or of a thread or child of it.
fn is_of_program(name: &str, program: &TracedProgram) -> bool {
    is_of(name, &program.name) || name.starts_with(&*labels::actor(&program.name))
}

fn is_shell(program: &TracedProgram) -> bool {
    let first = program.argv.first().map(Path::new);
    let stem = first.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    ["sh", "bash", "dash", "zsh", "env", "make"].contains(&stem) || stem.ends_with(".sh")
}

fn no_program(name: &str, programs: &[TracedProgram]) -> Failure {
    let known = programs.iter().map(|program| labels::actor(&program.name).into_owned());
    Failure::NoSuchProgram { name: name.to_owned(), known: known.collect() }
}

fn program(name: Option<&str>, argv: Vec<String>) -> TracedProgram {
    let is_named = name.is_some();
    let name = name.map_or_else(|| program_name(&argv), str::to_owned);
    TracedProgram { name, is_named, argv, input: None }
}

/// The words of a command line, as a shell splits it.
pub(super) fn words_of(line: &str) -> Result<Vec<String>, Failure> {
    let words = shlex::split(line).filter(|words| !words.is_empty());
    words.ok_or_else(|| Failure::NoCommandLine(line.to_owned()))
}

/// Whether the word is the path of a file that may be run: `./server`.
fn is_executable(word: &str) -> bool {
    let path = Path::new(word);
    word.contains('/') && path.is_file() && sys::may_execute(path)
}

/// `server=python3 server.py`: a name, and the rest.
pub(super) fn split_name(word: &str) -> (Option<&str>, &str) {
    match word.split_once('=') {
        Some((name, rest)) if is_name(name) => (Some(name), rest),
        _ => (None, word),
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(char::is_alphabetic)
        && word.chars().all(|it| it.is_alphanumeric() || "-_".contains(it))
}

/// Names programs of one file by the argument that tells them apart, if there is one: `python3 chat.py server`.
fn name_by_arguments(programs: &mut [TracedProgram]) {
    let names: Vec<String> = programs.iter().map(|program| program.name.clone()).collect();
    for name in names.iter().collect::<HashSet<_>>() {
        let is_same = |program: &&mut TracedProgram| program.name == *name && !program.is_named;
        let same: Vec<&mut TracedProgram> = programs.iter_mut().filter(is_same).collect();
        let words = (1..).map(|at| {
            let at_this = same.iter().map(|program| program.argv.get(at).cloned());
            at_this.collect::<Option<Vec<String>>>()
        });
        let tell_apart = |words: &Vec<String>| {
            let different: HashSet<&String> = words.iter().collect();
            different.len() == words.len()
                && words.iter().all(|word| is_name(word) && !names.contains(word))
        };
        let Some(words) = words.map_while(|words| words).find(tell_apart) else { continue };
        if same.len() > 1 {
            for (program, word) in same.into_iter().zip(words) {
                (program.name, program.is_named) = (word, true);
            }
        }
    }
}

fn number_equal_names(programs: &mut [TracedProgram]) {
    let mut taken: HashSet<String> = HashSet::new();
    for program in programs {
        let name = program.name.clone();
        let numbered = (2..).map(|number| format!("{name} {number}"));
        let free = [name.clone()].into_iter().chain(numbered).find(|it| !taken.contains(it));
        program.name = free.unwrap_or(name);
        taken.insert(program.name.clone());
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn parsed(words: &[&str]) -> Result<Vec<TracedProgram>, Failure> {
        let cli = cli::Cli::parse_from(["explore", "trace"].iter().chain(words));
        match &cli.command {
            Some(cli::Command::Trace(args)) => programs_of(args),
            other => panic!("{other:?}"),
        }
    }

    fn names_and_words(words: &[&str]) -> Vec<(String, usize)> {
        let programs = parsed(words).expect("command lines");
        programs.into_iter().map(|it| (it.name, it.argv.len())).collect()
    }

    #[test]
    fn a_word_with_spaces_is_a_command_line_and_words_without_are_one_program() {
        let one = [("server".to_owned(), 3)];
        assert_eq!(names_and_words(&["--", "python3", "server.py", "-v"]), one);
        assert_eq!(names_and_words(&["python3", "server.py", "4000"]), one);
        let two = [("server".to_owned(), 2), ("bob".to_owned(), 3)];
        assert_eq!(names_and_words(&["python3 server.py", "bob=python3 'my client.py' x"]), two);
        let apart = [("server".to_owned(), 3), ("client".to_owned(), 4)];
        assert_eq!(names_and_words(&["python3 chat.py server", "python3 chat.py client x"]), apart);
        let taken = [("c".to_owned(), 3), ("c 2".to_owned(), 3), ("server".to_owned(), 1)];
        assert_eq!(names_and_words(&["python3 c.py server", "python3 c.py x", "./server "]), taken);
        let twice = [("client".to_owned(), 2), ("client 2".to_owned(), 2)];
        assert_eq!(names_and_words(&["python3 client.py", "python3 client.py"]), twice);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn words_that_are_each_an_executable_file_are_programs() {
        let here = std::env::current_exe().expect("this test's file");
        let program = here.to_str().expect("a path that is text");
        let count = |words: &[&str]| names_and_words(words).len();
        assert_eq!(count(&[program, program]), 2);
        assert_eq!(count(&[program, "4000"]), 1);
        assert_eq!(count(&[program, "/proc/self/status"]), 1, "a file that cannot be run");
        assert_eq!(count(&["--", program, program]), 1);
    }

    #[test]
    fn an_input_is_given_to_a_program_by_its_name() {
        let programs = parsed(&["a=./x y", "b=./x z", "--stdin", "b=words.txt"]).expect("two");
        assert_eq!(programs[1].input.as_deref(), Some("words.txt"));
        let programs = parsed(&["./x a", "./x b", "--stdin", "b=words.txt"]).expect("two");
        assert_eq!(programs[1].input.as_deref(), Some("words.txt"));
        assert!(matches!(parsed(&["./x y", "--stdin", "c=f"]), Err(Failure::NoSuchProgram { .. })));
        let only = |name| parsed(&["./x a", "./x b", "--only", name]);
        assert!(only("b thread").is_ok());
        let Err(Failure::NoSuchProgram { known, .. }) = only("c") else { panic!("no c") };
        assert_eq!(known, ["a", "b"]);
        assert!(matches!(parsed(&["./x 'y"]), Err(Failure::NoCommandLine(_))));
    }
}
