//! The chat: two people, two terminals, one connection. The course ends here, and lessons 11 and 12 run this very code.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`address`] | where the two meet |
//! | [`connect`] | makes the connection: listen and accept, or connect and try again |
//! | [`turns`], [`threads`], [`poll`] | three ways to talk over it: read these first |
//! | [`receiver`] | receives, for all three |
//! | [`message_decoder`] | turns bytes into messages: boundaries, characters, trust |
//! | [`keyboard`], [`screen`] | what is typed, and where messages are shown |
//! | [`line_editor`], [`output_queue`] | both of these at a terminal, where messages appear above the line being typed |
//! | [`outcome`] | how a chat ends |
//! | [`puppet`] | a peer without a person, for the lessons |
//!
//! Its sockets are the recording ones of [`capture`](crate::capture). It draws nothing: how a trace looks is not its business.

use std::fmt;
use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use crate::capture::{self, Keep, Lab, Socket};
use crate::i18n::tr;
use crate::trace::Event;

pub mod address;
pub mod connect;
pub mod keyboard;
#[cfg(unix)]
pub mod line_editor;
pub mod message_decoder;
pub mod outcome;
#[cfg(unix)]
pub mod output_queue;
#[cfg(unix)]
pub mod poll;
pub mod puppet;
pub mod receiver;
pub mod screen;
pub mod threads;
pub mod turns;

pub use address::Address;
use keyboard::Keyboard;
use message_decoder::MessageDecoder;
use outcome::Missed;
pub use outcome::Parted;
use screen::{Plain, Screen};

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It listened.
    Server,
    /// It connected.
    Client,
}

impl Side {
    /// The name of this side's main thread.
    #[must_use]
    pub fn name(self) -> &'static str {
        if self == Side::Server { "server" } else { "client" }
    }

    /// The name of its sending thread.
    #[must_use]
    pub fn sender_name(self) -> &'static str {
        if self == Side::Server { "server sends" } else { "client sends" }
    }

    /// The name of its receiving thread.
    #[must_use]
    pub fn receiver_name(self) -> &'static str {
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

/// Everything that a style needs to talk.
pub struct Session<'a> {
    /// The connection.
    pub socket: &'a Socket,
    /// Where this side types.
    pub keyboard: Keyboard,
    /// Where messages are shown.
    pub screen: &'a dyn Screen,
    /// Turns the received bytes into messages.
    pub decoder: MessageDecoder,
    /// The buffer that recv fills.
    pub buffer: Buffer,
}

/// The buffer that recv fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its size in bytes.
    pub size: usize,
    /// Whether it grows when a peer fills it: many bytes take fewer calls that way.
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

/// After this long without an event the tracer is told so: a call that blocks is then shown as blocked.
const TRACE_IDLE: Duration = Duration::from_millis(50);

/// Connects and talks until it is over; says how it ended.
pub fn chat(wanted: Wanted) -> Result<Parted, NoChat> {
    let keep = if wanted.tracer.is_some() { Keep::UntilWritten } else { Keep::Nothing };
    let address = wanted.address.clone();
    let lab = Lab::at_work(wanted.side.map_or("chat", Side::name), keep);
    #[cfg(unix)]
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        let (mut editor, keyboard) = line_editor::LineEditor::open(wanted.style == Style::Turns)
            .map_err(NoChat::Terminal)?;
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
            NoChat::Terminal(error) => f.write_str(&tr!(
                "the terminal: {says}; without one, as in `explore chat | cat`, the chat reads lines and prints lines",
                says = outcome::kernel_says(error)
            )),
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
            lab.recorder().hand_on(Some(TRACE_IDLE), &mut |events| {
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
    let decoder = MessageDecoder::new(&format!("{}: ", wanted.peer_name), screen.is_terminal());
    if wanted.style != Style::Turns {
        keyboard.start_prompting();
    }
    let session = Session { socket: &socket, keyboard, screen, decoder, buffer: wanted.buffer };
    let parted = match wanted.style {
        Style::Threads => threads::talk(lab, side, session),
        Style::Turns => turns::talk(side, session),
        #[cfg(unix)]
        Style::Poll => poll::talk(&lab.actor(side.name()), session),
        #[cfg(not(unix))]
        Style::Poll => Err(capture::Error::Unavailable(tr!("this system cannot wait for a keyboard and a socket at once; choose --style threads").to_owned())),
    };
    parted.map_err(NoChat::Lab)
}

/// Makes the connection, as server or as client.
fn meet(lab: &Lab, wanted: &Wanted, screen: &dyn Screen) -> Result<(Side, Socket), Missed> {
    let server =
        || connect::accept_one(lab, &wanted.address, screen).map(|socket| (Side::Server, socket));
    let client = |retries| {
        let socket = connect::connect(
            lab,
            &lab.actor("client"),
            &wanted.address,
            wanted.timeout,
            retries,
            screen,
        )?;
        screen.note(&tr!("connected to: {address}", address = wanted.address));
        Ok((Side::Client, socket))
    };
    match wanted.side {
        Some(Side::Server) => server(),
        Some(Side::Client) => client(wanted.retries),
        None => match client(0) {
            Err(missed) if missed.is_refusal() => match server() {
                // Another server was quicker, and listens there now.
                Err(missed) if missed.error.kind() == io::ErrorKind::AddrInUse => {
                    client(wanted.retries)
                }
                answer => answer,
            },
            answer => answer,
        },
    }
}
