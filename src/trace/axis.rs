//! Recordings of one machine on one axis: what programs did that were traced apart, each in its own terminal.
//!
//! All processes of a machine share its monotonic clock, and a socket's number is the kernel's own. So times are moved by the
//! difference of the starts, and what two recordings call alike gets numbers.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::recording::{Header, Origin, Program, Recording, SourceLine, is_of};
use super::{Blocked, Call, Ending, Event, EventKind, ExitStatus, LAB, LINK, Name, Return, Site};

/// When and where a run began, for comparison with other runs of the same machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The machine since it was last started: `/proc/sys/kernel/random/boot_id` (proc_sys_kernel(5)).
    pub boot: String,
    /// The namespaces that give addresses, process numbers and the clock their meaning.
    pub namespaces: Namespaces,
    /// `CLOCK_MONOTONIC` when the run began, in nanoseconds.
    pub monotonic_ns: u64,
}

impl Start {
    /// Whether this other run can be compared with it.
    pub fn compare(&self, other: &Start) -> Result<(), Mismatch> {
        if self.boot != other.boot {
            return Err(Mismatch::OtherBoot);
        }
        if self.namespaces != other.namespaces {
            return Err(Mismatch::OtherNamespaces);
        }
        Ok(())
    }
}

/// The numbers of namespaces (namespaces(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// network_namespaces(7)
    pub net: u64,
    /// pid_namespaces(7)
    pub pid: u64,
    /// time_namespaces(7)
    pub time: u64,
}

/// Why a recording does not fit on the axis of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is no recording of traced programs.
    NotPrograms,
    /// It does not say when it began by the machine's clock.
    NoStart,
    /// It was made on another machine, or before or after a restart.
    OtherBoot,
    /// It was made in another container.
    OtherNamespaces,
    /// Its programs had networks of their own.
    OwnNetworks,
    /// This process is in the other recording as well.
    SameProcess(u32),
}

/// An axis for several recordings. It knows which names are taken.
#[derive(Debug)]
pub struct Axis {
    start: Start,
    names: HashSet<String>,
    sources: HashMap<Site, String>,
}

/// One of the recordings on an axis: what is changed in its events.
#[derive(Debug, Default)]
pub struct Part {
    /// How much later it began than the axis does.
    offset_ns: u64,
    /// Its programs: their names in the recording, and on the axis.
    programs: Vec<(String, String)>,
    actors: HashMap<Name, Name>,
    /// Its source files that are called on the axis otherwise than in the recording.
    files: HashMap<Cow<'static, str>, String>,
    /// Its threads that have not ended.
    alive: BTreeMap<(u32, u32), Name>,
}

impl Axis {
    /// An axis that begins then.
    #[must_use]
    pub fn new(start: Start) -> Axis {
        Axis { start, names: HashSet::new(), sources: HashMap::new() }
    }

    /// Adds a recording with this header. Its programs are returned by the names that they have on the axis.
    pub fn add(&mut self, header: &Header) -> Result<(Part, Vec<Program>), Mismatch> {
        let Origin::Programs(programs) = &header.origin else { return Err(Mismatch::NotPrograms) };
        let Some(start) = &header.start else { return Err(Mismatch::NoStart) };
        self.start.compare(start)?;
        let offset_ns = start.monotonic_ns.saturating_sub(self.start.monotonic_ns);
        let mut part = Part { offset_ns, ..Part::default() };
        let mut renamed = Vec::new();
        for Program { name, argv } in programs {
            let new = self.free_name(name);
            part.actors.insert(Name::from(name.as_str()), Name::from(new.as_str()));
            part.programs.push((name.clone(), new.clone()));
            renamed.push(Program { name: new, argv: argv.clone() });
        }
        Ok((part, renamed))
    }

    /// The name itself, or if it is taken, with a number. It is taken from here on.
    fn free_name(&mut self, name: &str) -> String {
        let numbered = (2_u32..).map(|number| format!("{name} {number}"));
        let mut all = std::iter::once(name.to_owned()).chain(numbered);
        let free = all.find(|name| !self.names.contains(name)).unwrap_or_default();
        self.names.insert(free.clone());
        free
    }

    /// What an actor is called on the axis.
    fn actor(&mut self, part: &mut Part, actor: &Name) -> Name {
        if matches!(&**actor, LAB | LINK) {
            return actor.clone();
        }
        if let Some(known) = part.actors.get(actor) {
            return known.clone();
        }
        let programs = part.programs.iter().filter(|(name, _)| is_of(actor, name));
        let name = match programs.max_by_key(|(name, _)| name.len()) {
            Some((old, new)) => format!("{new}{}", &actor[old.len()..]),
            None => actor.to_string(),
        };
        let name = Name::from(self.free_name(&name).as_str());
        part.actors.insert(actor.clone(), name.clone());
        name
    }

    /// A source line. Where another recording has another text for it, the file is another one and gets a number.
    pub fn cite(&mut self, part: &mut Part, line: SourceLine) -> SourceLine {
        let SourceLine { mut source, text } = line;
        part.rename_file(&mut source);
        if self.sources.get(&source).is_some_and(|known| *known != text) {
            let original = part.files.iter().find(|(_, new)| **new == source.file);
            let original = original.map_or_else(|| source.file.clone(), |(old, _)| old.clone());
            let is_free = |file: &String| self.sources.keys().all(|site| site.file != *file);
            let mut numbered = (2_u32..).map(|number| format!("{original} ({number})"));
            if let Some(file) = numbered.find(is_free) {
                source.file = Cow::Owned(file.clone());
                part.files.insert(original, file);
            }
        }
        self.sources.insert(source.clone(), text.clone());
        SourceLine { source, text }
    }

    /// An event by the axis' times and names.
    pub fn rename(&mut self, part: &mut Part, event: Event) -> Event {
        let Event { at_ns, actor, process, thread, what } = event;
        let what = match what {
            EventKind::Held(call) => EventKind::Held(part.call(call)),
            EventKind::Enter(call) => EventKind::Enter(part.call(call)),
            EventKind::Return(back) => {
                EventKind::Return(Return { call: part.call(back.call), ..back })
            }
            EventKind::Deadline { limit_ns, interrupted, blocked } => {
                // When they were ended is a time on this axis; a deadline is not.
                let offset_ns = if interrupted { part.offset_ns } else { 0 };
                let renamed = |Blocked { actor, call, for_ns }| {
                    let actor = self.actor(part, &actor);
                    Blocked { actor, call: part.call(call), for_ns }
                };
                EventKind::Deadline {
                    limit_ns: limit_ns.saturating_add(offset_ns),
                    interrupted,
                    blocked: blocked.into_iter().map(renamed).collect(),
                }
            }
            what => what,
        };
        let actor = self.actor(part, &actor);
        Event { at_ns: at_ns.saturating_add(part.offset_ns), actor, process, thread, what }
    }

    /// What goes on the axis for an event: itself; nothing for a run's end, which need not be the axis' end, for who joined it,
    /// and for what a wire did, which no axis has. Where a run ended its programs, they end there.
    pub fn place(&mut self, part: &mut Part, event: Event) -> Vec<Event> {
        let event = self.rename(part, event);
        let thread = (event.process, event.thread);
        match &event.what {
            EventKind::End { ending: Ending::Deadline | Ending::Interrupted } => {
                return part.kill_all(event.at_ns);
            }
            EventKind::End { .. }
            | EventKind::Joined { .. }
            | EventKind::Network { .. }
            | EventKind::Frame(_)
            | EventKind::Delivered { .. } => return Vec::new(),
            EventKind::Exited { status: Some(_), .. } => {
                part.alive.retain(|(process, _), _| *process != event.process);
            }
            EventKind::Exited { status: None, .. } => {
                part.alive.remove(&thread);
            }
            _ if matches!(&*event.actor, LAB | LINK) => {}
            _ => {
                part.alive.entry(thread).or_insert_with(|| event.actor.clone());
            }
        }
        vec![event]
    }
}

impl Part {
    /// When it begins on the axis.
    pub fn begins_ns(&self) -> u64 {
        self.offset_ns
    }

    fn rename_file(&self, site: &mut Site) {
        if let Some(file) = self.files.get(&site.file) {
            site.file = Cow::Owned(file.clone());
        }
    }

    fn call(&self, call: Arc<Call>) -> Arc<Call> {
        match &call.site {
            Some(site) if self.files.contains_key(&site.file) => {
                let mut site = site.clone();
                self.rename_file(&mut site);
                Arc::new(Call { site: Some(site), ..(*call).clone() })
            }
            _ => call,
        }
    }

    /// Its trace ends its programs, which no recording says: `SIGKILL`.
    pub fn kill_all(&mut self, at_ns: u64) -> Vec<Event> {
        let mut last_process = None;
        let exit = |((process, thread), actor)| {
            let is_first = last_process.replace(process) != Some(process);
            let status = is_first.then_some(ExitStatus::Signal("SIGKILL".into()));
            Event {
                at_ns,
                actor,
                process,
                thread,
                what: EventKind::Exited { cpu_ns: None, status },
            }
        };
        std::mem::take(&mut self.alive).into_iter().map(exit).collect()
    }
}

/// One recording of several, or which of them does not fit and why.
pub fn join(recordings: Vec<Recording>) -> Result<Recording, (usize, Mismatch)> {
    let mut starts = Vec::new();
    let mut processes: HashSet<u32> = HashSet::new();
    for (index, recording) in recordings.iter().enumerate() {
        let unfit = |why| (index, why);
        if !matches!(recording.header.origin, Origin::Programs(_)) {
            return Err(unfit(Mismatch::NotPrograms));
        }
        if has_networks(recording) {
            return Err(unfit(Mismatch::OwnNetworks));
        }
        starts.push(recording.header.start.clone().ok_or(unfit(Mismatch::NoStart))?);
        let own = processes_of(recording);
        if let Some(process) = own.iter().find(|process| processes.contains(process)) {
            return Err(unfit(Mismatch::SameProcess(*process)));
        }
        processes.extend(own);
    }
    let earliest = (0..starts.len()).min_by_key(|&index| starts[index].monotonic_ns).unwrap_or(0);
    let Some(start) = starts.get(earliest) else { return Err((0, Mismatch::NoStart)) };
    // The first is what the others are compared with.
    let monotonic_ns = start.monotonic_ns;
    let mut axis = Axis::new(Start { monotonic_ns, ..starts[0].clone() });
    let mut header = recordings[earliest].header.clone();
    let (mut events, mut all_programs, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    let mut end: Option<Event> = None;
    for (index, recording) in recordings.into_iter().enumerate() {
        let (mut part, programs) = axis.add(&recording.header).map_err(|why| (index, why))?;
        all_programs.extend(programs);
        sources.extend(recording.sources().map(|line| axis.cite(&mut part, line)));
        for event in recording.into_events() {
            if matches!(event.what, EventKind::End { .. }) {
                let own_end = axis.rename(&mut part, event.clone());
                if end.as_ref().is_none_or(|end| end.at_ns <= own_end.at_ns) {
                    end = Some(own_end);
                }
            }
            events.extend(axis.place(&mut part, event));
        }
    }
    events.extend(end);
    header.origin = Origin::Programs(all_programs);
    let mut joined = Recording::new(header, events);
    sources.into_iter().for_each(|line| joined.cite(line));
    Ok(joined)
}

fn has_networks(recording: &Recording) -> bool {
    let is_of_wire = |what: &EventKind| {
        matches!(
            what,
            EventKind::Network { .. } | EventKind::Frame(_) | EventKind::Delivered { .. }
        )
    };
    recording.events().iter().any(|event| is_of_wire(&event.what))
}

fn processes_of(recording: &Recording) -> HashSet<u32> {
    let actors = recording.events().iter().filter(|event| event.is_by_actor());
    actors.map(|event| event.process).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Note, recording};

    const HEADER: &str = r#"{"format":"socket-explorer recording","version":2,"kernel":"Linux","date":"2026-01-01T00:00:00Z","origin":{"programs":[{"name":"chat","argv":["chat"]}]},"start":{"boot":"one","namespaces":{"net":1,"pid":2,"time":3},"monotonic_ns":START}}"#;

    /// What a program called `chat` did, in a run that began then.
    fn recorded(start_ns: u64, process: u32, rest: &[&str]) -> Recording {
        let lines = rest.iter().map(|line| line.replace("PROCESS", &process.to_string()));
        let header = HEADER.replace("START", &start_ns.to_string());
        let text: Vec<String> = std::iter::once(header).chain(lines).collect();
        let contents = recording::read(text.join("\n").as_bytes());
        contents.recordings.into_iter().next().expect("one run")
    }

    const NOTE: &str = r#"{"at_ns":5,"actor":"chat recv","process":PROCESS,"thread":7,"event":"note","note":"io-uring"}"#;
    const FINISHED: &str =
        r#"{"at_ns":9,"actor":"lab","process":1,"thread":1,"event":"end","ending":"finished"}"#;
    const DEADLINE: &str =
        r#"{"at_ns":8,"actor":"lab","process":1,"thread":1,"event":"end","ending":"deadline"}"#;

    #[test]
    fn times_are_moved_by_the_starts_and_equal_names_get_numbers() {
        let later = recorded(1_000, 20, &[NOTE, FINISHED]);
        let earlier = recorded(400, 30, &[NOTE, FINISHED]);
        let joined = join(vec![later, earlier]).expect("one machine");
        let seen: Vec<_> =
            joined.events().iter().map(|event| (event.at_ns, event.actor.to_string())).collect();
        let expected = [(5, "chat 2 recv"), (605, "chat recv"), (609, "lab")];
        assert_eq!(seen, expected.map(|(at_ns, actor)| (at_ns, actor.to_owned())));
        assert_eq!(joined.header.name(), "chat · chat");
        assert_eq!(joined.ending(), Some(&Ending::Finished));
    }

    #[test]
    fn programs_that_their_trace_has_ended_end_there() {
        let ended = recorded(0, 20, &[NOTE, DEADLINE]);
        let joined = join(vec![ended, recorded(0, 30, &[NOTE, FINISHED])]).expect("one machine");
        let exits: Vec<_> = joined
            .events()
            .iter()
            .filter_map(|event| match &event.what {
                EventKind::Exited { status, .. } => {
                    Some((event.at_ns, event.process, status.clone()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(exits, [(8, 20, Some(ExitStatus::Signal("SIGKILL".into())))]);
        let is_note =
            |event: &&Event| matches!(event.what, EventKind::Note { note: Note::IoUring });
        assert_eq!(joined.events().iter().filter(is_note).count(), 2);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let one = || recorded(0, 20, &[NOTE, FINISHED]);
        let with = |change: fn(&mut Header)| {
            let mut other = recorded(0, 30, &[NOTE, FINISHED]);
            change(&mut other.header);
            join(vec![one(), other]).expect_err("it does not fit")
        };
        assert_eq!(with(|header| header.start = None), (1, Mismatch::NoStart));
        assert_eq!(with(|header| header.origin = Origin::Chat), (1, Mismatch::NotPrograms));
        let start = |header: &mut Header, change: fn(&mut Start)| {
            header.start.as_mut().into_iter().for_each(change);
        };
        fn other_boot(start: &mut Start) {
            start.boot = "two".to_owned();
        }
        fn container(start: &mut Start) {
            start.namespaces.net = 9;
        }
        let mut other = recorded(0, 30, &[NOTE]);
        start(&mut other.header, other_boot);
        assert_eq!(join(vec![one(), other]), Err((1, Mismatch::OtherBoot)));
        let mut other = recorded(0, 30, &[NOTE]);
        start(&mut other.header, container);
        assert_eq!(join(vec![one(), other]), Err((1, Mismatch::OtherNamespaces)));
        assert_eq!(join(vec![one(), one()]), Err((1, Mismatch::SameProcess(20))));
        let wired = r#"{"at_ns":1,"actor":"chat","process":PROCESS,"thread":1,"event":"network","address":"10.9.0.2"}"#;
        let wired = recorded(0, 30, &[wired]);
        assert_eq!(join(vec![one(), wired]), Err((1, Mismatch::OwnNetworks)));
    }

    #[test]
    fn a_file_of_the_same_name_with_another_text_is_another_file() {
        let line = |text: &str| format!(r#"{{"source":"main.py:3","text":"{text}"}}"#);
        let call = r#"{"at_ns":5,"actor":"chat","process":PROCESS,"thread":7,"event":"enter","call":1,"syscall":"listen","socket":1,"args":{"fd":3,"backlog":1},"site":"main.py:3","role":"program"}"#;
        let recordings = ["listen(1)", "connect()", "listen(1)"].into_iter().zip(20..);
        let recordings =
            recordings.map(|(text, process)| recorded(0, process, &[&line(text), call, FINISHED]));
        let joined = join(recordings.collect()).expect("one machine");
        let mut texts: Vec<_> = joined
            .events()
            .iter()
            .filter_map(|event| {
                let site = event.site()?;
                Some((event.process, site.to_string(), joined.source_line(site)?.to_owned()))
            })
            .collect();
        texts.sort();
        let expected = [
            (20, "main.py:3", "listen(1)"),
            (21, "main.py (2):3", "connect()"),
            (22, "main.py:3", "listen(1)"),
        ];
        let owned =
            |(process, site, text): (u32, &str, &str)| (process, site.to_owned(), text.to_owned());
        assert_eq!(texts, expected.map(owned));
    }
}
