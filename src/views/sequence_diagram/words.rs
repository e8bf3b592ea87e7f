//! A ladder's words: calls and what came of them, from the longest transit to say it to the shortest.

use super::builder::{ArrowTarget, Builder};
use super::diagram::Line;
use super::phrases::{after, near};
use crate::analysis::Fate;
use crate::i18n::tr;
use crate::picture::Ink;
use crate::picture::phrase::Phrase;
use crate::trace::{Address, Domain, Outcome, Syscall, SyscallKind};
use crate::views::wording::option_span;

impl Builder<'_> {
    /// True if that receive took all that this send gave, and nothing else.
    pub(super) fn took_only(&self, receive: usize, send: usize) -> bool {
        let got = self.made(receive).received().map(|data| data.bytes);
        let sent = self.made(send).result().and_then(|sent| usize::try_from(sent).ok());
        got.is_some() && got == sent
    }

    pub(super) fn short_receive(&self, index: usize, took: bool) -> Phrase {
        let made = self.made(index);
        let text = format!("{} = {}", made.call.function(), made.result().unwrap_or_default());
        vec![text.clone() + &after(made, took), text, made.call.function().to_string()]
    }

    /// What waits at the head of an arrow that nobody has taken yet.
    pub(super) fn meanwhile(&self, index: usize, target: &ArrowTarget) -> Phrase {
        let made = self.made(index);
        if target.line == Line::Control {
            return match (made.call.kind(), target.partners.is_empty()) {
                (SyscallKind::Connect, false) => {
                    vec![tr!("not accepted yet").to_owned(), tr!("waits").to_owned()]
                }
                (SyscallKind::Connect, true) => {
                    vec![tr!("never accepted").to_owned(), tr!("unaccepted").to_owned()]
                }
                _ => Vec::new(),
            };
        }
        let direction = self
            .analysis
            .directions
            .iter()
            .find(|direction| direction.sends.iter().any(|(send, ..)| *send == index));
        if let Some(direction) = direction {
            let sent: usize = direction
                .sends
                .iter()
                .filter(|(send, ..)| *send <= index)
                .map(|(.., bytes)| bytes)
                .sum();
            let before = |receive: usize| self.made(receive).returned_ns() <= made.entered_ns;
            let got: usize = direction
                .receives
                .iter()
                .filter(|(receive, ..)| before(*receive))
                .map(|(.., bytes)| bytes)
                .sum();
            let unread = sent.saturating_sub(got);
            return vec![tr!("{unread} B unread", unread)];
        }
        let to = self
            .analysis
            .messages
            .iter()
            .find(|message| message.send == Some(index))
            .and_then(|message| message.to);
        let waiting = self.analysis.messages.iter().filter(|message| {
            let sent =
                message.send.is_some_and(|send| self.made(send).entered_ns <= made.entered_ns);
            let got = message
                .receive
                .is_some_and(|receive| self.made(receive).returned_ns() <= made.entered_ns);
            message.to == to && message.receive.is_some() && sent && !got
        });
        vec![tr!("{count} unread", count = waiting.count())]
    }

    /// A call in words, as it is shown at its lane.
    pub(super) fn words(&self, index: usize, took: bool) -> (Phrase, Ink) {
        let made = self.made(index);
        let function = made.call.function().to_string();
        let asked = made.call.syscall.address();
        if let Some(errno) = made.errno() {
            let ink = if matches!(errno, "EINPROGRESS" | "EAGAIN" | "EWOULDBLOCK") {
                Ink::Warn
            } else {
                Ink::Bad
            };
            let short = format!("{function} ✗ {errno}");
            let mut words: Phrase = asked
                .into_iter()
                .flat_map(near)
                .map(|at| format!("{function} {at} ✗ {errno}"))
                .collect();
            words.push(short.clone() + &after(made, took));
            words.extend([short, format!("✗ {errno}")]);
            return (words, ink);
        }
        let late = after(made, took);
        let socket = made.socket.map(|socket| &self.analysis.sockets[socket]);
        let out = made.exit.as_ref().and_then(|back| back.out.address());
        let with = |ats: Phrase, join: &str| {
            let mut words: Phrase = Vec::new();
            for at in ats {
                words.extend([
                    format!("{function}{join}{at}{late}"),
                    format!("{function}{join}{at}"),
                ]);
            }
            if !made.is(SyscallKind::Bind) || words.is_empty() {
                words.extend([format!("{function}{late}"), function.clone()]);
            }
            words
        };
        let ink = match made.call.syscall {
            Syscall::Close | Syscall::SetOption { .. } | Syscall::SetFlags { .. } => Ink::Faint,
            _ => Ink::Plain,
        };
        let words = match &made.call.syscall {
            Syscall::Socket { domain, kind, .. } => {
                let said = socket.map(|socket| match (socket.protocol_name(), domain) {
                    ("", _) => format!("{domain}, {kind}"),
                    (protocol, Domain::Inet6) => format!("{protocol}, IPv6"),
                    (protocol, _) => protocol.to_owned(),
                });
                said.map(|said| format!("socket ({said})")).into_iter().chain([function]).collect()
            }
            Syscall::Bind { .. } => {
                let given = socket
                    .and_then(|socket| socket.local.as_ref())
                    .filter(|_| asked.and_then(Address::port) == Some(0));
                let mut words: Phrase =
                    given.map(|given| format!("bind :0 → {given}")).into_iter().collect();
                words.extend(with(given.or(asked).into_iter().flat_map(near).collect(), " "));
                words
            }
            Syscall::Connect { .. } => with(asked.into_iter().flat_map(near).collect(), " "),
            Syscall::Accept => with(
                out.filter(|out| **out != Address::Unix(None)).into_iter().flat_map(near).collect(),
                " → ",
            ),
            _ if made.received().is_some_and(|data| data.bytes > 0) => {
                let (result, data) = (
                    made.result().unwrap_or_default(),
                    made.received().map_or_else(String::new, ToString::to_string),
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
            _ if made.receives() => {
                let short = format!("{function} = {}", made.result().unwrap_or_default());
                let end = if self.is_stream(index) { tr!(" (end)") } else { "" };
                vec![format!("{short}{end}{late}"), format!("{short}{end}"), short]
            }
            _ if made.sending().is_some() => {
                let data = made.sending().map_or_else(String::new, ToString::to_string);
                let sent = made.result().unwrap_or_default();
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
                let told = match &made.call.syscall {
                    Syscall::Shutdown { how } => format!(" {how}"),
                    Syscall::Listen { backlog } => format!(" {backlog}"),
                    Syscall::SetFlags { nonblocking: true } => " O_NONBLOCK".to_owned(),
                    Syscall::SetFlags { nonblocking: false } => " 0".to_owned(),
                    Syscall::SetOption { option, value } => {
                        let span = option_span(option, value);
                        format!(" {}", span.unwrap_or_else(|| value.to_string()))
                    }
                    _ => String::new(),
                };
                let result = match &made.exit {
                    Some(back) if back.outcome != Outcome::Result(0) => {
                        format!(" = {}", back.outcome)
                    }
                    _ => String::new(),
                };
                let state =
                    self.new_state(index).map_or_else(String::new, |state| format!(" · {state}"));
                let plain = format!("{function}{told}{result}");
                let mut words =
                    vec![format!("{plain}{late}{state}"), format!("{plain}{state}"), plain];
                // A setter is long, and its value matters: its option says the same in fewer columns.
                match &made.call.syscall {
                    Syscall::SetOption { option, .. } => {
                        let option = option.name();
                        words.extend([format!("{option}{told}{result}"), function]);
                        words.push(option.into_owned());
                    }
                    Syscall::SetFlags { .. } => {
                        words.push(function);
                        words.push(told.trim().to_owned());
                    }
                    _ => words.push(function),
                }
                words
            }
        };
        (words, ink)
    }

    fn cut(&self, receive: usize) -> Option<usize> {
        self.analysis.messages.iter().find(|message| message.receive == Some(receive)).and_then(
            |message| match message.fate {
                Fate::Cut(lost) => Some(lost),
                _ => None,
            },
        )
    }

    /// The TCP state that a shutdown led to, if the instrument saw a new one right after.
    fn new_state(&self, index: usize) -> Option<&str> {
        let made = self.made(index);
        if self.is_asked_later(index) {
            return None;
        }
        let socket = &self.analysis.sockets
            [made.socket.filter(|_| made.is(SyscallKind::Shutdown) && !self.is_wired(index))?];
        let mut later = self.analysis.calls[index + 1..].iter();
        let until_ns = later
            .find(|later| later.socket == made.socket)
            .map_or(u64::MAX, |later| later.entered_ns);
        let new = |(at_ns, state): &&(u64, String)| {
            (made.returned_ns()..=until_ns).contains(at_ns)
                && socket.states.contains(&(*at_ns, state.clone()))
        };
        socket.observed.iter().find(new).map(|(_, state)| state.as_str())
    }
}
