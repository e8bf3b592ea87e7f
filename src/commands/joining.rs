//! Several traces that are one run: those that join this one, or the one that this one joins.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::capture::child;
use crate::capture::join::{Acknowledge, Connection, Greeting, Listener, Message, Refusal};
use crate::capture::sys;
use crate::i18n::tr;
use crate::labels;
use crate::output::messages::say;
use crate::text::safe;
use crate::trace::axis::{Axis, Part};
use crate::trace::recording::{Header, Line, Origin};
use crate::trace::{Event, EventKind, LAB, Name};

/// How long to wait for what others send before looking whether somebody still does.
const AT_A_TIME: Duration = Duration::from_millis(50);
/// How long to wait for the others' end before saying so.
const HINT_AFTER: Duration = Duration::from_secs(1);

/// What a run has to do with other traces.
pub(super) enum Joining {
    /// Nothing.
    Alone,
    /// Others may join it.
    Open(Box<Joined>),
    /// It has joined another.
    Joins(Connection),
}

/// The traces that have joined this one.
pub(super) struct Joined {
    listener: Listener,
    /// Nobody can join, for this reason.
    refusal: Option<Refusal>,
    /// The header of our own recording has come.
    has_begun: bool,
    own: Option<Own>,
    /// Somebody has joined.
    is_joined: bool,
    others: BTreeMap<usize, Other>,
    /// What they did.
    events: Vec<Event>,
}

struct Own {
    axis: Axis,
    part: Part,
    /// With the programs of all.
    header: Header,
}

struct Other {
    part: Part,
    acknowledge: Acknowledge,
    /// The names of its programs.
    names: Vec<String>,
}

impl Joining {
    /// Lets others join, where the system makes that possible.
    pub fn open(is_wired: bool) -> Joining {
        let refusal = is_wired.then_some(Refusal::OwnNetworks);
        let joined = |listener| Joined {
            listener,
            refusal,
            has_begun: false,
            own: None,
            is_joined: false,
            others: BTreeMap::new(),
            events: Vec::new(),
        };
        Listener::bind()
            .map_or(Joining::Alone, |listener| Joining::Open(Box::new(joined(listener))))
    }

    /// A line of our own recording, as it was recorded.
    pub fn forward(&self, text: &[u8]) {
        if let Joining::Joins(connection) = self {
            connection.send(text.to_vec());
        }
    }

    /// What a line of our own says: by other names, where those that have joined have taken its.
    pub fn own(&mut self, line: Line) -> Line {
        match self {
            Joining::Open(joined) => joined.own_line(line),
            _ => line,
        }
    }

    /// True if others may join once the header of our recording has come.
    pub fn waits_for_header(&self) -> bool {
        matches!(self, Joining::Open(joined) if !joined.has_begun)
    }

    /// True if somebody has joined.
    pub fn is_joined(&self) -> bool {
        matches!(self, Joining::Open(joined) if joined.is_joined)
    }

    /// What others have sent since the last call.
    pub fn messages(&self) -> Vec<Message> {
        match self {
            Joining::Open(joined) => joined.listener.waiting(),
            _ => Vec::new(),
        }
    }

    /// What goes into the recording for such a message.
    pub fn take(&mut self, message: Message) -> Vec<Line> {
        match self {
            Joining::Open(joined) => joined.take(message),
            _ => Vec::new(),
        }
    }

    /// Our own programs have ended: what others send until theirs have ended too, or until Ctrl-C. Nobody joins any more.
    pub fn rest<E>(&mut self, mut line: impl FnMut(Line) -> Result<(), E>) -> Result<(), E> {
        let Joining::Open(joined) = self else { return Ok(()) };
        joined.listener.greet(Greeting::Refused(Refusal::Ended));
        child::leave_ctrl_c();
        let is_terminal = io::stderr().is_terminal();
        let (mut is_hinted, since) = (!is_terminal, Instant::now());
        while !child::was_ctrl_c_left() {
            // Asked before what has come is looked at.
            let is_idle = joined.others.is_empty() && !joined.listener.is_expecting();
            let timeout = if is_idle { Duration::ZERO } else { AT_A_TIME };
            if let Some(message) = joined.listener.next(timeout) {
                joined.take(message).into_iter().try_for_each(&mut line)?;
            } else if is_idle {
                break;
            } else if !is_hinted && !joined.others.is_empty() && since.elapsed() >= HINT_AFTER {
                is_hinted = true;
                let names = joined.others.values().flat_map(|other| &other.names);
                let hint = tr!(
                    "still running elsewhere: {names}; Ctrl-C shows what happened so far",
                    names = listed(names)
                );
                say(hint);
            }
        }
        if child::was_ctrl_c_left() && is_terminal {
            let _ = writeln!(io::stderr()); // behind its ^C
        }
        Ok(())
    }

    /// What others did, in no order.
    pub fn take_events(&mut self) -> Vec<Event> {
        match self {
            Joining::Open(joined) => std::mem::take(&mut joined.events),
            _ => Vec::new(),
        }
    }
}

/// Names for a sentence.
fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    let names: Vec<String> = names.map(|name| safe(&labels::actor(name)).into_owned()).collect();
    names.join(tr!(context "list", ", "))
}

impl Joined {
    fn own_line(&mut self, line: Line) -> Line {
        match (line, &mut self.own) {
            (Line::Header(header), _) => {
                self.begin(&header);
                Line::Header(header)
            }
            (Line::Event(event), Some(Own { axis, part, .. })) => {
                Line::Event(Box::new(axis.rename(part, *event)))
            }
            (Line::Source(line), Some(Own { axis, part, .. })) => {
                Line::Source(axis.cite(part, line))
            }
            (line, None) => line,
        }
    }

    /// Our own recording begins: now others can be compared with it.
    fn begin(&mut self, header: &Header) {
        self.has_begun = true;
        let mut axis = header.start.clone().map(Axis::new);
        let own = axis.as_mut().and_then(|axis| axis.add(header).ok());
        if let (Some(axis), Some((part, _))) = (axis, own) {
            self.own = Some(Own { axis, part, header: header.clone() });
        }
        let greeting = match self.refusal {
            Some(why) => Greeting::Refused(why),
            None => Greeting::Header(header.clone()),
        };
        self.listener.greet(greeting);
    }

    /// What goes into the recording for this message.
    fn take(&mut self, message: Message) -> Vec<Line> {
        let lines = match message {
            Message::Joined(number, header, acknowledge) => self.join(number, &header, acknowledge),
            Message::Gone { number, by_itself } => self.leave(number, by_itself),
            Message::Line(number, line) => self.place(number, line),
        };
        self.events.extend(lines.iter().filter_map(|line| match line {
            Line::Event(event) if !matches!(event.what, EventKind::Joined { .. }) => {
                Some((**event).clone())
            }
            _ => None,
        }));
        lines
    }

    fn join(&mut self, number: usize, header: &Header, acknowledge: Acknowledge) -> Vec<Line> {
        let Some(Own { axis, header: own, .. }) = &mut self.own else { return Vec::new() };
        let Ok((part, programs)) = axis.add(header) else { return Vec::new() };
        self.is_joined = true;
        let names = programs.iter().map(|program| program.name.clone()).collect();
        if let Origin::Programs(all) = &mut own.origin {
            all.extend(programs.clone());
        }
        self.listener.greet(Greeting::Header(own.clone()));
        let (at_ns, process) = (part.begins_ns(), std::process::id());
        self.others.insert(number, Other { part, acknowledge, names });
        if io::stderr().is_terminal() {
            let names = listed(programs.iter().map(|program| &program.name));
            say(tr!("{names} joined, from another terminal", names));
        }
        let what = EventKind::Joined { programs };
        let event = Event { at_ns, actor: Name::from(LAB), process, thread: process, what };
        vec![Line::Event(Box::new(event))]
    }

    /// One that has not sent its last line is gone, and its programs with it, unless we take no more.
    fn leave(&mut self, number: usize, by_itself: bool) -> Vec<Line> {
        let (Some(mut other), Some(own)) = (self.others.remove(&number), &self.own) else {
            return Vec::new();
        };
        if !by_itself {
            return Vec::new();
        }
        let start_ns = own.header.start.as_ref().map_or(0, |start| start.monotonic_ns);
        let now_ns = sys::monotonic_ns().saturating_sub(start_ns);
        let exits = other.part.kill_all(now_ns).into_iter();
        exits.map(|event| Line::Event(Box::new(event))).collect()
    }

    fn place(&mut self, number: usize, line: Line) -> Vec<Line> {
        let (Some(Own { axis, .. }), Some(other)) = (&mut self.own, self.others.get_mut(&number))
        else {
            return Vec::new();
        };
        match line {
            Line::Header(_) => Vec::new(),
            Line::Source(line) => vec![Line::Source(axis.cite(&mut other.part, line))],
            Line::Event(event) => {
                let is_last = matches!(event.what, EventKind::End { .. });
                let events = axis.place(&mut other.part, *event);
                if is_last && let Some(other) = self.others.remove(&number) {
                    other.acknowledge.taken();
                }
                events.into_iter().map(|event| Line::Event(Box::new(event))).collect()
            }
        }
    }
}
