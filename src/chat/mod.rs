//! The chat: two people, two terminals, one connection. The course ends here, and lessons 11 and 12 run this very code.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`address`] | where the two meet |
//! | [`meeting`] | listen and accept, or connect and connect again |
//! | [`turns`], [`threads`], [`poll`] | three ways of talking: read these |
//! | [`ear`] | receiving, for all three |
//! | [`message`] | bytes become messages: boundaries, characters, trust |
//! | [`keyboard`], [`screen`], [`editor`], [`above`] | what is typed, and where it is shown |
//! | [`phrases`] | the chat's own words |
//!
//! It knows the lab, whose sockets record what is done with them, and draws nothing: how a trace looks is not its business.

use std::fmt;
use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use crate::capture::{self, Keep, Lab, Socket};
use crate::trace::Event;

#[cfg(unix)]
pub mod above;
pub mod address;
pub mod ear;
#[cfg(unix)]
pub mod editor;
pub mod keyboard;
pub mod meeting;
pub mod message;
pub mod outcome;
pub mod phrases;
#[cfg(unix)]
pub mod poll;
pub mod screen;
pub mod threads;
pub mod turns;

pub use address::Address;
use keyboard::Keyboard;
use message::Inbox;
pub use outcome::Parted;
use outcome::{Doing, Missed};
use screen::{Plain, Screen};

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It listened.
    Server,
    /// It called.
    Client,
}

impl Side {
    /// The name of the whole side.
    #[must_use]
    pub fn name(self) -> &'static str {
        if self == Side::Server { "server" } else { "client" }
    }

    /// The name of its sending thread.
    #[must_use]
    pub fn sends(self) -> &'static str {
        if self == Side::Server { "server sends" } else { "client sends" }
    }

    /// The name of its receiving thread.
    #[must_use]
    pub fn receives(self) -> &'static str {
        if self == Side::Server { "server receives" } else { "client receives" }
    }
}

/// How a side talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// [`turns`]: one thread, by turns.
    Turns,
    /// [`threads`]: two threads.
    Threads,
    /// [`poll`]: one thread that waits for two things at once.
    Poll,
}

/// All that a style needs to talk.
pub struct Talk<'a> {
    /// The connection.
    pub socket: &'a Socket,
    /// What this side types.
    pub keyboard: Keyboard,
    /// Where it sees what the peer says.
    pub screen: &'a dyn Screen,
    /// Makes messages of what is received.
    pub inbox: Inbox,
    /// The buffer that recv fills.
    pub buffer: Buffer,
}

/// The buffer that recv fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its size in bytes.
    pub size: usize,
    /// Whether it grows when a peer fills it: many bytes are better fetched with few calls.
    pub may_grow: bool,
}

impl Default for Buffer {
    /// The notes' 1024 bytes, to begin with.
    fn default() -> Buffer {
        Buffer { size: 1024, may_grow: true }
    }
}

/// What was asked for.
pub struct Wanted {
    /// Which end; `None` serves if nobody listens there, and joins if somebody does.
    pub side: Option<Side>,
    /// Where.
    pub address: Address,
    /// How.
    pub style: Style,
    /// How long one attempt to connect may take.
    pub timeout: Duration,
    /// How many more attempts there are.
    pub retries: u32,
    /// What the peer is called.
    pub peer_name: String,
    /// The buffer that recv fills.
    pub buffer: Buffer,
    /// Takes what is recorded, as it comes, and makes rows for the screen of it. With no events: nothing has come for a while.
    pub tracer: Option<Tracer>,
}

/// Makes rows of events.
pub type Tracer = Box<dyn FnMut(&[Event]) -> io::Result<String> + Send>;

/// How long nothing may come before the tracer hears of it: a blocked call is then shown as blocked.
const PATIENCE: Duration = Duration::from_millis(50);

/// Meets the peer and talks until it is over; says how it ended.
///
/// # Errors
/// [`NoChat`] if there was no talk.
pub fn chat(wanted: Wanted) -> Result<Parted, NoChat> {
    let keep = if wanted.tracer.is_some() { Keep::UntilWritten } else { Keep::Nothing };
    let address = wanted.address.clone();
    let lab = Lab::at_work(wanted.side.map_or("chat", Side::name), keep);
    #[cfg(unix)]
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        let (mut editor, keyboard) =
            editor::Editor::open(wanted.style == Style::Turns).map_err(NoChat::Terminal)?;
        let parted = traced(&lab, wanted, keyboard, &editor);
        editor.close();
        if let Ok(parted) = &parted {
            editor.note(&outcome::parted(parted, &address));
        }
        return parted;
    }
    let parted = traced(&lab, wanted, Keyboard::standard().map_err(NoChat::Terminal)?, &Plain);
    if let Ok(parted @ Parted::Broken(..)) = &parted {
        Plain.note(&outcome::parted(parted, &address));
    }
    parted
}

/// Why there was no talk.
#[derive(Debug)]
pub enum NoChat {
    /// The two did not meet.
    Missed(Missed),
    /// The terminal does not do as it is told.
    Terminal(io::Error),
    /// The system has no more sockets or threads, or lacks what the style needs.
    Lab(capture::Error),
}

impl fmt::Display for NoChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoChat::Missed(missed) => missed.fmt(f),
            NoChat::Terminal(error) => f.write_str(&phrases::terminal(error)),
            NoChat::Lab(error) => error.fmt(f),
        }
    }
}

/// Meets and talks, while a thread shows the trace, if one is wanted.
fn traced(
    lab: &Lab,
    mut wanted: Wanted,
    keyboard: Keyboard,
    screen: &dyn Screen,
) -> Result<Parted, NoChat> {
    let Some(mut tracer) = wanted.tracer.take() else {
        return meet_and_talk(lab, &wanted, keyboard, screen);
    };
    thread::scope(|scope| {
        lab.recorder().expect_writer();
        scope.spawn(move || {
            lab.recorder().hand_on(Some(PATIENCE), &mut |events| {
                tracer(events).map(|rows| screen.trace(&rows))
            })
        });
        let parted = meet_and_talk(lab, &wanted, keyboard, screen);
        lab.recorder().close();
        parted
    })
}

fn meet_and_talk(
    lab: &Lab,
    wanted: &Wanted,
    keyboard: Keyboard,
    screen: &dyn Screen,
) -> Result<Parted, NoChat> {
    let (side, socket) = meet(lab, wanted, screen).map_err(NoChat::Missed)?;
    let inbox = Inbox::new(&phrases::label(&wanted.peer_name), screen.is_terminal());
    if wanted.style != Style::Turns {
        keyboard.begin();
    }
    let talk = Talk { socket: &socket, keyboard, screen, inbox, buffer: wanted.buffer };
    let parted = match wanted.style {
        Style::Threads => threads::talk(lab, side, talk),
        Style::Turns => turns::talk(side, talk),
        #[cfg(unix)]
        Style::Poll => poll::talk(&lab.actor(side.name()), talk),
        #[cfg(not(unix))]
        Style::Poll => Err(capture::Error::Unavailable(phrases::no_poll())),
    };
    parted.map_err(NoChat::Lab)
}

/// Comes together with the peer, as server or as client.
fn meet(lab: &Lab, wanted: &Wanted, screen: &dyn Screen) -> Result<(Side, Socket), Missed> {
    let server = || serve(lab, &wanted.address, screen).map(|socket| (Side::Server, socket));
    let client = |retries| {
        let socket = meeting::call(
            lab,
            &lab.actor("client"),
            &wanted.address,
            wanted.timeout,
            retries,
            screen,
        )?;
        screen.note(&phrases::connected_to(&wanted.address));
        Ok((Side::Client, socket))
    };
    match wanted.side {
        Some(Side::Server) => server(),
        Some(Side::Client) => client(wanted.retries),
        None => match client(0) {
            Err(missed) if missed.is_refusal() => match server() {
                // Somebody else was quicker, and listens now.
                Err(missed) if missed.error.kind() == io::ErrorKind::AddrInUse => {
                    client(wanted.retries)
                }
                answer => answer,
            },
            answer => answer,
        },
    }
}

/// Listens, says so, takes the first caller and says who it is; lesson 12 plays this too.
pub(crate) fn serve(lab: &Lab, address: &Address, screen: &dyn Screen) -> Result<Socket, Missed> {
    let listener = meeting::listen(&lab.actor("server"), address, screen)?;
    if address.leaves_the_port_open() {
        // The kernel has chosen it: somebody has to be told.
        let at = listener.address().map_err(Missed::when(Doing::Listen, address))?;
        screen.note(&phrases::listening_at(&capture::address(&at)));
    }
    screen.note(&phrases::waiting());
    let (socket, peer) = listener.accept().map_err(Missed::when(Doing::Accept, address))?;
    let from = match capture::address(&peer) {
        // A client in AF_UNIX seldom has an address of its own.
        crate::trace::Address::Unix(None) => address.to_string(),
        from => from.to_string(),
    };
    screen.note(&phrases::connected_from(&from));
    Ok(socket)
}
