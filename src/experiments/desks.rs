//! Two desks with a connection between them: what lessons 11 and 12 need to run the chat's own code with nobody there.
//! A desk has a keyboard that the experiment types on, and a screen that it reads.

use std::io::{self, PipeWriter, Write, pipe};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{Domain, Type};

use crate::chat::keyboard::{Keyboard, Stopper};
use crate::chat::message::Inbox;
use crate::chat::screen::Screen;
use crate::chat::{Buffer, Side, Talk};
use crate::event::{Event, What};
use crate::lab::{Actor, Error, Lab, Result, Socket};

/// One side: its end of the connection, what is typed there, and what has been shown there.
pub(super) struct Desk {
    lab: Lab,
    pub(super) side: Side,
    pub(super) socket: Socket,
    person: Actor,
    keys: Mutex<Option<PipeWriter>>,
    keyboard: Mutex<Option<Keyboard>>,
    stopper: Stopper,
    shown: Mutex<String>,
    changed: Condvar,
}

/// A client's socket and a server's, connected.
pub(super) fn connected(lab: &Lab) -> Result<(Socket, Socket)> {
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let listener = server.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    let calling = client.socket(Domain::IPV4, Type::STREAM, None)?;
    calling.connect(&listener.local_addr()?)?;
    let (answering, _) = listener.accept()?;
    listener.close()?;
    Ok((calling, answering))
}

/// The client's desk and the server's.
pub(super) fn desks(lab: &Lab) -> Result<(Desk, Desk)> {
    let (calling, answering) = connected(lab)?;
    let people = lab.actor("people");
    Ok((Desk::new(lab, Side::Client, calling, &people)?, Desk::new(lab, Side::Server, answering, &people)?))
}

impl Desk {
    fn new(lab: &Lab, side: Side, socket: Socket, person: &Actor) -> Result<Desk> {
        let (read, write) = pipe()?;
        let keyboard = keyboard(read)?;
        Ok(Desk {
            lab: lab.clone(),
            side,
            socket,
            person: person.clone(),
            keys: Mutex::new(Some(write)),
            stopper: keyboard.stopper(),
            keyboard: Mutex::new(Some(keyboard)),
            shown: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// What the chat's own code takes: this connection, this keyboard, this screen. Once.
    pub(super) fn talk(&self) -> Result<Talk<'_>> {
        let keyboard = locked(&self.keyboard).take().ok_or_else(|| Error::Unexpected("one desk, one talk".to_owned()))?;
        let inbox = Inbox::new("Jack: ", false);
        Ok(Talk { socket: &self.socket, keyboard, screen: self, inbox, buffer: Buffer::default() })
    }

    /// Types lines at this desk; each ends with a newline.
    pub(super) fn types(&self, lines: &str) -> Result<()> {
        let words = lines.trim_end().replace('\n', ", ");
        let deed = format!("{} types {words}", self.side.name());
        let mut keys = locked(&self.keys);
        Ok(self.person.deed(deed, || keys.as_mut().map_or(Ok(()), |keys| keys.write_all(lines.as_bytes())))?)
    }

    /// Presses Ctrl-D: this side has said all.
    pub(super) fn ends(&self) -> Result<()> {
        let deed = format!("{} types Ctrl-D", self.side.name());
        let keys = locked(&self.keys).take();
        Ok(self.person.deed(deed, || {
            drop(keys);
            Ok(())
        })?)
    }

    /// Takes the keyboard away: nothing more is typed, and nothing waits for it.
    pub(super) fn leaves(&self) {
        self.stopper.stop();
    }

    /// What the screen shows, without its last newline.
    pub(super) fn screen(&self) -> String {
        locked(&self.shown).trim_end().to_owned()
    }

    /// Waits until the screen shows so many messages.
    pub(super) fn until_shown(&self, messages: usize) {
        let mut shown = locked(&self.shown);
        while shown.lines().count() < messages {
            shown = self.changed.wait(shown).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until this actor's last event is what is asked for.
    fn until(&self, actor: &str, wanted: impl Fn(&What) -> bool) {
        let mine = |event: &&Event| &*event.actor == actor && !matches!(event.what, What::Sample(_));
        let last = |events: &[Event]| events.iter().rev().find(mine).is_some_and(|event| wanted(&event.what));
        while !self.lab.recorder().look(last) {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Waits until this actor has entered recv() and has not returned.
    pub(super) fn until_in_recv(&self, actor: &str) {
        self.until(actor, |what| matches!(what, What::Enter(call) if call.function == "recv"));
    }

    /// Waits until this actor has left.
    pub(super) fn until_left(&self, actor: &str) {
        self.until(actor, |what| matches!(what, What::Left { .. }));
    }
}

impl Screen for Desk {
    fn show(&self, text: &str) -> io::Result<()> {
        let words = text.trim_end().replace('\n', ", ");
        self.person.deed(format!("shows {words}"), || {
            locked(&self.shown).push_str(text);
            Ok(())
        })?;
        self.changed.notify_all();
        Ok(())
    }

    fn note(&self, _: &str) {}

    fn trace(&self, _: &str) {}
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn keyboard(read: io::PipeReader) -> Result<Keyboard> {
    Ok(Keyboard::new(read.into(), None)?)
}

#[cfg(not(unix))]
fn keyboard(_: io::PipeReader) -> Result<Keyboard> {
    Err(Error::Unavailable(crate::language::either("on this system the chat reads no pipe", "在这个系统上，聊天程序读不了管道").to_owned()))
}
