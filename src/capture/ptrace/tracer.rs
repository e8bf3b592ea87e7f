//! The tracer: one thread, which makes every request of ptrace(2), waits for every traced thread, and records what each does.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::control::Control;
use super::descriptors::{Descriptors, Sockets};
use super::entry::Next;
use super::holding::Holding;
use super::looks::Looks;
use super::order::Before;
use super::programs::Programs;
use super::rewrite::Rewriting;
use super::stage::{Object, Stage};
use super::threads::{Process, Thread, command_line};
use crate::capture::child::Order;
use crate::capture::sys;
use crate::capture::sys::ptrace::{GoOn, Stop, Ticks, go_on, kill, next_stop};
use crate::trace::{Blocked, Ending, Event, EventKind, LAB, Name, Note, RunningProcess};

/// How often the tracer looks at what no stop tells: orders, the time, threads that make no call.
pub const TICK: Duration = Duration::from_millis(10);

/// Traces programs from the start of the first to the end of all.
pub struct Tracer {
    pub(super) stage: Stage,
    pub(super) programs: Programs,
    pub(super) threads: HashMap<u32, Thread>,
    pub(super) processes: HashMap<u32, Process>,
    pub(super) sockets: Sockets,
    pub(super) descriptors: Descriptors,
    pub(super) lines: super::lines::Lines,
    /// The descriptors behind the words that epoll gives back: process, epoll, word.
    pub(super) interests: HashMap<(u32, i64, u64), i64>,
    pub(super) rewriting: Rewriting,
    /// What keeps the programs from going on.
    pub(super) ending: Option<Ending>,
    /// Its programs are ended when all others have ended: they listen.
    ended_last: HashSet<usize>,
    pub(super) looks: Looks,
    /// How often all processes have been looked through for who has an address.
    pub(super) searches: u32,
    /// Where the programs were started: the files of sites are named from there.
    pub(super) here: PathBuf,
    /// What the program before the next one does.
    pub(super) before: Before,
    pub(super) holding: Holding,
    /// The programs that read each keyboard; two at most, for more are not told of.
    pub(super) keyboards: HashMap<PathBuf, Vec<usize>>,
    /// Whether programs are recorded from their start on.
    pub(super) from_start: bool,
    /// How many bytes the programs have printed at terminals of their own.
    pub(super) printed: u64,
    /// When threads that are no actors are looked at next.
    pub(super) others_ns: u64,
    /// Whether it is recorded who may go on by himself.
    pub(super) is_told_who_is_busy: bool,
    /// When the next tick is due, should stops come so fast that the timer never interrupts.
    tick_ns: u64,
}

impl Tracer {
    pub fn new(stage: Stage, programs: Programs, stepped: bool) -> Tracer {
        Tracer {
            stage,
            programs,
            threads: HashMap::new(),
            processes: HashMap::new(),
            sockets: Sockets::default(),
            descriptors: Descriptors::default(),
            lines: super::lines::Lines::default(),
            interests: HashMap::new(),
            rewriting: Rewriting::default(),
            ending: None,
            ended_last: HashSet::new(),
            looks: Looks::default(),
            searches: 0,
            here: std::env::current_dir().unwrap_or_default(),
            before: Before::default(),
            holding: Holding::new(stepped),
            keyboards: HashMap::new(),
            from_start: false,
            printed: 0,
            others_ns: 0,
            is_told_who_is_busy: false,
            tick_ns: 0,
        }
    }

    /// Traces until all have ended, or until the deadline, in nanoseconds since the run began; time in which a call is held does not
    /// count. The timer must go on meanwhile.
    pub fn run(&mut self, _: &Ticks, control: &mut Control, limit_ns: Option<u64>) -> Ending {
        self.start_next();
        loop {
            let next = next_stop();
            let now_ns = self.stage.now_ns();
            let mut is_due = now_ns >= self.tick_ns;
            match next {
                Ok((thread, stop)) => self.handle(thread, stop),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => is_due = true,
                Err(_) => {
                    // Nobody is left (`ECHILD`).
                    self.threads.clear();
                    self.processes.clear();
                }
            }
            if self.threads.is_empty() {
                if self.ending.is_some() || self.programs.next().is_none() {
                    break;
                }
                self.start_next();
            }
            if is_due {
                self.tick_ns = now_ns + TICK.as_nanos() as u64;
                self.tick(now_ns, control, limit_ns);
            }
        }
        while self.read_terminals(true) {}
        self.note_output_left_out();
        for program in self.programs.not_started() {
            self.stage.note(Note::NotStarted { program: program.into() });
        }
        self.stage.finish();
        self.ending.take().unwrap_or(Ending::Finished)
    }

    /// What is not told by a stop: orders, what was printed, the time, threads that make no call.
    fn tick(&mut self, now_ns: u64, control: &mut Control, limit_ns: Option<u64>) {
        self.read_terminals(false);
        match control.read() {
            Some(orders) => orders.into_iter().for_each(|order| self.obey(order)),
            None if self.ending.is_none() => self.stop(now_ns, Ending::Interrupted),
            None => {}
        }
        let held_ns = self.held_ns(now_ns);
        if self.programs.next().is_some() && !self.is_any_held() {
            if self.runs_before_next() {
                self.before.runs(now_ns);
            }
            if now_ns >= self.before.until_ns() {
                self.start_next();
            }
        }
        if let Some(limit_ns) = limit_ns.filter(|limit_ns| now_ns >= *limit_ns + held_ns)
            && self.ending.is_none()
        {
            self.stop(limit_ns, Ending::Deadline);
        }
        self.tell_who_runs_on(now_ns);
        self.look_around(now_ns);
        self.look_at_others(now_ns);
    }

    /// The exit code for all programs together.
    pub fn worst_exit(&self) -> u8 {
        self.programs.worst()
    }

    /// Frames that the programs' devices had no room for.
    pub fn frames_without_room(&self) -> u64 {
        self.programs.frames_without_room()
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Resume { process, call } => self.resume_held(|held| held == (process, call)),
            Order::ResumeAll => {
                self.holding.is_on = false;
                self.resume_held(|_| true);
            }
            Order::Type { process, text } => self.type_at_terminal(process, &text),
        }
    }

    /// Starts the next program, if there is one.
    pub(super) fn start_next(&mut self) {
        if self.is_interrupted() {
            self.programs.start_no_more();
        }
        let Some(index) = self.programs.next().filter(|_| self.ending.is_none()) else { return };
        match self.programs.start(index) {
            Ok(process) => {
                self.before = Before::started(self.stage.now_ns());
                let name = self.programs.name(index).to_owned();
                self.processes.insert(process, Process::of_program(name, index));
                self.threads.insert(process, Thread::new(process));
            }
            Err(ending) => self.fail(ending),
        }
    }

    /// Whether this thread is of the program after which the next one is started.
    pub(super) fn is_before_next(&self, thread: u32) -> bool {
        let Some(next) = self.programs.next() else { return false };
        let process = self.threads.get(&thread).and_then(|it| self.processes.get(&it.process));
        process.is_some_and(|it| it.program.is_some_and(|program| program + 1 == next))
    }

    /// Whether the program after which the next one is started has a thread that is not asleep.
    fn runs_before_next(&self) -> bool {
        let mut threads = self.threads.iter();
        threads.any(|(&id, thread)| {
            self.is_before_next(id) && sys::is_asleep(thread.process, id) == Some(false)
        })
    }

    /// Something keeps the programs from going on together.
    pub(super) fn fail(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
        self.stage.end();
        // Whoever closes a connection first keeps its address in TIME_WAIT: on a server's port the next run would fail.
        let listeners = self.sockets.listeners().filter_map(|it| self.processes.get(&it));
        self.ended_last = listeners.filter_map(|process| process.program).collect();
        self.kill_next();
    }

    /// Ends all processes but those of the programs that listen; those too, if there are no others.
    pub(super) fn kill_next(&mut self) {
        let is_last = |process: &Process| {
            process.program.is_some_and(|program| self.ended_last.contains(&program))
        };
        let others = self.processes.iter().filter(|(_, process)| !is_last(process));
        let mut now: Vec<u32> = others.map(|(process, _)| *process).collect();
        if now.is_empty() {
            now = self.processes.keys().copied().collect();
        }
        now.into_iter().for_each(kill);
    }

    pub(super) fn handle(&mut self, thread: u32, stop: Stop) {
        if !self.threads.contains_key(&thread) {
            if matches!(stop, Stop::Exited(_) | Stop::Killed(_)) {
                return;
            }
            self.adopt(thread, None);
        }
        self.descriptors.close_is_over(thread);
        if self.is_before_next(thread) {
            self.before.called(self.stage.now_ns());
        }
        let (mut how, mut signal) = (GoOn::Freely, 0);
        if self.ending.is_some() && matches!(stop, Stop::Entry | Stop::Exit | Stop::Signal(_)) {
            return; // it stays here until it is ended
        }
        match stop {
            Stop::Entry => match self.entered(thread) {
                Next::Freely => {}
                Next::ToReturn => how = GoOn::ToReturn,
                Next::Hold => return,
            },
            Stop::Exit if self.widens_on(thread) => return,
            Stop::Exit => self.returned(thread),
            Stop::Signal(number) => {
                self.signalled(thread, number);
                signal = number;
            }
            Stop::Born(child) => {
                self.adopt(child, Some(thread));
                if self.ending.is_some() {
                    self.kill_next();
                }
            }
            Stop::Execed(former) => self.execed(thread, former),
            Stop::Ending => {
                self.read_terminals(false); // its last words come before its end
                self.about_to_end(thread);
            }
            Stop::Stopped => how = GoOn::StayStopped,
            Stop::Other => {}
            Stop::Exited(code) => return self.ended(thread, &Ok(code)),
            Stop::Killed(number) => return self.ended(thread, &Err(number)),
        }
        go_on(thread, how, signal);
    }

    /// Records what this thread did, unless it was done on an object that may never be used.
    pub(super) fn tell(
        &mut self,
        thread: u32,
        at_ns: u64,
        what: EventKind,
        object: Option<Object>,
    ) {
        let event = self.event(thread, at_ns, what);
        self.stage.tell(event, object);
    }

    pub(super) fn event(&mut self, thread: u32, at_ns: u64, what: EventKind) -> Event {
        let actor = self.actor(thread);
        let process = self.threads.get(&thread).map_or(thread, |thread| thread.process);
        Event { at_ns, actor, process, thread, what }
    }

    /// Tells which processes run on when the first of their program has ended: those that it has left in the background.
    fn tell_who_runs_on(&mut self, now_ns: u64) {
        for program in self.programs.just_ended(now_ns) {
            let of = self.processes.iter().filter(|(_, process)| process.program == Some(program));
            let mut processes: Vec<u32> = of.map(|(process, _)| *process).collect();
            processes.sort_unstable();
            if processes.is_empty() {
                continue;
            }
            let running = |process| RunningProcess { process, argv: command_line(process) };
            let processes = processes.into_iter().map(running).collect();
            let note = Note::RunsOn { program: self.programs.name(program).into(), processes };
            let (actor, process) = (Name::from(LAB), std::process::id());
            let what = EventKind::Note { note };
            let event = Event { at_ns: now_ns, actor, process, thread: process, what };
            self.stage.tell(event, None);
        }
    }

    /// The time is over, or somebody stops the trace: records who is blocked in what, and ends all.
    fn stop(&mut self, limit_ns: u64, ending: Ending) {
        let now_ns = self.stage.now_ns();
        self.tell_who_is_busy(now_ns);
        for (id, thread) in &mut self.threads {
            let actor = thread.actor.clone().filter(|actor| self.stage.is_present(actor));
            let (Some(actor), Some(sample)) = (actor, Looks::last(thread)) else { continue };
            let (process, what) = (thread.process, EventKind::Sample(sample));
            self.stage.tell(Event { at_ns: now_ns, actor, process, thread: *id, what }, None);
        }
        for (socket, closed_by) in self.sockets.left_open() {
            self.tell_holders(socket, closed_by);
        }
        let mut blocked: Vec<Blocked> = Vec::new();
        for thread in self.threads.values() {
            if let (Some(open), Some(actor), false) = (&thread.open, &thread.actor, thread.is_held)
            {
                match open.object {
                    Some(epoll @ Object::Epoll(..)) if self.stage.is_held_back(epoll) => continue,
                    object => object.into_iter().for_each(|object| self.stage.show(object)),
                }
                let (actor, call) = (actor.clone(), open.call.clone());
                blocked.push(Blocked { actor, call, for_ns: now_ns.saturating_sub(open.at_ns) });
            }
        }
        blocked.sort_by_key(|one| std::cmp::Reverse(one.for_ns));
        let (actor, process) = (Name::from(LAB), std::process::id());
        let interrupted = ending == Ending::Interrupted;
        let what = EventKind::Deadline { limit_ns, interrupted, blocked };
        self.stage.tell(Event { at_ns: now_ns, actor, process, thread: process, what }, None);
        self.fail(ending);
    }
}
