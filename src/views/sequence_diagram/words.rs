//! A ladder's words: calls and what came of them, from the longest transit to say it to the shortest.

use super::builder::{ArrowTarget, Builder};
use super::diagram::{KnownBy, Line, Named};
use super::phrases::{after, connect_words, near};
use super::wire::state_words;
use crate::analysis::{Asker, CallSpan, StateReport, Unread};
use crate::i18n::tr;
use crate::picture::phrase::Phrase;
use crate::picture::{Ink, span_of};
use crate::trace::{Address, Domain, Outcome, Output, Syscall, SyscallKind, Value};
use crate::views::wording::{self, option_span};

/// When a SYN that was dropped is sent again, in nanoseconds (RFC 6298, section 2.1): who waited so long was not in the queue before.
const FIRST_RETRY_NS: u64 = 1_000_000_000;

impl Builder<'_> {
    /// True if that receive took all that this send gave, and nothing else.
    pub(super) fn took_only(&self, receive: usize, send: usize) -> bool {
        let got = self.span(receive).received().map(|data| data.bytes);
        let sent = self.span(send).result().and_then(|sent| usize::try_from(sent).ok());
        got.is_some() && got == sent
    }

    pub(super) fn short_receive(&self, index: usize, took: bool) -> Phrase {
        let span = self.span(index);
        let (function, result) = (function_of(span), span.result().unwrap_or_default());
        let text = format!("{function} = {result}");
        vec![text.clone() + &after(span, took), text, function]
    }

    /// The same words, after the name of the thread that made the call, where several share a lane.
    pub(super) fn by_thread(&self, index: usize, words: Phrase) -> Phrase {
        let span = self.span(index);
        let thread = self.threads.get(&(span.process, span.thread));
        let shares = self.shared_lanes.contains(&self.lane(index));
        let Some(thread) = thread.filter(|_| shares) else { return words };
        let named: Phrase =
            words.iter().map(|text| tr!("{name}: {what}", name = thread, what = text)).collect();
        named.into_iter().chain(words).collect()
    }

    /// What waits at the head of an arrow that nobody has taken yet.
    pub(super) fn meanwhile(&self, index: usize, target: &ArrowTarget) -> Phrase {
        if target.line == Line::Control {
            let span = self.span(index);
            if !span.is(SyscallKind::Connect) {
                return Vec::new();
            }
            let is_taken = !target.partners.is_empty();
            // Whether a connect() that has not succeeded came so far is not known.
            if !is_taken && !span.connected() {
                return Vec::new();
            }
            let waited_ns = span.took_ns();
            let mut words = match is_taken {
                true if waited_ns >= FIRST_RETRY_NS => {
                    vec![tr!("into the queue {span} later", span = span_of(waited_ns))]
                }
                true => vec![tr!("into the queue").to_owned()],
                false => [tr!("into the queue, never accepted"), tr!("never accepted")]
                    .map(str::to_owned)
                    .to_vec(),
            };
            words.push(tr!("queue").to_owned());
            return words;
        }
        match target.unread {
            Some(Unread::Bytes(unread)) => vec![tr!("{unread} B unread", unread)],
            Some(Unread::Sent(bytes)) => vec![tr!("{bytes} B not received yet", bytes)],
            Some(Unread::Datagrams(1)) => vec![tr!("1 datagram unread").to_owned()],
            Some(Unread::Datagrams(count)) => vec![tr!("{count} datagrams unread", count)],
            None => Vec::new(),
        }
    }

    /// The address that a call's words name.
    pub(super) fn named(&self, index: usize) -> Option<Named> {
        let span = self.span(index);
        let asked = span.call.syscall.address();
        let (join, address) = match &span.call.syscall {
            Syscall::Bind { .. } => (" ", self.given(span).or(asked)),
            Syscall::Accept { .. } => (" → ", span.exit.as_ref()?.out.address()),
            Syscall::Send { .. } => (" → ", asked),
            _ => (" ", asked),
        };
        let address = address.filter(|at| **at != Address::Unix(None)).map(wording::address)?;
        let what = format!("{}{join}{address}", function_of(span));
        let name = &self.lanes[self.lane(index)].name;
        let parts = address.rsplit_once(':').filter(|_| span.is(SyscallKind::Accept));
        let accepted = parts.map(|(host, port)| (format!("{host}:"), format!(":{port}")));
        Some(Named { accepted, words: tr!("{name}: {what}", name, what), address })
    }

    /// The address that the kernel chose, of a bind() that left the port to it.
    fn given(&self, span: &CallSpan) -> Option<&Address> {
        let local = self.analysis.sockets[span.socket?].local.as_ref();
        let asked = span.call.syscall.address();
        local.filter(|_| span.errno().is_none() && asked.and_then(Address::port) == Some(0))
    }

    /// A call in words, as it is shown at its lane.
    pub(super) fn words(&self, index: usize, took: bool) -> (Phrase, Ink) {
        let span = self.span(index);
        let function = function_of(span);
        let asked = span.call.syscall.address();
        if span.is_under_way() {
            let mut begun = connect_words(span);
            begun.pop(); // the name alone does not say that it goes on
            let after = after(span, took);
            let longest = begun.first().map(|words| words.clone() + &after);
            return (longest.into_iter().chain(begun).collect(), Ink::Warn);
        }
        if let (Some(said), true) = (self.outcome(index), span.call.syscall.only_asks()) {
            return said;
        }
        if let Some(signal) = self.analysis.signal_that_cut(span) {
            let short = format!("{function}: {signal}");
            return (
                vec![tr!("{function}: interrupted by {signal}", function, signal), short],
                Ink::Warn,
            );
        }
        if let Some(errno) = span.errno() {
            let ink = if span.call.syscall.asks_by(errno) { Ink::Warn } else { Ink::Bad };
            let short = format!("{function} ✗ {errno}");
            let mut words: Phrase = asked
                .into_iter()
                .flat_map(near)
                .map(|at| format!("{function} {at} ✗ {errno}"))
                .collect();
            words.push(short.clone() + &after(span, took));
            words.extend([short, format!("✗ {errno}")]);
            return (words, ink);
        }
        let late = after(span, took);
        let socket = span.socket.map(|socket| &self.analysis.sockets[socket]);
        let out = span.exit.as_ref().and_then(|back| back.out.address());
        let with = |ats: Phrase, join: &str| {
            let mut words: Phrase = Vec::new();
            for at in ats {
                words.extend([
                    format!("{function}{join}{at}{late}"),
                    format!("{function}{join}{at}"),
                ]);
            }
            if !span.is(SyscallKind::Bind) || words.is_empty() {
                words.extend([format!("{function}{late}"), function.clone()]);
            }
            words
        };
        let ink = match span.call.syscall {
            Syscall::Close | Syscall::SetOption { .. } | Syscall::SetFlags { .. } => Ink::Faint,
            _ => Ink::Plain,
        };
        let words = match &span.call.syscall {
            Syscall::Socket { domain, kind, .. } => {
                let said = socket.map(|socket| match (socket.protocol_name(), domain) {
                    ("", _) => format!("{domain}, {kind}"),
                    (protocol, Domain::Inet6) => format!("{protocol}, IPv6"),
                    (protocol, _) => protocol.to_owned(),
                });
                said.map(|said| format!("socket ({said})")).into_iter().chain([function]).collect()
            }
            Syscall::Bind { .. } => {
                let given = self.given(span);
                let mut words: Phrase =
                    given.map(|given| format!("bind :0 → {given}")).into_iter().collect();
                words.extend(with(given.or(asked).into_iter().flat_map(near).collect(), " "));
                words
            }
            Syscall::Connect { .. } => with(asked.into_iter().flat_map(near).collect(), " "),
            Syscall::Accept { .. } => with(
                out.filter(|out| **out != Address::Unix(None)).into_iter().flat_map(near).collect(),
                " → ",
            ),
            Syscall::Close if socket.is_some_and(|socket| socket.backlog.is_some()) => {
                let whole = tr!("{function} (listener)", function);
                vec![format!("{whole}{late}"), whole, function]
            }
            _ if span.received().is_some_and(|data| data.bytes > 0) => {
                let (result, data) = (
                    span.result().unwrap_or_default(),
                    span.received().map_or_else(String::new, ToString::to_string),
                );
                let short = format!("{function} = {result}");
                let cut = self
                    .cut(index)
                    .map_or_else(String::new, |lost| tr!(", {lost} B cut off", lost));
                vec![
                    format!("{short} {data}{cut}{late}"),
                    format!("{short} {data}{cut}"),
                    short.clone() + &cut,
                    short,
                ]
            }
            _ if span.receives() => {
                let short = format!("{function} = {}", span.result().unwrap_or_default());
                let end = wording::nothing_received(self.analysis.is_empty_message(span));
                vec![format!("{short} {end}{late}"), format!("{short} {end}"), short]
            }
            _ if span.sending().is_some() => {
                let data = span.sending().map_or_else(String::new, ToString::to_string);
                let sent = span.result().unwrap_or_default();
                let mut words: Phrase = asked
                    .into_iter()
                    .flat_map(near)
                    .map(|at| format!("{function} {data} {sent} B → {at}"))
                    .collect();
                words.extend([
                    format!("{function} {data} {sent} B"),
                    format!("{function} {data}"),
                    format!("{function} {sent} B"),
                ]);
                words
            }
            _ => {
                let argument = match &span.call.syscall {
                    Syscall::Shutdown { how } => format!(" {how}"),
                    Syscall::Listen { backlog } => format!(" {backlog}"),
                    Syscall::EpollCtl { operation, watched, .. } => {
                        let operation = operation.to_string().replace("EPOLL_CTL_", "");
                        format!(" {operation} fd {watched}")
                    }
                    Syscall::Sleep { asked_ns } => format!(" {}", span_of(*asked_ns)),
                    Syscall::SetFlags { nonblocking: true, .. } => " O_NONBLOCK".to_owned(),
                    Syscall::SetFlags { nonblocking: false, .. } => {
                        tr!(" O_NONBLOCK off").to_owned()
                    }
                    Syscall::SetOption { option, value } => {
                        let span = option_span(option, value);
                        format!(" {}", span.unwrap_or_else(|| value.to_string()))
                    }
                    _ => close_on_exec(span).map_or_else(String::new, |flag| format!(" {flag}")),
                };
                let none_ready = span.call.syscall.waits_for_many() && span.result() == Some(0);
                let result = match &span.exit {
                    Some(_) if none_ready => " = 0".to_owned(),
                    Some(back) if back.outcome != Outcome::Result(0) => {
                        format!(" = {}", back.outcome)
                    }
                    _ => String::new(),
                };
                let state = self.new_state(index).map_or_else(String::new, |state| {
                    format!(" · {}", state_words(state, KnownBy::Asking)[0])
                });
                let plain = format!("{function}{argument}{result}");
                let mut words =
                    vec![format!("{plain}{late}{state}"), format!("{plain}{state}"), plain.clone()];
                if none_ready {
                    let said = plain + tr!(" (none ready)");
                    words.splice(0..0, [format!("{said}{late}"), said]);
                }
                // A setter is long, and its value matters: its option says the same in fewer columns.
                match &span.call.syscall {
                    Syscall::SetOption { option, value } => {
                        let option = option.name();
                        let whole = format!("{option}{argument}{result}");
                        let short =
                            option.split_once('_').map(|(_, it)| format!("{it}{argument}{result}"));
                        let said = [whole].into_iter().chain(short);
                        // Of a program of which only the kernel's call is known, the option says more than `setsockopt`.
                        if span.call.api.is_none() {
                            words = said.chain([option.into_owned(), function]).collect();
                        } else {
                            words.extend(said);
                            // That it is on goes without saying; how long or how much does not.
                            if *value == Value::Number(1) {
                                words.extend([function, option.into_owned()]);
                            }
                        }
                    }
                    Syscall::SetFlags { .. } => {
                        words.push(function);
                        words.push(argument.trim().to_owned());
                    }
                    _ if close_on_exec(span).is_some() => {
                        words.extend([format!("FD_CLOEXEC{argument}"), function]);
                    }
                    _ => words.push(function),
                }
                words
            }
        };
        (words, ink)
    }

    /// What came of a connection that was begun before, if this call asks for that.
    fn outcome(&self, index: usize) -> Option<(Phrase, Ink)> {
        let Output::Value(value) = &self.span(index).exit.as_ref()?.out else { return None };
        Some(match value {
            Value::Text(errno) => {
                let short = format!("SO_ERROR ✗ {errno}");
                (vec![short, format!("✗ {errno}")], Ink::Bad)
            }
            _ => (
                vec![tr!("SO_ERROR = 0: connected").to_owned(), "SO_ERROR = 0".to_owned()],
                Ink::Plain,
            ),
        })
    }

    fn cut(&self, receive: usize) -> Option<usize> {
        let mut messages = self.analysis.messages.iter();
        let message = messages.find(|message| message.receive == Some(receive))?;
        Some(message.cut()).filter(|cut| *cut > 0)
    }

    /// The TCP state that a shutdown led to. Where the program itself asks for it later, this would be taken for the answer.
    fn new_state(&self, index: usize) -> Option<&str> {
        let span = self.span(index);
        let socket =
            span.socket.filter(|_| span.is(SyscallKind::Shutdown) && !self.is_wired(index))?;
        let reports = &self.analysis.sockets[socket].tcp_states;
        let asks_later = |report: &StateReport| {
            report.asked_by == Asker::Program && report.at_ns >= span.entered_ns
        };
        self.analysis.state_after(index).filter(|_| !reports.iter().any(asks_later))
    }
}

/// What a call is called: a receive that leaves what it gets where it is says so.
pub(super) fn function_of(span: &CallSpan) -> String {
    match span.call.function() {
        function if span.peeks() && function != "peek" => format!("{function} MSG_PEEK"),
        function => function.to_owned(),
    }
}

/// What fcntl() sets the descriptor's flag `FD_CLOEXEC` to: 1, or 0.
fn close_on_exec(span: &CallSpan) -> Option<u8> {
    let Syscall::Other { args } = &span.call.syscall else { return None };
    let is = |name, wanted: &'static str| args.get(name) == Some(&wanted.into());
    is("command", "F_SETFD").then(|| u8::from(is("flags", "FD_CLOEXEC")))
}
