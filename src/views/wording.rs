//! How calls, arguments and outcomes are put into words: what trace, side-by-side and the tables share.
//!
//! A recording may come from a file that anybody wrote, so every text goes through [`safe`] before it is shown.

use crate::i18n::tr;
use crate::labels;
use crate::picture::{Ink, fit, span_of};
use crate::reasons;
use crate::trace::packet::{End, LinkAction};
use crate::trace::recording::Recording;
use crate::trace::{
    Address, AddressHolder, Call, Data, Event, Fact, HolderProcess, Label, Name, Note, Observation,
    Outcome, Output, Privilege, Relation, SockOpt, Syscall, TcpInfo, Value,
};

/// The text, what a terminal might obey, hide or reorder written out.
pub(crate) fn safe(text: &str) -> String {
    crate::text::safe(text).into_owned()
}

/// How long a run could last, or had lasted when it was interrupted. The time in which calls were held does not count for a deadline.
pub fn time_limit(recording: &Recording, limit_ns: u64, interrupted: bool) -> String {
    let limit = span_of(limit_ns);
    match recording.is_stepped() && !interrupted {
        true => tr!("{limit} without the pauses", limit),
        false => limit,
    }
}

/// What an actor is called.
pub(crate) fn actor(name: &str) -> String {
    safe(&labels::actor(name))
}

/// A label in words.
pub(crate) fn label(label: &Label) -> String {
    safe(&labels::label(label))
}

/// The actors in the order in which they came, which is also the order of their colours.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActorColors(Vec<Name>);

impl ActorColors {
    /// The actor's place; a new one gets the next.
    pub fn add(&mut self, actor: &Name) -> usize {
        self.place(actor).unwrap_or_else(|| {
            self.0.push(actor.clone());
            self.0.len() - 1
        })
    }

    /// The actor's place, if it has come on.
    pub fn place(&self, actor: &Name) -> Option<usize> {
        self.0.iter().position(|known| known == actor)
    }

    /// The ink of the actor, if it has come on.
    pub fn ink(&self, actor: &Name) -> Ink {
        self.place(actor).map_or(Ink::Faint, Ink::Of)
    }

    /// How many have come.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Everyone who speaks in these events, except the lab itself.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e Event>) -> ActorColors {
        let mut colors = ActorColors::default();
        for event in events.into_iter().filter(|event| event.is_by_actor()) {
            colors.add(&event.actor);
        }
        colors
    }
}

/// A time that evidence saw, and what the kernel's clock was behind if that counts too.
pub(crate) fn with_lag(saw: String, lag_ns: Option<u64>) -> String {
    match lag_ns.map(span_of) {
        Some(lag) => tr!("{saw} + {lag} by which the kernel's tick clock lagged", saw, lag),
        None => saw,
    }
}

/// A TCP state in words: `none` says that the kernel has no record of this end.
pub(crate) fn tcp_state(state: &str) -> String {
    if state == "none" { tr!("no record").to_owned() } else { safe(state) }
}

/// How evidence is compared, in words.
pub(crate) fn relation(relation: Relation) -> String {
    match relation {
        Relation::Before => tr!(context "recording", "before").to_owned(),
        sign => sign.to_string(),
    }
}

/// A value in words; of data at most this many bytes.
pub(crate) fn value(value: &Value, bytes: usize) -> String {
    match value {
        Value::Data(data) => shorten(data, bytes).to_string(),
        Value::Address(at) => safe(&address(at)),
        Value::Label(it) => label(it),
        other => safe(&other.to_string()),
    }
}

/// An address in words; of a socket without one, that it has none.
pub(crate) fn address(address: &Address) -> String {
    if *address == Address::Unix(None) {
        tr!(context "recording", "(no name)").to_owned()
    } else {
        address.to_string()
    }
}

/// The start of the data, cut between characters.
fn shorten(data: &Data, bytes: usize) -> Data {
    let mut end = data.kept.len().min(bytes);
    let inside_character = |at: usize| data.kept.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    for _ in 0..3 {
        if end > 0 && inside_character(end) {
            end -= 1;
        }
    }
    Data { bytes: data.bytes, kept: data.kept[..end].to_vec() }
}

/// `(3, 127.0.0.1:4000)`; of data at most this many bytes.
pub(crate) fn arguments(call: &Call, bytes: usize) -> String {
    let args = call.args();
    let all: Vec<String> =
        args.0.iter().map(|(_, it)| argument(&call.syscall, it, |it| value(it, bytes))).collect();
    format!("({})", all.join(", "))
}

/// One argument of the call: an option's value that is a time as a time, `200 ms`, and the length of an address with its unit; all else as
/// `words` has it.
pub(crate) fn argument(syscall: &Syscall, it: &Value, words: impl Fn(&Value) -> String) -> String {
    match syscall {
        Syscall::SetOption { option, value } if value == it => option_span(option, it),
        Syscall::Sleep { asked_ns } => Some(span_of(*asked_ns)),
        Syscall::Connect { length: Some(bytes), .. } if *it == Value::from(*bytes) => {
            Some(tr!("{bytes} bytes", bytes))
        }
        _ => None,
    }
    .unwrap_or_else(|| words(it))
}

/// The value of an option that is a time, as a time. 0 is no limit, but to linger for 0 seconds is not to linger.
pub(crate) fn option_span(option: &SockOpt, it: &Value) -> Option<String> {
    let unit_ns = option.time_unit_ns()?;
    match it {
        Value::Number(0) if *option == SockOpt::Linger => Some("0 s".to_owned()),
        Value::Number(0) => Some(tr!("no limit").to_owned()),
        Value::Number(number) => {
            Some(span_of(u64::try_from(*number).unwrap_or(0).saturating_mul(unit_ns)))
        }
        _ => None,
    }
}

/// What the kernel filled in, each value after a space: ` "hello" from 127.0.0.1:4000`, ` ESTABLISHED rtt 35 µs`.
pub(crate) fn filled_in(out: &Output, bytes: usize) -> String {
    let from = |at: &Address| tr!(" from {at}", at = safe(&address(at)));
    match out {
        Output::None | Output::Opened { .. } | Output::Closed { still_open: 0 } => String::new(),
        Output::Pair { fds: [one, other], .. } => format!(" [{one}, {other}]"),
        Output::Closed { still_open: 1 } => tr!(" (one other descriptor is open)").to_owned(),
        Output::Closed { still_open } => {
            tr!(" ({still_open} other descriptors are open)", still_open)
        }
        Output::Accepted { peer, .. } => from(peer),
        Output::Received { data, from: sender } => {
            let sender = sender.as_ref().map_or_else(String::new, from);
            format!(" {}{sender}", shorten(data, bytes))
        }
        Output::Name(at) => format!(" {}", safe(&address(at))),
        Output::Value(it) => format!(" [{}]", value(it, bytes)),
        Output::TcpInfo(info) => format!(" {}", tcp_info(info)),
        Output::Ready(list) => format!(" ready {}", safe(&list.to_string())),
        Output::Other(args) => args
            .0
            .iter()
            .map(|(name, it)| format!(" {} {}", safe(name), value(it, bytes)))
            .collect(),
    }
}

/// What a receive has got that returned 0: an empty message, or the end of the stream.
pub(crate) fn nothing_received(is_empty_message: bool) -> &'static str {
    if is_empty_message { tr!("(empty)") } else { tr!("(end)") }
}

/// Errors are bad, except those by which programs ask: `not yet`, or `watched already`.
pub(crate) fn outcome_ink(call: &Syscall, outcome: &Outcome) -> Ink {
    match outcome {
        Outcome::Result(_) => Ink::Plain,
        Outcome::Errno(errno) if call.asks_by(errno) => Ink::Warn,
        Outcome::Errno(_) => Ink::Bad,
    }
}

/// What became of a frame, in a word.
pub(crate) fn link_action(action: LinkAction) -> &'static str {
    match action {
        LinkAction::Passed => tr!("passed"),
        LinkAction::Delayed => tr!("delayed"),
        LinkAction::Duplicated => tr!("duplicated"),
        LinkAction::Held => tr!("held back"),
        LinkAction::Dropped => tr!("dropped"),
        LinkAction::Cut => tr!("lost"),
    }
}

/// `1 byte`, `5 bytes`.
pub(crate) fn bytes(count: usize) -> String {
    match count {
        1 => tr!("1 byte").to_owned(),
        _ => tr!("{count} bytes", count),
    }
}

/// An end of the wire, as it is called.
pub(crate) fn end(end: End) -> String {
    actor(&end.to_string())
}

/// The state, and the numbers that are known.
fn tcp_info(info: &TcpInfo) -> String {
    let number = |(name, number): (&str, u32)| match name.strip_suffix("_us") {
        Some(name) => format!(" {name} {}", span_of(u64::from(number) * 1_000)),
        None => format!(" {name} {number}"),
    };
    format!("{}{}", safe(&info.state), info.numbers().map(number).collect::<String>())
}

/// What becomes of a program that gets no privileges.
pub(crate) fn unprivileged(file: &str, privilege: Privilege) -> String {
    let file = safe(file);
    match privilege {
        Privilege::SetId => tr!(
            "{file} is to run with its owner's rights (set-user-ID), which the kernel gives to no program that is traced: it runs with yours, and may fail (`sudo explore trace …` traces it as root)",
            file
        ),
        Privilege::Capabilities => tr!(
            "{file} is to run with capabilities of its file, which the kernel gives to no program that is traced: it runs without them, and may fail (`sudo explore trace …` traces it as root)",
            file
        ),
    }
}

/// What the instrument cannot see, or left out.
pub(crate) fn note(note: &Note) -> String {
    match note {
        Note::IoUring => {
            tr!("uses io_uring: what goes through its rings is no system call, and is not seen")
                .to_owned()
        }
        Note::IoUringRefused { errno } => {
            tr!("asked for io_uring, and did not get it ({errno})", errno)
        }
        Note::ReadsUnseen { errno } => tr!(
            "its calls of read() and close() are not seen: the kernel refused the filter for them ({errno})",
            errno
        ),
        Note::Untraced { why } => {
            tr!("it is not traced, so its calls are not known: {why}", why = reasons::lack(why))
        }
        Note::NotReadable => tr!(
            "may not be looked into: of its calls neither addresses nor data are seen (its file may be executed and not read, or it has asked for that with prctl(PR_SET_DUMPABLE))"
        )
        .to_owned(),
        Note::Unprivileged { file, privilege } => unprivileged(file, *privilege),
        Note::RunsOn { program, processes } => {
            let all: Vec<String> =
                processes.iter().map(|it| command(&it.argv.join(" "), it.process)).collect();
            let all = all.join(tr!(context "list", ", "));
            tr!("{name} runs on in the background: {all}", name = actor(program), all)
        }
        Note::SharedKeyboard { with } => {
            tr!(
                "reads the keyboard, and so does {other}: what is typed is divided among them, by lines or by letters, and nobody can say who gets what. Give it a keyboard of its own, in a second terminal (explore trace --join), or a file (--stdin NAME=FILE)",
                other = actor(with)
            )
        }
        Note::OtherArchitecture => {
            tr!("runs code of another architecture, whose calls are not seen").to_owned()
        }
        Note::Rewritten { from, to } => tr!("{from} is led over the wire: {to}", from, to),
        Note::NoNames { errno } => {
            tr!(
                "the programs have no names in their networks, only addresses (mount(/etc/hosts): {errno})",
                errno
            )
        }
        Note::NoDebugInformation => {
            tr!("was compiled without debug information, so that its lines are not known: compile it with -g").to_owned()
        }
        Note::UnknownPython => tr!(
            "is run by a Python whose lines cannot be read: known are CPython 3.11 to 3.15, with the global lock"
        )
        .to_owned(),
        Note::NotStarted { program } => {
            tr!(
                "{program} was not started: the trace ended, or Ctrl-C was pressed, before its turn, which comes when the program before it listens, has ended, or has nothing more to start",
                program = actor(program)
            )
        }
        Note::LeftOut { events } => {
            tr!("{events} more events are left out: the recording has grown to its bound", events)
        }
        Note::OutputLeftOut { bytes } => {
            tr!("the programs printed {bytes} bytes more, which are not kept", bytes)
        }
    }
}

/// Who has an address: `LISTEN python3 server.py (PID 12)`.
fn holder(holder: &AddressHolder) -> String {
    let state = holder.state.as_deref().into_iter().map(safe);
    let process = |it: &HolderProcess| command(&it.argv.join(" "), it.process);
    state.chain(holder.processes.iter().map(process)).collect::<Vec<_>>().join(" ")
}

/// A process by its command line, shortened, and its number.
pub(crate) fn command(line: &str, process: u32) -> String {
    const MOST: usize = 60;
    let command = fit(&safe(line), MOST);
    tr!("{command} (PID {process})", command, process)
}

/// What the kernel said when the instrument asked.
pub(super) fn observation(observation: &Observation) -> String {
    let source = observation.fact.source();
    let what = match &observation.fact {
        Fact::Getsockname(local) => {
            tr!("its own address is {address} ({source})", address = safe(&address(local)), source)
        }
        Fact::Getpeername(peer) => {
            tr!(
                "its peer's address is {address} ({source})",
                address = safe(&address(peer)),
                source
            )
        }
        Fact::TcpInfo(info) => {
            tr!("its state is {state} ({source})", state = tcp_info(info), source)
        }
        Fact::TcpTable { local, peer, state } => {
            let state = tcp_state(state);
            return tr!("{local} with {peer}: {state} ({source})", local, peer, state, source);
        }
        Fact::AddressInUse { address: at, holders, .. } => {
            let address = safe(&address(at));
            if holders.is_empty() {
                tr!("{address} is in use, by no socket that is listed ({source})", address, source)
            } else {
                let all: Vec<String> = holders.iter().map(holder).collect();
                let holders = all.join(tr!(context "list", ", "));
                tr!("{address} is in use: {holders} ({source})", address, holders, source)
            }
        }
        Fact::Kind { domain, kind } => {
            let (domain, kind) = (safe(&domain.to_string()), safe(&kind.to_string()));
            tr!(
                "it was there before, and is a socket of {domain} and {kind} ({source})",
                domain,
                kind,
                source
            )
        }
        Fact::UnixPeer(_) => tr!("the other end of its connection is known ({source})", source),
        Fact::CommandOutput { argv, lines } => {
            let command = safe(&command_line(argv));
            return tr!("{command}: lines of its answer: {lines}", command, lines = lines.len());
        }
        Fact::StillOpen { closed_by } => {
            tr!(
                "it is still open here, after PID {closed_by} has closed it ({source})",
                closed_by,
                source
            )
        }
    };
    match observation.fd {
        Some(fd) => tr!("fd {fd}: {what}", fd, what),
        None => tr!("a socket: {what}", what),
    }
}

/// A command as it is typed into a shell.
pub(super) fn command_line(argv: &[String]) -> String {
    let words = argv.iter().map(String::as_str);
    shlex::try_join(words).unwrap_or_else(|_| argv.join(" "))
}
