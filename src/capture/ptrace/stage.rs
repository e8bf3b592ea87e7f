//! What of all that is seen goes into the recording. Programs open sockets that matter to nobody: a library tries whether there is
//! IPv6, a resolver asks its daemon, an interpreter starts an epoll and closes it. What happens on such a one is held back until it
//! is used, and dropped if it never is. A thread comes into the recording with its first event there.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::capture::Recorder;
use crate::trace::{ActorKind, Event, EventKind, LAB, Name, Note, SocketId};

/// So many events of a trace are recorded, unless its job says otherwise.
pub const MOST_EVENTS: u64 = 200_000;
/// Of an object that is not used so many events are held back at most.
const MOST_HELD_BACK: usize = 500;

/// What may never be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    Socket(SocketId),
    /// An epoll of this process, by its descriptor.
    Epoll(u32, i64),
}

/// Decides what is recorded.
#[derive(Debug)]
pub struct Stage {
    recorder: Arc<Recorder>,
    held_back: HashMap<Object, Vec<Event>>,
    /// The other one of a pair of sockets, neither of which has been used.
    pairs: HashMap<Object, Object>,
    /// The epolls that watch a socket which has not been used: they are used when it is.
    watchers: HashMap<Object, Vec<Object>>,
    /// Sockets of which nothing is ever recorded.
    hidden: HashSet<SocketId>,
    /// Who has not been recorded yet, and the address of their network, if that is not the machine's.
    waiting: HashMap<Name, (ActorKind, Option<Ipv4Addr>)>,
    /// The processes of which it has been recorded in which network they are.
    placed: HashSet<u32>,
    present: HashSet<Name>,
    recorded: u64,
    /// So many events are recorded; what comes later is only counted.
    most: u64,
    is_over: bool,
}

impl Stage {
    pub fn new(recorder: Arc<Recorder>, most: u64) -> Stage {
        Stage {
            recorder,
            held_back: HashMap::new(),
            pairs: HashMap::new(),
            watchers: HashMap::new(),
            hidden: HashSet::new(),
            waiting: HashMap::new(),
            placed: HashSet::new(),
            present: HashSet::new(),
            recorded: 0,
            most,
            is_over: false,
        }
    }

    pub fn now_ns(&self) -> u64 {
        self.recorder.now_ns()
    }

    /// A new actor, who is recorded with the first event of theirs that is.
    pub fn expect(&mut self, actor: &Name, kind: ActorKind, network: Option<Ipv4Addr>) {
        self.waiting.insert(actor.clone(), (kind, network));
    }

    /// This actor, of whom nothing has been recorded, gets another name: its process runs another program.
    pub fn expect_no_more(&mut self, actor: &Name) {
        self.waiting.remove(actor);
    }

    /// True if something of this actor has been recorded.
    pub fn is_present(&self, actor: &Name) -> bool {
        self.present.contains(actor)
    }

    /// True if this name is taken.
    pub fn knows(&self, name: &str) -> bool {
        self.waiting.contains_key(name) || self.present.contains(name)
    }

    /// What happens on this object is held back from here on.
    pub fn hold_back(&mut self, object: Object) {
        self.held_back.insert(object, Vec::new());
    }

    /// What happens on either of these two is held back until one of them is used.
    pub fn hold_back_pair(&mut self, [one, other]: [SocketId; 2]) {
        let (one, other) = (Object::Socket(one), Object::Socket(other));
        self.pairs.extend([(one, other), (other, one)]);
        [one, other].into_iter().for_each(|object| self.hold_back(object));
    }

    /// True if nothing of this object has been recorded.
    pub fn is_held_back(&self, object: Object) -> bool {
        self.held_back.contains_key(&object)
    }

    /// Nothing of this socket is recorded.
    pub fn hide(&mut self, socket: SocketId) {
        self.held_back.remove(&Object::Socket(socket));
        self.hidden.insert(socket);
    }

    pub fn is_hidden(&self, socket: SocketId) -> bool {
        self.hidden.contains(&socket)
    }

    /// An epoll watches this socket, which may never be used.
    pub fn watch(&mut self, epoll: Object, socket: Object) {
        self.watchers.entry(socket).or_default().push(epoll);
    }

    /// The object is used: what was held back is recorded, of the other one of its pair and of the epolls that watch it too.
    pub fn show(&mut self, object: Object) {
        let mut objects = vec![object];
        if let Some(other) = self.pairs.remove(&object) {
            self.pairs.remove(&other);
            objects.push(other);
        }
        let watchers: Vec<Object> =
            objects.iter().filter_map(|it| self.watchers.remove(it)).flatten().collect();
        objects.extend(watchers);
        let mut events: Vec<Event> =
            objects.iter().filter_map(|it| self.held_back.remove(it)).flatten().collect();
        events.sort_by_key(|event| event.at_ns);
        events.into_iter().for_each(|event| self.record(event));
    }

    /// The object is gone; if it was never used, what was held back is dropped.
    pub fn forget(&mut self, object: Object) {
        let events = self.held_back.remove(&object);
        self.watchers.remove(&object);
        self.watchers.values_mut().for_each(|epolls| epolls.retain(|epoll| *epoll != object));
        // The other one of a pair may yet be used, and tells what became of this one.
        if let Some(other) = self.pairs.remove(&object)
            && let (Some(events), Some(of_other)) = (events, self.held_back.get_mut(&other))
        {
            self.pairs.remove(&other);
            of_other.extend(events);
            of_other.sort_by_key(|event| event.at_ns);
        }
    }

    /// A process has ended: its epolls that watched no socket are dropped.
    pub fn forget_epolls(&mut self, process: u32) {
        let is_its = |it: &&Object| matches!(it, Object::Epoll(owner, _) if *owner == process);
        let epolls: Vec<Object> = self.held_back.keys().filter(is_its).copied().collect();
        epolls.into_iter().for_each(|epoll| self.forget(epoll));
    }

    /// Something happened, on this object if it is on one.
    pub fn tell(&mut self, event: Event, object: Option<Object>) {
        if matches!(object, Some(Object::Socket(socket)) if self.is_hidden(socket)) {
            return;
        }
        let Some((object, held_back)) =
            object.and_then(|object| Some((object, self.held_back.get_mut(&object)?)))
        else {
            return self.record(event);
        };
        held_back.push(event);
        if held_back.len() >= MOST_HELD_BACK {
            self.show(object);
        }
    }

    fn record(&mut self, event: Event) {
        if let Some((kind, network)) = self.waiting.remove(&event.actor) {
            self.present.insert(event.actor.clone());
            self.push(Event { what: EventKind::Started { kind }, ..event.clone() });
            if let Some(address) = network.filter(|_| self.placed.insert(event.process)) {
                self.push(Event { what: EventKind::Network { address }, ..event.clone() });
            }
        }
        self.push(event);
    }

    fn push(&mut self, event: Event) {
        if self.is_over {
            return;
        }
        self.recorded += 1;
        let is_last_word =
            matches!(event.what, EventKind::Exited { .. } | EventKind::Deadline { .. });
        if self.recorded <= self.most || is_last_word {
            self.recorder.merge(event);
        }
    }

    /// True if what happens from here on is only counted.
    pub fn is_full(&self) -> bool {
        self.is_over || self.recorded >= self.most
    }

    /// The programs are being ended: what they do from here on is none of theirs.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    /// Records the sockets that are still held back, and how much was left out. An epoll that watches none tells nothing.
    pub fn finish(&mut self) {
        let is_socket = |object: &Object| matches!(object, Object::Socket(_));
        let objects: Vec<Object> = self.held_back.keys().copied().filter(is_socket).collect();
        objects.into_iter().for_each(|object| self.show(object));
        if let Some(events @ 1..) = self.recorded.checked_sub(self.most) {
            self.note(Note::LeftOut { events });
        }
    }

    /// Records what the trace as a whole lacks.
    pub fn note(&self, note: Note) {
        self.recorder.push(&Name::from(LAB), EventKind::Note { note });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(actor: &str) -> Event {
        let what = EventKind::Note { note: Note::IoUring };
        Event { at_ns: 0, actor: actor.into(), process: 1, thread: 1, what }
    }

    #[test]
    fn what_is_never_used_is_dropped_and_what_is_used_is_recorded_whole() {
        let recorder = Arc::new(Recorder::new(0));
        let mut stage = Stage::new(recorder.clone(), MOST_EVENTS);
        let (used, unused) = (Object::Socket(SocketId(1)), Object::Epoll(1, 3));
        stage.expect(&"server".into(), ActorKind::Process, None);
        for object in [used, unused] {
            stage.hold_back(object);
            stage.tell(event("server"), Some(object));
        }
        stage.forget(unused);
        assert!(recorder.events().is_empty() && stage.knows("server"));
        stage.show(used);
        stage.tell(event("server"), Some(used));
        stage.hold_back(unused);
        stage.tell(event("server"), Some(unused));
        stage.finish();
        let kinds: Vec<_> = recorder.events().into_iter().map(|event| event.what).collect();
        let note = EventKind::Note { note: Note::IoUring };
        assert_eq!(kinds, [EventKind::Started { kind: ActorKind::Process }, note.clone(), note]);
    }

    #[test]
    fn a_pair_of_sockets_is_recorded_whole_when_one_of_them_is_used() {
        let recorder = Arc::new(Recorder::new(0));
        let mut stage = Stage::new(recorder.clone(), MOST_EVENTS);
        let [one, other] = [1, 2].map(SocketId);
        stage.hold_back_pair([one, other]);
        stage.tell(event("one"), Some(Object::Socket(one)));
        stage.forget(Object::Socket(one));
        assert!(recorder.events().is_empty());
        stage.show(Object::Socket(other));
        assert_eq!(recorder.events().len(), 1);
        stage.hold_back_pair([one, other]);
        stage.tell(event("one"), Some(Object::Socket(other)));
        [one, other].into_iter().for_each(|id| stage.forget(Object::Socket(id)));
        stage.finish();
        assert_eq!(recorder.events().len(), 1);
    }

    #[test]
    fn an_epoll_is_used_when_a_socket_that_it_watches_is() {
        let recorder = Arc::new(Recorder::new(0));
        let mut stage = Stage::new(recorder.clone(), MOST_EVENTS);
        let [one, other] = [1, 2].map(|id| Object::Socket(SocketId(id)));
        let (epoll, closed) = (Object::Epoll(1, 5), Object::Epoll(1, 6));
        stage.hold_back_pair([SocketId(1), SocketId(2)]);
        for object in [epoll, closed] {
            stage.hold_back(object);
            stage.watch(object, one);
            stage.tell(event("server"), Some(object));
        }
        stage.forget(closed);
        stage.hold_back(closed);
        stage.tell(event("server"), Some(closed));
        assert!(recorder.events().is_empty());
        stage.show(other);
        assert_eq!(recorder.events().len(), 1);
        assert!(stage.is_held_back(closed), "the number has another epoll now");
    }

    #[test]
    fn beyond_its_bound_the_recording_only_counts() {
        let recorder = Arc::new(Recorder::new(0));
        let mut stage = Stage::new(recorder.clone(), MOST_EVENTS);
        for _ in 0..MOST_EVENTS + 7 {
            stage.tell(event("server"), None);
        }
        stage.finish();
        let last = recorder.events().pop().map(|event| event.what);
        assert_eq!(last, Some(EventKind::Note { note: Note::LeftOut { events: 7 } }));
        assert_eq!(recorder.events().len() as u64, MOST_EVENTS + 1);
    }
}
