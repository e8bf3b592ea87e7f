//! A program that is not ours, in an experiment: it is traced, and the experiment plays its peers.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::actor::{nanoseconds, no_more};
use super::child::{self, Started, TraceJob, TracedProgram};
use super::process::take;
use super::sys::Descendant;
use super::{Error, Lab, Result, sys};
use crate::trace::recording::{Line, is_of, parse_line};
use crate::trace::{
    Address, Call, Ending, Event, EventKind, ExitStatus, Failure, LAB, Lack, Name, Note, Outcome,
    Return, Site, SocketId, Syscall,
};

/// How long a program has to answer, which takes it a fraction of a second.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long it has to start, which takes an interpreter a second, and many times that on a busy machine.
pub const TO_START: Duration = Duration::from_secs(100);

/// How often one that has not done yet what is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long a process has that the first one has left behind.
const A_MOMENT: Duration = Duration::from_secs(1);

/// So many events of a program are recorded: one that spins makes as many in a second or two.
pub const MOST_EVENTS: u64 = 20_000;

/// Of what a program prints so much is kept, in bytes; the rest is read and dropped.
const MOST_KEPT: usize = 1 << 20;
/// And so much is recorded.
const MOST_RECORDED: u64 = 1 << 16;

/// A program that the learner has given. It is ended with the run, or when this is dropped.
#[derive(Debug)]
pub struct Program {
    lab: Lab,
    name: Name,
    /// The process that traces it.
    tracer: u32,
    input: Option<io::PipeWriter>,
    printed: Arc<Mutex<Printed>>,
    /// Why it is not traced: then what it does is looked up in /proc.
    untraced: Option<Lack>,
    /// They read its recording, its standard output and its standard error until it has ended.
    readers: Vec<thread::JoinHandle<()>>,
}

/// What a program has printed.
#[derive(Debug, Default)]
struct Printed {
    kept: Vec<u8>,
    bytes: u64,
}

impl Lab {
    /// Whether the learner has given a program for this role.
    #[must_use]
    pub fn has_program(&self, role: &str) -> bool {
        self.text(role).is_ok()
    }

    /// Starts the learner's program for this role, with these words at the end of its command line. If it is not the first for
    /// this role, the actor gets a number: `server 2`.
    pub fn program(&self, role: &'static str, words: &[String]) -> Result<Program> {
        self.program_as(role, role, words)
    }

    /// The same for a program that plays several parts: the actor has the name of this one, which begins with the role.
    pub fn program_as(&self, part: &'static str, role: &str, words: &[String]) -> Result<Program> {
        let no_program = || Failure::Parameter { name: role.to_owned().into() };
        if !sys::CAN_TRACE {
            return Err(Lack::TracingElsewhere.into());
        }
        let mut argv: Vec<String> =
            serde_json::from_str(self.text(role)?).map_err(|_| no_program())?;
        argv.extend_from_slice(words);
        Program::start(self, part, argv)
    }
}

impl Program {
    fn start(lab: &Lab, role: &'static str, argv: Vec<String>) -> Result<Program> {
        let name = name_for(lab, role);
        let traced = TracedProgram { name: name.to_string(), is_named: true, argv, input: None };
        let job = TraceJob {
            programs: vec![traced],
            epoch_ns: Some(lab.recorder().epoch_ns()),
            from_start: true,
            most_events: Some(MOST_EVENTS),
            or_untraced: true,
            ..TraceJob::default()
        };
        let (its_input, input) = io::pipe().map_err(no_more)?;
        let (output, its_output) = io::pipe().map_err(no_more)?;
        let started = child::start_trace_with(job, its_input, its_output, Stdio::piped());
        let Started { mut process, control, output: recording, .. } = started.map_err(no_more)?;
        let (tracer, error) = (process.id(), process.stderr.take());
        add(lab, process, control);
        let printed = Arc::new(Mutex::new(Printed::default()));
        let into = lab.clone();
        let mut readers = vec![reader(role, move || merge(recording, &into))?];
        let (into, who, kept) = (lab.clone(), name.clone(), printed.clone());
        readers.push(reader(role, move || listen(output, &kept, &into, &who))?);
        if let Some(error) = error {
            let (into, who, kept) = (lab.clone(), name.clone(), Mutex::default());
            readers.push(reader(role, move || listen(error, &kept, &into, &who))?);
        }
        let input = Some(input);
        let lab = lab.clone();
        let mut program = Program { lab, name, tracer, input, printed, untraced: None, readers };
        program.until(TO_START, |event| matches!(event.what, EventKind::Execed { .. }));
        program.untraced =
            program.lab.recorder().look(|events| why_untraced(events, &program.name));
        Ok(program)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why its calls are not known, on a machine where programs may not be traced.
    #[must_use]
    pub fn untraced(&self) -> Option<&Lack> {
        self.untraced.as_ref()
    }

    /// Its processes that are there, as the system tells.
    fn processes(&self) -> Vec<u32> {
        let others = sys::descendants(self.tracer).into_iter().map(|it| it.process);
        self.process().into_iter().chain(others).collect()
    }

    /// The sockets on which it listens, as the system tells.
    fn listeners(&self) -> Vec<sys::Listener> {
        sys::listeners(&self.processes())
    }

    /// Waits for an event of its that is like this; false if it has ended before, or the time is over.
    fn until(&self, limit: Duration, wanted: impl Fn(&Event) -> bool) -> bool {
        let its = |event: &&Event| is_its(&event.actor, &self.name);
        let has_come = |events: &[Event]| events.iter().filter(its).any(&wanted);
        self.lab
            .recorder()
            .until_within(limit, |events| has_come(events) || ended(events, &self.name).is_some());
        self.lab.recorder().look(has_come)
    }

    /// Waits until it listens on a socket of whatever family. One that has been asleep for as long as [`PATIENCE`] will not.
    pub fn until_it_listens(&self) -> Result<()> {
        let began = Instant::now();
        let mut awake = began;
        while self.listening() == 0
            && self.exit().is_none()
            && began.elapsed() < TO_START
            && awake.elapsed() < PATIENCE
        {
            self.until(LOOK, is_listen);
            if !self.is_asleep() {
                awake = Instant::now();
            }
        }
        if self.listening() > 0 && !self.has_left_it_to_a_child() {
            return Ok(());
        }
        // If it has left a child, that one is given time to show itself.
        self.lab.recorder().until_within(A_MOMENT, |events| listening(events, &self.name) > 0);
        Err(self.not_listening(began.elapsed()))
    }

    /// Waits until it listens, and returns where: at the address that it has bound last.
    pub fn until_listening(&self) -> Result<SocketAddr> {
        let began = Instant::now();
        self.until_it_listens()?;
        let at = match self.untraced {
            Some(_) => self.listeners().iter().find_map(|listener| listener.at),
            None => self.lab.recorder().look(|events| listens_at(events, &self.name)),
        };
        at.ok_or_else(|| self.not_listening(began.elapsed()))
    }

    /// Whether its first process has ended, and another one listens. The end may be told after the listen() that it came before.
    fn has_left_it_to_a_child(&self) -> bool {
        let (first, listens) = self.lab.recorder().look(|events| {
            let first = events.iter().find(|event| is_its(&event.actor, &self.name));
            let first = first.map(|event| event.process);
            let mut of_first = events.iter().filter(|event| Some(event.process) == first);
            (first, of_first.any(is_listen))
        });
        let Some(first) = first.filter(|_| !listens && self.untraced.is_none()) else {
            return false;
        };
        let has_ended = |events: &[Event]| ended(events, &self.name).is_some();
        !sys::is_running(first) && self.lab.recorder().until_within(PATIENCE, has_ended)
    }

    fn not_listening(&self, waited: Duration) -> Error {
        let whole = Duration::from_secs(waited.as_secs());
        let (actor, ended, waited_ns) = (self.name.clone(), self.exit(), nanoseconds(whole));
        Failure::NotListening { actor, ended, waited_ns }.into()
    }

    /// On how many sockets it listens, or has listened.
    #[must_use]
    pub fn listening(&self) -> usize {
        if self.untraced.is_some() {
            return self.listeners().len();
        }
        self.lab.recorder().look(|events| listening(events, &self.name))
    }

    /// How it ended; `None` while it runs.
    #[must_use]
    pub fn exit(&self) -> Option<ExitStatus> {
        self.lab.recorder().look(|events| ended(events, &self.name))
    }

    /// Waits until it has ended, and returns how; `None` if it has not in this time.
    #[must_use]
    pub fn until_ended(&self, limit: Duration) -> Option<ExitStatus> {
        self.until(limit, |_| false);
        self.exit()
    }

    /// Whether all its processes that are known have ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.until_all_ended(Duration::ZERO)
    }

    /// Waits until all its processes that are known have ended; false if they have not in this time.
    #[must_use]
    pub fn until_all_ended(&self, limit: Duration) -> bool {
        if self.untraced.is_some() {
            let is_over = |it: &Descendant| it.is_zombie();
            return self.until_ended(limit).is_some()
                && sys::descendants(self.tracer).iter().all(is_over);
        }
        self.lab.recorder().until_within(limit, |events| {
            let its = || events.iter().filter(|event| is_its(&event.actor, &self.name));
            let ended: BTreeSet<u32> =
                its().filter(|it| has_exited(it)).map(|it| it.process).collect();
            its().all(|event| ended.contains(&event.process))
        })
    }

    /// All that it has printed on its standard output so far.
    #[must_use]
    pub fn printed(&self) -> Vec<u8> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).kept.clone()
    }

    /// Waits until what it has printed is like this; false if it is not in this time.
    #[must_use]
    pub fn until_printed(&self, limit: Duration, is_like: impl Fn(&[u8]) -> bool) -> bool {
        let has_come = || is_like(&self.printed());
        // It may have ended, and its output be read later.
        self.lab.recorder().until_within(limit, |_| has_come()) || has_come()
    }

    /// How many bytes its calls have received from sockets so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.lab.recorder().look(|events| received(events, &self.name))
    }

    /// Waits until its calls have received so many bytes from sockets, all in all; false if they have not in this time.
    #[must_use]
    pub fn until_received(&self, limit: Duration, bytes: u64) -> bool {
        let has_come = |events: &[Event]| received(events, &self.name) >= bytes;
        self.lab.recorder().until_within(limit, has_come)
    }

    /// Writes to its standard input. A program that does not read has its reasons, so that is no error.
    pub fn type_line(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(line.as_bytes());
        }
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Ends it, if it has not ended by itself, and returns all that it has printed on its standard output.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        self.end();
        self.printed()
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) -> Result<()> {
        self.signal("SIGTERM", sys::terminate)
    }

    /// Kills it (SIGKILL), and waits until it has ended.
    pub fn kill(&self) -> Result<()> {
        self.signal("SIGKILL", sys::kill)?;
        self.until(PATIENCE, |_| false);
        Ok(())
    }

    fn signal(&self, signal: &'static str, send: fn(u32) -> io::Result<()>) -> Result<()> {
        if let Some(process) = self.process().filter(|_| self.exit().is_none()) {
            let what = EventKind::Signalled { signal: signal.into() };
            self.lab.recorder().push_of(&self.name, process, process, what);
            send(process)?;
        }
        Ok(())
    }

    /// True if all its threads that are known, and its processes, are asleep now: it does nothing until something comes.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        if self.untraced.is_some() {
            let threads =
                |process| sys::threads_of(process).into_iter().map(move |it| (process, it));
            let mut all = self.processes().into_iter().flat_map(threads);
            return all.all(|(process, thread)| sys::is_asleep(process, thread) != Some(false));
        }
        let threads: BTreeSet<(u32, u32)> = self.lab.recorder().look(|events| {
            let its = events.iter().filter(|event| is_its(&event.actor, &self.name));
            its.map(|event| (event.process, event.thread)).collect()
        });
        // Of one that has ended /proc tells nothing.
        threads.into_iter().all(|(process, thread)| sys::is_asleep(process, thread) != Some(false))
            && self.descendants().iter().all(Descendant::is_asleep)
    }

    /// The processes that it has started and that are not collected, and those of theirs; none where the system does not tell.
    #[must_use]
    pub fn descendants(&self) -> Vec<Descendant> {
        self.process().map(sys::descendants).unwrap_or_default()
    }

    /// Processor time that it has used so far; `None` where the system does not report it.
    #[must_use]
    pub fn cpu_time(&self) -> Option<Duration> {
        sys::cpu_time_of_process(self.process()?)
    }

    /// The first process of it.
    fn process(&self) -> Option<u32> {
        let its = |event: &&Event| is_its(&event.actor, &self.name);
        self.lab.recorder().look(|events| events.iter().find(its).map(|event| event.process))
    }

    /// Ends it, if it has not ended by itself.
    fn end(&mut self) {
        if let Some((mut tracer, control)) = take(&self.lab, self.tracer) {
            drop(control);
            self.readers.drain(..).for_each(|reader| drop(reader.join()));
            let _ = tracer.wait();
        }
        self.input = None; // not before: it would go on as if that were the end of its input
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// The name of the next program for this role.
fn name_for(lab: &Lab, role: &str) -> Name {
    let is_there = |name: &str| {
        lab.recorder().look(|events| events.iter().any(|event| is_its(&event.actor, name)))
    };
    let mut name = role.to_owned();
    let mut number = 1;
    while is_there(&name) {
        number += 1;
        name = format!("{role} {number}");
    }
    Name::from(name.as_str())
}

fn add(lab: &Lab, process: Child, control: child::Control) {
    lab.children().lock().unwrap_or_else(PoisonError::into_inner).push((process, control));
}

fn reader(role: &str, read: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(format!("output of {role}")).spawn(read).map_err(no_more)
}

/// Takes what the tracer records into the recording. If the program cannot be run, so cannot the experiment.
fn merge(recording: impl BufRead, lab: &Lab) {
    for line in recording.split(b'\n').map_while(io::Result::ok) {
        let Ok(Line::Event(event)) = parse_line(&line) else { continue };
        match event.what {
            EventKind::End { ending: Ending::Unavailable { why } } => lab.fail_now(&why.into()),
            EventKind::End { ending: Ending::Failed { why } } => lab.fail_now(&why.into()),
            EventKind::End { .. } => {}
            _ => lab.recorder().merge(*event),
        }
    }
}

/// Reads what the program prints, to its end, for one that nobody reads would be blocked; and records the beginning.
fn listen(mut output: impl Read, printed: &Mutex<Printed>, lab: &Lab, program: &Name) {
    let mut block = [0; 8192];
    while let Ok(got @ 1..) = output.read(&mut block) {
        let mut printed = printed.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_KEPT.saturating_sub(printed.kept.len()).min(got);
        printed.kept.extend_from_slice(&block[..room]);
        let is_recorded = printed.bytes < MOST_RECORDED;
        printed.bytes += got as u64;
        drop(printed);
        if is_recorded {
            let (program, text) = (program.clone(), String::from_utf8_lossy(&block[..got]).into());
            lab.recorder().push(&Name::from(LAB), EventKind::Printed { program, text });
        }
    }
}

/// The number of sockets on which this program has called listen().
fn listening(events: &[Event], name: &str) -> usize {
    let its = events.iter().filter(|event| is_its(&event.actor, name)).filter_map(succeeded);
    let listens = its.filter(|call| matches!(call.syscall, Syscall::Listen { .. }));
    listens.filter_map(|call| call.socket).collect::<BTreeSet<SocketId>>().len()
}

/// True if this actor is of this program, and not of one that was started in the same role later, such as `server 2`.
fn is_its(actor: &str, name: &str) -> bool {
    let rest = actor.strip_prefix(name).unwrap_or_default().trim_start();
    is_of(actor, name) && !rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Why this program is not traced, if it is not.
fn why_untraced(events: &[Event], name: &str) -> Option<Lack> {
    events.iter().filter(|event| is_its(&event.actor, name)).find_map(|event| match &event.what {
        EventKind::Note { note: Note::Untraced { why } } => Some(why.clone()),
        _ => None,
    })
}

/// How the first process of this program has ended.
fn ended(events: &[Event], name: &str) -> Option<ExitStatus> {
    let mut its = events.iter().filter(|event| is_its(&event.actor, name));
    let process = its.next()?.process;
    its.find_map(|event| match &event.what {
        EventKind::Exited { status: Some(status), .. } if event.process == process => {
            Some(status.clone())
        }
        _ => None,
    })
}

/// Whether a listen() has succeeded with this event.
fn is_listen(event: &Event) -> bool {
    succeeded(event).is_some_and(|call| matches!(call.syscall, Syscall::Listen { .. }))
}

/// Whether a process has ended with this event.
fn has_exited(event: &Event) -> bool {
    matches!(event.what, EventKind::Exited { status: Some(_), .. })
}

/// How many bytes this program has received from sockets.
fn received(events: &[Event], name: &str) -> u64 {
    let its = events.iter().filter(|event| is_its(&event.actor, name));
    its.map(|event| match &event.what {
        EventKind::Return(Return { call, outcome: Outcome::Result(got), .. })
            if matches!(call.syscall, Syscall::Recv { .. })
                && call.socket.is_some()
                && !call.peeks() =>
        {
            u64::try_from(*got).unwrap_or(0)
        }
        _ => 0,
    })
    .sum()
}

/// The call that has succeeded with this event.
fn succeeded(event: &Event) -> Option<&Call> {
    match &event.what {
        EventKind::Return(Return { call, outcome: Outcome::Result(_), .. }) => Some(call),
        _ => None,
    }
}

/// Where this program listens: what it bound the first socket to that it called listen() on.
fn listens_at(events: &[Event], name: &str) -> Option<SocketAddr> {
    let its = || events.iter().filter(|event| is_its(&event.actor, name)).filter_map(succeeded);
    let listening: BTreeSet<Option<SocketId>> = its()
        .filter(|call| matches!(call.syscall, Syscall::Listen { .. }))
        .map(|call| call.socket)
        .collect();
    its().find_map(|call| match &call.syscall {
        Syscall::Bind { address } if listening.contains(&call.socket) => match address {
            Address::Inet(at) => Some(SocketAddr::from(*at)),
            Address::Inet6(at) => Some(SocketAddr::from(*at)),
            Address::Unix(_) => None,
        },
        _ => None,
    })
}

/// The line of a program's own file, as it is now.
#[must_use]
pub fn source_line(site: &Site) -> Option<String> {
    let text = std::fs::read_to_string(&*site.file).ok()?;
    let index = usize::try_from(site.line.checked_sub(1)?).ok()?;
    text.lines().nth(index).map(|line| line.trim().to_owned())
}
