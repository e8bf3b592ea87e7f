//! Two desks with a connection between them: what lessons 11 and 12 need to run the chat's own code with nobody there.
//! A desk has a keyboard that the experiment types on, and a screen that it reads.

use std::io::{self, PipeWriter, Write, pipe};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use crate::capture::{Actor, Error, Lab, Result, Socket};
use crate::chat::keyboard::{Keyboard, Stopper};
use crate::chat::message::Inbox;
use crate::chat::screen::Screen;
use crate::chat::{self, Buffer, Side, Talk, meeting};
use crate::trace::{Event, EventKind, SyscallKind};

/// How long a client tries: here somebody always answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// One side: its end of the connection, what is typed there, and what has been shown there.
pub(super) struct Desk {
    lab: Lab,
    pub(super) side: Side,
    place: Place,
    socket: OnceLock<Socket>,
    person: Actor,
    keys: Mutex<Option<PipeWriter>>,
    keyboard: Mutex<Option<Keyboard>>,
    stopper: Stopper,
    at_terminal: bool,
    shown: Mutex<String>,
    changed: Condvar,
    notes: Mutex<Vec<String>>,
}

/// Where the two desks meet.
#[derive(Clone)]
enum Place {
    /// At an address that the server finds, and leaves here for the client.
    Found(Arc<OnceLock<SockAddr>>),
    /// At one that a user gave, by the chat's own way of meeting.
    Given(chat::Address),
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
    desks_at(lab, &Place::Found(Arc::default()))
}

/// The client's desk and the server's, whose users gave this address. They meet by the chat's own code.
pub(super) fn desks_that_meet_at(lab: &Lab, address: &str) -> Result<(Desk, Desk)> {
    desks_at(lab, &Place::Given(address.parse().map_err(Error::Unexpected)?))
}

fn desks_at(lab: &Lab, place: &Place) -> Result<(Desk, Desk)> {
    let people = lab.actor("people");
    let desk = |side| Desk::new(lab, side, place.clone(), &people, false);
    Ok((desk(Side::Client)?, desk(Side::Server)?))
}

/// A client's desk with a terminal, that calls whoever listens there. This actor types at it.
pub(super) fn desk_at_terminal(lab: &Lab, address: SockAddr, person: &Actor) -> Result<Desk> {
    Desk::new(lab, Side::Client, Place::Found(Arc::new(address.into())), person, true)
}

impl Desk {
    fn new(lab: &Lab, side: Side, place: Place, person: &Actor, at_terminal: bool) -> Result<Desk> {
        let (read, write) = pipe()?;
        let keyboard = keyboard(read)?;
        Ok(Desk {
            lab: lab.clone(),
            side,
            place,
            socket: OnceLock::new(),
            person: person.clone(),
            keys: Mutex::new(Some(write)),
            stopper: keyboard.stopper(),
            keyboard: Mutex::new(Some(keyboard)),
            at_terminal,
            shown: Mutex::default(),
            changed: Condvar::new(),
            notes: Mutex::default(),
        })
    }

    /// What the chat's own code takes: a connection, which this actor makes, and this keyboard and screen. Once.
    pub(super) fn talk(&self, me: &Actor) -> Result<Talk<'_>> {
        let keyboard = locked(&self.keyboard)
            .take()
            .ok_or_else(|| Error::Unexpected("one desk, one talk".to_owned()))?;
        let made = match &self.place {
            Place::Found(found) if self.side == Side::Server => accepted(me, found)?,
            Place::Found(found) => connected_to(me, found.wait())?,
            Place::Given(address) => self.meet(me, address)?,
        };
        let inbox = Inbox::new("Jack: ", false);
        Ok(Talk {
            socket: self.socket.get_or_init(|| made),
            keyboard,
            screen: self,
            inbox,
            buffer: Buffer::default(),
        })
    }

    /// Meets the other side by the chat's own code.
    fn meet(&self, me: &Actor, address: &chat::Address) -> Result<Socket> {
        let met = if self.side == Side::Server {
            chat::serve(&self.lab, address, self)
        } else {
            self.until(
                "server",
                |what| matches!(what, EventKind::Enter(call) if call.kind() == SyscallKind::Accept),
            );
            meeting::call(&self.lab, me, &self.where_the_server_is(address)?, PATIENCE, 0, self)
        };
        met.map_err(|missed| Error::Unexpected(missed.to_string()))
    }

    /// The server's user reads the port that the kernel chose, and tells it.
    fn where_the_server_is(&self, given: &chat::Address) -> Result<chat::Address> {
        let chat::Address::Inet(_) = given else {
            return Ok(given.clone());
        };
        match self.lab.last_call("server", SyscallKind::GetSockName)?.back.out.address() {
            Some(at) => Ok(chat::Address::Inet(at.to_string())),
            None => Err(Error::Unexpected("the server listens nowhere".to_owned())),
        }
    }

    /// Its end of the connection, once there is one.
    pub(super) fn socket(&self) -> Result<&Socket> {
        self.socket.get().ok_or_else(|| Error::Unexpected("the two have not met".to_owned()))
    }

    /// What the chat itself last had to say here.
    pub(super) fn last_note(&self) -> String {
        locked(&self.notes).last().cloned().unwrap_or_default()
    }

    /// Types lines at this desk; each ends with a newline.
    pub(super) fn types(&self, lines: &str) -> Result<()> {
        let words = lines.trim_end().replace('\n', ", ");
        let deed = format!("{} types {words}", self.side.name());
        let mut keys = locked(&self.keys);
        Ok(self
            .person
            .deed(deed, || keys.as_mut().map_or(Ok(()), |keys| keys.write_all(lines.as_bytes())))?)
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

    fn until(&self, actor: &str, wanted: impl Fn(&EventKind) -> bool) {
        until(&self.lab, actor, wanted);
    }

    /// Waits until this actor has entered recv() and has not returned.
    pub(super) fn until_in_recv(&self, actor: &str) {
        self.until(
            actor,
            |what| matches!(what, EventKind::Enter(call) if call.kind() == SyscallKind::Recv),
        );
    }

    /// Waits until this actor has left.
    pub(super) fn until_left(&self, actor: &str) {
        self.until(actor, |what| matches!(what, EventKind::Left { .. }));
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

    fn note(&self, text: &str) {
        locked(&self.notes).push(text.to_owned());
    }

    fn is_terminal(&self) -> bool {
        self.at_terminal
    }

    fn trace(&self, _: &str) {}
}

/// The server of two who meet plainly: it leaves its address for the client, and takes its call.
fn accepted(me: &Actor, found: &OnceLock<SockAddr>) -> Result<Socket> {
    let listener = me.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    listener.listen(5)?;
    let _ = found.set(listener.local_addr()?);
    let (socket, _) = listener.accept()?;
    listener.close()?;
    Ok(socket)
}

/// A plain client.
pub(super) fn connected_to(me: &Actor, address: &SockAddr) -> Result<Socket> {
    let socket = me.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.connect(address)?;
    Ok(socket)
}

/// Waits until this actor's last event is what is asked for.
pub(super) fn until(lab: &Lab, actor: &str, wanted: impl Fn(&EventKind) -> bool) {
    let mine =
        |event: &&Event| &*event.actor == actor && !matches!(event.what, EventKind::Sample(_));
    lab.recorder()
        .until(|events| events.iter().rev().find(mine).is_some_and(|event| wanted(&event.what)));
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
    Err(Error::Unavailable(crate::i18n::tr!("on this system the chat reads no pipe").to_owned()))
}
