//! A line that is typed in the step view for a traced program, whose terminal is not this one.

use crate::analysis::OpenCalls;
use crate::output::terminal::line::{Edited, Line};
use crate::trace::{Call, Event, Syscall, SyscallKind};
use crate::views::wording;

/// A program that reads its keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    pub(super) process: u32,
    pub(super) name: String,
}

/// What is being typed, and for whom.
pub(super) struct Typing {
    readers: Vec<Reader>,
    chosen: usize,
    pub(super) line: Line,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Unfinished,
    Cancelled,
    Text(String),
}

/// Those who are blocked reading their keyboard, or are about to, each once; whoever is at the cursor first.
pub(super) fn readers(events: &[Event], cursor: Option<&Event>) -> Vec<Reader> {
    let open = OpenCalls::after(events);
    let mut all: Vec<(&Event, &Call)> = open.held.into_iter().chain(open.entered).collect();
    all.sort_by_key(|(event, _)| cursor.is_none_or(|cursor| cursor.process != event.process));
    let mut readers: Vec<Reader> = Vec::new();
    for (event, _) in all.into_iter().filter(|(_, call)| reads_keyboard(call)) {
        if readers.iter().all(|reader| reader.process != event.process) {
            readers.push(Reader { process: event.process, name: wording::actor(&event.actor) });
        }
    }
    readers
}

/// True if descriptor 0, which is no socket, is read or waited for.
fn reads_keyboard(call: &Call) -> bool {
    match &call.syscall {
        Syscall::Poll { watched, .. } => watched.shown.iter().any(|(fd, _)| *fd == 0),
        Syscall::Select { read, .. } => read.shown.contains(&0),
        _ => call.kind() == SyscallKind::Recv && call.fd == Some(0) && call.socket.is_none(),
    }
}

impl Typing {
    /// Begins; `None` if nobody reads.
    pub(super) fn new(readers: Vec<Reader>) -> Option<Typing> {
        (!readers.is_empty()).then_some(Typing { readers, chosen: 0, line: Line::default() })
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.readers[self.chosen]
    }

    pub(super) fn has_choice(&self) -> bool {
        self.readers.len() > 1
    }

    /// Takes in what was typed. Of several lines only the first counts.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Typed {
        if bytes.is_empty() {
            return Typed::Cancelled; // the end of our own input
        }
        let Typing { readers, chosen, line } = self;
        match line.take(bytes, || *chosen = (*chosen + 1) % readers.len()) {
            Edited::Unfinished => Typed::Unfinished,
            Edited::Cancelled => Typed::Cancelled,
            Edited::Finished => Typed::Text(std::mem::take(&mut line.text) + "\n"),
            // What has been typed, and at the beginning of a line the end of input.
            Edited::Ended => Typed::Text(std::mem::take(&mut line.text) + "\u{4}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_typed_edited_and_given_to_whom_it_is_meant_for() {
        let reader = |process: u32, name: &str| Reader { process, name: name.to_owned() };
        let mut typing = Typing::new(vec![reader(1, "alice"), reader(2, "bob")]).expect("readers");
        assert_eq!(typing.take("ab好".as_bytes()), Typed::Unfinished);
        assert_eq!(typing.take(&"你".as_bytes()[..2]), Typed::Unfinished);
        assert_eq!(typing.take(&"你".as_bytes()[2..]), Typed::Unfinished);
        assert_eq!((typing.line.text.as_str(), typing.reader().process), ("ab好你", 1));
        assert_eq!(typing.take(b"\x7f\x7f\x1b[A\t"), Typed::Unfinished);
        assert_eq!((typing.line.text.as_str(), typing.reader().process), ("ab", 2));
        assert_eq!(typing.take(b"c\r"), Typed::Text("abc\n".to_owned()));
        assert_eq!(typing.take(b"\x04"), Typed::Text("\u{4}".to_owned()));
        assert_eq!(typing.take(b"x\x1b"), Typed::Cancelled);
        assert!(Typing::new(Vec::new()).is_none());
    }
}
