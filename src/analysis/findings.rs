//! What often goes wrong in programs on sockets, and did in this run: a file a group of rules.
//!
//! A rule speaks up only where what was recorded leaves no other reading: a false alarm is worse than a missed fault. Each
//! is tested with a recording in which it must find its fault and with one, of a right program, in which it must find nothing.
//! In a stepped run somebody else held the calls, so no rule that goes by how long something took says anything of it.

use std::cmp::Reverse;

use strum::{EnumDiscriminants, EnumIter};

use self::facts::Facts;
use super::{Analysis, Origin};
use crate::trace::{Address, ExitStatus, FileType, Name};

mod addresses;
mod backlog;
mod closing;
mod deadlock;
mod delayed_ack;
pub(super) mod facts;
mod joined;
mod leaks;
mod messages;
mod readiness;
mod roles;
mod short_reads;
mod sleeping;
mod spinning;
mod streams;
#[cfg(test)]
mod tests;
mod waiting;

/// Something that a program did and should not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub rule: Rule,
    /// Who did it.
    pub who: Name,
    /// The calls that show it, as indices into [`Analysis::calls`], the most telling first. Of several equal findings, those of
    /// the first.
    pub calls: Vec<usize>,
    /// How often it was found at the same place.
    pub times: usize,
}

/// What was done, with the numbers that show it.
#[derive(Clone, Debug, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(name(RuleKind), doc = "A rule, without its numbers.", derive(EnumIter, Hash))]
pub enum Rule {
    /// It answered after a recv() that had got a part of a message.
    AnsweredPart { got: usize, of: usize },
    /// It closed the connection after a recv() that had got a part of a message; the rest was thrown away.
    LeftRest { got: usize, of: usize },
    /// It read a length, asked for so many bytes, got fewer, and went on as if it had them all.
    ShortRead { got: usize, asked: usize },
    /// A recv() got several messages together, and then it waited for the next.
    JoinedMessages { messages: usize, bytes: usize },
    /// A send() took a part of the data, and the rest was not sent.
    RestNotSent { taken: usize, of: usize },
    /// recv() returned 0, and was called again and again.
    ReadPastEnd { times: usize },
    /// It asked again and again for what was not there yet, without ever waiting: so often in all.
    Spin { times: usize, span_ns: u64 },
    /// A thread still used a processor when the run was stopped, long after its last call.
    BusyWithoutCall { cpu_ns: u64 },
    /// It closed a connection on which bytes were unread: the peer got a reset.
    ClosedUnread { unread: usize },
    /// It answered and closed the connection while its peer was still sending, and the peer lost so many bytes of the answer.
    ClosedWhileSending { lost: usize },
    /// bind() or listen() failed: the address is in use.
    AddressInUse { address: Address, holder: Holder },
    /// A server closed a connection first, and had not set SO_REUSEADDR: it cannot be started again for a minute.
    NoReuseAddress { address: Address },
    /// It set SO_REUSEADDR after bind(), for which that is too late.
    ReuseAddressLate { address: Address },
    /// It sent on a connection that was closed, and SIGPIPE ended it.
    BrokenPipe,
    /// Each waits for another of them to send.
    AllReceive { waiting: usize },
    /// Each waits in send() for another of them to receive.
    AllSend { waiting: usize },
    /// Each waits for another of them, some in recv() and some in send().
    AllWait { waiting: usize },
    /// It waits in accept(), and so does everybody else.
    AllAccept { waiting: usize },
    /// It waits in accept() while a client, which waits for its answer, has sent what it has not read.
    AcceptInsteadOfRecv { unread: usize },
    /// A server of one thread waited for one client, and so long another was not accepted.
    OneClientBlocks { waited_ns: u64 },
    /// A thread that serves several clients slept between what one had sent and the answer, while another waited.
    SleepBlocks { slept_ns: u64 },
    /// A connect() waited because the server accepted nobody and its queue was full.
    FullBacklog { backlog: i64, waited_ns: u64 },
    /// Small sends one after the other, then a recv(): each time the second waited for a delayed acknowledgment.
    DelayedAck { times: usize, waited_ns: u64 },
    /// Connections that the peer had closed were never closed, perhaps because a child has a descriptor for them too.
    NotClosed { sockets: usize, is_shared: bool },
    /// It still has a connection that a child of it has closed, whose peer waits for the end of it.
    KeptOpen,
    /// It waited without any limit for an answer.
    NoTimeout { waited_ns: u64, lost: Lost },
    /// A readiness call said the same descriptor again and again, and nobody touched it.
    ReadyIgnored { times: usize, events: Readiness },
    /// It blocked on a socket that the readiness call before had not named.
    NotReady { waited_ns: u64 },
    /// It watches a socket with EPOLLET, and left bytes there: it is not told of them again.
    EdgeLeftUnread { unread: usize },
    /// A datagram was cut by the buffer.
    DatagramCut { got: usize, of: usize },
    /// Nobody listened at the address; perhaps somebody does nearby.
    NobodyListens { address: Address, nearby: Option<Nearby> },
    /// It answered a datagram to another address than the one it had come from, and nobody was there.
    AnsweredElsewhere { to: Address, from: Address },
    /// It asked for an address that another program of the run should have had, whose bind() or listen() had failed.
    ServerFailed { address: Address, server: Name },
    /// It asked for an address at which nobody listened: a program that had been started before had failed before it listened.
    ServerEnded { address: Address, server: Name, status: ExitStatus },
    /// It is connected to a process outside of the recording, which has the address that another program of the run was refused.
    ConnectedElsewhere { address: Address, server: Name, holder: Holder },
    /// accept() on a socket on which listen() had not been called.
    NotListening,
    /// A send or receive on the listening socket instead of the one that accept() returned.
    ListenerUsed { function: String },
    /// A send or receive on a socket that was never connected; a server's has an address.
    NotConnected { function: String, has_address: bool },
    /// A thread went on using a socket that another had closed.
    UsedAfterClose { function: String },
    /// Programs that each wait for a datagram, of which none is on its way.
    NoDatagram { waiting: usize },
    /// A socket was closed while another thread was blocked on it.
    ClosedWhileBlocked { blocked_ns: u64 },
    /// A socket was connected to itself.
    SelfConnect { address: Address },
}

/// What was lost on the wire, for which somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Nothing that is known: the peer said nothing.
    Nothing,
    /// What it had sent.
    Question,
    /// What had been sent to it.
    Answer,
}

/// Who holds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Another socket of whoever was refused.
    Itself,
    /// A socket of this program, which listens or is bound.
    Open(Name),
    /// A socket of the first, who has closed it; the second has inherited it, and has it still.
    Inherited {
        /// Who made it.
        from: Name,
        /// Who has it.
        by: Process,
    },
    /// Connections of this program that were closed: their addresses are in TIME_WAIT.
    Closed(Name),
    /// A connection that was closed before the recording began, or by nobody in it: its TCP state, and for TIME_WAIT how long that
    /// still lasts.
    Lingering {
        /// The state.
        state: String,
        /// The rest of its time, in nanoseconds.
        left_ns: Option<u64>,
    },
    /// A process outside of the recording.
    Outside {
        /// Which.
        process: Process,
        /// What it has to do with who was refused.
        relation: Relation,
    },
    /// A process that cannot be looked into, of this user where that is known.
    Hidden(Option<u32>),
    /// Nobody: it is a path where a file stands, which a socket that is gone has left behind, or which is none of a socket.
    File(FileType),
    /// The recording does not say.
    Unknown,
}

/// A process that holds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// What it is called, if it is in the recording.
    pub actor: Option<Name>,
    /// Its PID.
    pub number: u32,
    /// Its command line.
    pub command: String,
}

/// What a process outside of the recording has to do with one in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Nothing that is known.
    None,
    /// It has the same command line: an earlier run, or what that has forked.
    Same,
    /// Its parent has the same command line.
    ChildOfSame,
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// To read or accept.
    Reading,
    /// To write.
    Writing,
}

/// Who listens near an address at which nobody listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearby {
    /// Who.
    pub who: Name,
    /// Where.
    pub address: Address,
    /// How long after the attempt it began to listen; 0 if it listened already.
    pub later_ns: u64,
}

impl Rule {
    /// True if it tells how a run ended, of which another may tell the cause.
    fn is_outcome(&self) -> bool {
        use Rule::{AllAccept, AllReceive, AllSend, AllWait, NoDatagram, NoTimeout};
        matches!(
            self,
            AllReceive { .. }
                | AllSend { .. }
                | AllWait { .. }
                | AllAccept { .. }
                | NoDatagram { .. }
                | NoTimeout { .. }
        )
    }

    /// True if another rule may tell what came of it.
    fn is_cause(&self) -> bool {
        matches!(
            self,
            Rule::AnsweredPart { .. }
                | Rule::LeftRest { .. }
                | Rule::ShortRead { .. }
                | Rule::NotListening
                | Rule::ListenerUsed { .. }
                | Rule::NotConnected { .. }
                | Rule::NoDatagram { .. }
        )
    }

    /// True if another rule may tell its cause.
    fn is_consequence(&self) -> bool {
        matches!(
            self,
            Rule::ClosedUnread { .. }
                | Rule::ClosedWhileSending { .. }
                | Rule::BrokenPipe
                | Rule::NobodyListens { .. }
                | Rule::NoTimeout { .. }
        )
    }

    /// True if it goes by how long something took, or how often it happened meanwhile.
    fn goes_by_time(&self) -> bool {
        matches!(
            self,
            Rule::Spin { .. }
                | Rule::BusyWithoutCall { .. }
                | Rule::OneClientBlocks { .. }
                | Rule::SleepBlocks { .. }
                | Rule::FullBacklog { .. }
                | Rule::DelayedAck { .. }
                | Rule::NoTimeout { .. }
                | Rule::ReadyIgnored { .. }
                | Rule::NotReady { .. }
                | Rule::ClosedWhileBlocked { .. }
        )
    }
}

impl Finding {
    fn new(facts: &Facts, rule: Rule, calls: Vec<usize>) -> Finding {
        let who = facts.analysis.calls[calls[0]].actor.clone();
        Finding { rule, who, calls, times: 1 }
    }

    /// The same was found again.
    fn add(&mut self, other: Finding) {
        self.times += other.times;
        if let (Rule::Spin { times, span_ns }, Rule::Spin { times: more, span_ns: longer }) =
            (&mut self.rule, other.rule)
        {
            *times += more;
            *span_ns += longer;
        }
    }
}

impl Analysis<'_> {
    /// What was done in this run that should not be, in the order in which it happened, and last what came of it: that everybody
    /// waits. Equal findings are one.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings_where(|_| true)
    }

    /// Those of them that are wanted; of equal ones the first that is. None of a run of which calls are known to be missing.
    pub fn findings_where(&self, is_wanted: impl Fn(&Finding) -> bool) -> Vec<Finding> {
        if self.recording.has_unseen_calls() {
            return Vec::new();
        }
        let facts = Facts::of(self);
        let rules: [fn(&Facts) -> Vec<Finding>; 14] = [
            messages::find,
            joined::find,
            short_reads::find,
            streams::find,
            spinning::find,
            readiness::find,
            closing::find,
            roles::find,
            leaks::find,
            addresses::find,
            deadlock::find,
            waiting::find,
            sleeping::find,
            delayed_ack::find,
        ];
        let mut all: Vec<Finding> = rules.iter().flat_map(|rule| rule(&facts)).collect();
        if facts.is_stepped {
            all.retain(|finding| !finding.rule.goes_by_time());
        }
        self.keep_causes(&mut all);
        all.retain(is_wanted);
        all.sort_by_key(|finding| {
            (finding.rule.is_outcome(), self.calls[finding.calls[0]].entered_ns)
        });
        let mut merged: Vec<Finding> = Vec::new();
        for finding in all {
            match merged.iter_mut().find(|known| self.is_like(known, &finding)) {
                Some(known) => known.add(finding),
                None => merged.push(finding),
            }
        }
        merged
    }

    /// Leaves out what is said already: whoever takes a part for the message closes with the rest unread; whoever receives on the
    /// socket that listens leaves unread what comes to the other; to whoever does not listen nobody can connect.
    fn keep_causes(&self, all: &mut Vec<Finding>) {
        let causes: Vec<Finding> = all.iter().filter(|it| it.rule.is_cause()).cloned().collect();
        all.retain(|finding| {
            let is_caused = |cause: &Finding| self.is_caused(finding, cause);
            !(finding.rule.is_consequence() && causes.iter().any(is_caused))
        });
    }

    /// True if this finding tells only what came of the other.
    fn is_caused(&self, finding: &Finding, cause: &Finding) -> bool {
        let socket = |finding: &Finding| self.calls[finding.calls[0]].socket;
        let (Some(own), Some(other)) = (socket(finding), socket(cause)) else { return false };
        let is_same = own == other;
        match (&finding.rule, &cause.rule) {
            (
                Rule::ClosedUnread { .. } | Rule::ClosedWhileSending { .. },
                Rule::AnsweredPart { .. } | Rule::LeftRest { .. } | Rule::ShortRead { .. },
            )
            | (Rule::BrokenPipe, Rule::ListenerUsed { .. } | Rule::NotConnected { .. }) => is_same,
            (Rule::ClosedUnread { .. }, Rule::ListenerUsed { .. }) => {
                self.sockets[own].origin == Origin::Accept(Some(other))
            }
            (
                Rule::NobodyListens { address, .. },
                Rule::NotListening | Rule::NotConnected { has_address: true, .. },
            ) => self.sockets[other].is_reached(address, &self.sockets[own]),
            (Rule::NoTimeout { .. }, Rule::NoDatagram { .. }) => {
                cause.calls.contains(&finding.calls[0])
            }
            _ => false,
        }
    }

    /// True if both are of one rule and one place: a source line, or where that is not known, an actor's call.
    fn is_like(&self, one: &Finding, other: &Finding) -> bool {
        let place = |finding: &Finding| {
            let call = &self.calls[finding.calls[0]].call;
            let who = call.site.is_none().then(|| (finding.who.clone(), call.kind()));
            (RuleKind::from(&finding.rule), call.site.clone(), who)
        };
        place(one) == place(other)
    }
}

/// The longest first.
fn by_length<T>(all: &mut [T], length: impl Fn(&T) -> u64) {
    all.sort_by_key(|one| Reverse(length(one)));
}
