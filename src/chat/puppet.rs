//! A peer without a person: an experiment types on its keyboard and reads its screen. Lessons 11 and 12 put one at each end of a
//! connection and run the chat's own code in between.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::connect::{accept_one, connect};
use super::keyboard::{Keyboard, StopHandle};
use super::message_decoder::MessageDecoder;
use super::screen::Screen;
use super::{Address, Buffer, Session, Side};
use crate::capture::sys::{self, InputWriter};
use crate::capture::{Actor, Error, Lab, Result, Socket};
use crate::trace::{Event, EventKind, Failure, Label, SyscallKind, label};

/// How long a client tries to connect. The server is listening, so it never takes that long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// One end of a chat.
pub struct PuppetPeer {
    lab: Lab,
    /// Which end this is.
    pub side: Side,
    meeting_point: MeetingPoint,
    at_terminal: bool,
    /// In a recording, this actor does the typing and the showing.
    user: Actor,
    stop: StopHandle,
    socket: OnceLock<Socket>,
    state: Mutex<State>,
    /// Signalled when text has been shown.
    shown: Condvar,
}

struct State {
    /// The writing end of the keyboard; `None` after Ctrl-D.
    keys: Option<InputWriter>,
    /// The reading end, until the chat takes it.
    keyboard: Option<Keyboard>,
    screen: String,
    notes: Vec<String>,
}

/// How client and server find each other.
#[derive(Clone)]
enum MeetingPoint {
    /// The server listens at a port that the kernel chooses, and puts its address here.
    Shared(Arc<OnceLock<SockAddr>>),
    /// The users gave an address; the chat's own code makes the connection.
    Given(Address),
}

/// A client and a server that connect to each other.
pub fn puppets(lab: &Lab) -> Result<(PuppetPeer, PuppetPeer)> {
    pair(lab, &MeetingPoint::Shared(Arc::default()))
}

/// A client and a server whose users gave this address.
pub fn puppets_at(lab: &Lab, address: &str) -> Result<(PuppetPeer, PuppetPeer)> {
    let address = address.parse().map_err(|_| Failure::Parameter { name: "address".into() })?;
    pair(lab, &MeetingPoint::Given(address))
}

fn pair(lab: &Lab, meeting_point: &MeetingPoint) -> Result<(PuppetPeer, PuppetPeer)> {
    let people = lab.actor("people");
    let peer = |side| PuppetPeer::new(lab, side, meeting_point.clone(), &people, false);
    Ok((peer(Side::Client)?, peer(Side::Server)?))
}

/// A client at a terminal, which connects to this address. `user` types for it.
pub fn puppet_at_terminal(lab: &Lab, address: SockAddr, user: &Actor) -> Result<PuppetPeer> {
    let server = MeetingPoint::Shared(Arc::new(address.into()));
    PuppetPeer::new(lab, Side::Client, server, user, true)
}

impl PuppetPeer {
    fn new(
        lab: &Lab,
        side: Side,
        meeting_point: MeetingPoint,
        user: &Actor,
        at_terminal: bool,
    ) -> Result<PuppetPeer> {
        let (read, write) = sys::input_pipe()?;
        let keyboard = Keyboard::new(read, None)?;
        Ok(PuppetPeer {
            lab: lab.clone(),
            side,
            meeting_point,
            at_terminal,
            user: user.clone(),
            stop: keyboard.stop_handle(),
            socket: OnceLock::new(),
            state: Mutex::new(State {
                keys: Some(write),
                keyboard: Some(keyboard),
                screen: String::new(),
                notes: Vec::new(),
            }),
            shown: Condvar::new(),
        })
    }

    /// Connects to the other side, and returns everything that a style needs to talk. Can be called once.
    pub fn connect(&self, me: &Actor) -> Result<Session<'_>> {
        let keyboard = self
            .state()
            .keyboard
            .take()
            .ok_or_else(|| Error::assertion("a puppet connects only once"))?;
        let socket = match &self.meeting_point {
            MeetingPoint::Shared(address) if self.side == Side::Server => {
                listen_and_accept(me, address)?
            }
            MeetingPoint::Shared(address) => connect_to(me, address.wait())?,
            MeetingPoint::Given(address) => self.connect_as_chat(me, address)?,
        };
        Ok(Session {
            socket: self.socket.get_or_init(|| socket),
            keyboard,
            screen: self,
            decoder: MessageDecoder::new("Jack: ", false),
            buffer: Buffer::default(),
            signs: None,
        })
    }

    /// Connects with the chat's own code.
    fn connect_as_chat(&self, me: &Actor, address: &Address) -> Result<Socket> {
        let connected = if self.side == Side::Server {
            accept_one(&self.lab, address, self, None)
        } else {
            until_last_event(
                &self.lab,
                "server",
                |what| matches!(what, EventKind::Enter(call) if call.kind() == SyscallKind::Accept),
            );
            let address = self.server_address(address)?;
            connect(&self.lab, me, &address, CONNECT_TIMEOUT, 0, self).map(Some)
        };
        let socket = connected.map_err(|missed| missed.error)?;
        socket.ok_or_else(|| Error::assertion("nobody leaves before there is a connection"))
    }

    /// The given address, with the port that the kernel chose. A person would read it on the server's screen and pass it on.
    fn server_address(&self, given: &Address) -> Result<Address> {
        let Address::Inet(_) = given else {
            return Ok(given.clone());
        };
        match self.lab.last_call("server", SyscallKind::GetSockName)?.back.out.address() {
            Some(at) => Ok(Address::Inet(at.to_string())),
            None => Err(Error::assertion("the server has no address")),
        }
    }

    /// This end of the connection, once there is one.
    pub fn socket(&self) -> Result<&Socket> {
        self.socket.get().ok_or_else(|| Error::assertion("there is no connection"))
    }

    /// Types lines; each ends with a newline.
    pub fn type_lines(&self, lines: &str) -> Result<()> {
        let deed = label!("{who} types {text}", who = typist(self.side), text = in_one_row(lines));
        Ok(self.user.deed(deed, || match &mut self.state().keys {
            Some(keys) => keys.write_all(lines.as_bytes()),
            None => Ok(()),
        })?)
    }

    /// Presses Ctrl-D: this side has finished.
    pub fn press_ctrl_d(&self) -> Result<()> {
        Ok(self.user.deed(label!("{who} types Ctrl-D", who = typist(self.side)), || {
            self.state().keys = None;
            Ok(())
        })?)
    }

    /// Ends the chat on this side, and wakes the thread that waits for the keyboard.
    pub fn stop(&self) {
        self.stop.stop();
    }

    /// The text on the screen, without the last newline.
    pub fn screen(&self) -> String {
        self.state().screen.trim_end().to_owned()
    }

    /// The last line of the chat's own, as opposed to the peer's.
    pub fn last_note(&self) -> String {
        self.state().notes.last().cloned().unwrap_or_default()
    }

    /// Waits until the screen shows this many messages.
    pub fn until_shown(&self, messages: usize) {
        let mut state = self.state();
        while state.screen.lines().count() < messages {
            state = self.shown.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until this actor is in recv().
    pub fn until_in_recv(&self, actor: &str) {
        until_last_event(
            &self.lab,
            actor,
            |what| matches!(what, EventKind::Enter(call) if call.kind() == SyscallKind::Recv),
        );
    }

    /// Waits until this actor has exited.
    pub fn until_left(&self, actor: &str) {
        until_last_event(&self.lab, actor, |what| matches!(what, EventKind::Exited { .. }));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Screen for PuppetPeer {
    fn show(&self, text: &str) -> io::Result<()> {
        self.user.deed(label!("shows {text}", text = in_one_row(text)), || {
            self.state().screen.push_str(text);
            Ok(())
        })?;
        self.shown.notify_all();
        Ok(())
    }

    fn note(&self, text: &str) {
        self.state().notes.push(text.to_owned());
    }

    fn is_terminal(&self) -> bool {
        self.at_terminal
    }

    fn trace(&self, _: &str) {}
}

fn in_one_row(lines: &str) -> String {
    lines.trim_end().replace('\n', ", ")
}

/// A server at a free port: passes its address to the client, and accepts one connection.
fn listen_and_accept(me: &Actor, address: &OnceLock<SockAddr>) -> Result<Socket> {
    let listener = me.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    listener.listen(5)?;
    let _ = address.set(listener.local_addr()?);
    let (socket, _) = listener.accept()?;
    listener.close()?;
    Ok(socket)
}

/// A client that simply calls connect().
pub fn connect_to(me: &Actor, address: &SockAddr) -> Result<Socket> {
    let socket = me.socket(Domain::IPV4, Type::STREAM, None)?;
    socket.connect(address)?;
    Ok(socket)
}

/// Waits until this actor's last event is a wanted one.
pub fn until_last_event(lab: &Lab, actor: &str, wanted: impl Fn(&EventKind) -> bool) {
    let theirs =
        |event: &&Event| &*event.actor == actor && !matches!(event.what, EventKind::Sample(_));
    lab.recorder()
        .until(|events| events.iter().rev().find(theirs).is_some_and(|event| wanted(&event.what)));
}

fn typist(side: Side) -> Label {
    Label::from(side.name())
}
