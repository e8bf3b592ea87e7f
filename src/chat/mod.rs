//! The chat: two people, two terminals, one connection. The course ends here; lessons 11 and 12 run this code.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`address`] | addresses as users write them |
//! | [`connect`] | makes the connection: listen and accept, or connect and retry |
//! | [`turns`], [`threads`], [`poll`] | three ways to talk over it: read these first |
//! | [`receiver`] | the receiving half of all three |
//! | [`message_decoder`] | turns bytes into messages: boundaries, characters, trust |
//! | [`keyboard`], [`screen`] | input and output |
//! | [`line_editor`], [`output_queue`] | both at a terminal, where messages appear above the line being typed |
//! | [`signs`] | what two of ours tell each other besides what is typed |
//! | [`outcome`] | how a chat ends |
//! | [`puppet`] | a peer without a person, for the lessons |
//!
//! Its sockets are those of [`capture`](crate::capture), which record each call. The caller draws the trace ([`Tracer`]).

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use thiserror::Error;

use crate::capture::{self, Keep, Lab, Socket, sys};
use crate::i18n::{command, tr};
use crate::signals;
use crate::text::safe;
use crate::trace::{Ending, Event, EventKind, FailedCall, Failure, LAB, Name};

pub mod address;
pub mod connect;
mod editor_control;
pub mod keyboard;
pub mod line_editor;
pub mod message_decoder;
pub mod outcome;
pub mod output_queue;
pub mod poll;
pub mod puppet;
pub mod receiver;
pub mod screen;
pub mod signs;
mod terminal;
pub mod threads;
pub mod turns;
pub mod typed_line;

pub use address::{Address, AddressError};
use keyboard::{Keyboard, Wake};
use message_decoder::MessageDecoder;
use outcome::ConnectError;
pub use outcome::EndReason;
use screen::{Plain, Screen};
use signs::{OwnName, Signs};

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The side that listened.
    Server,
    /// The side that connected.
    Client,
}

impl Side {
    /// The name of this side's main thread.
    pub fn name(self) -> &'static str {
        if self == Side::Server { "server" } else { "client" }
    }

    /// The name of its sending thread.
    pub fn sender_name(self) -> &'static str {
        if self == Side::Server { "server sends" } else { "client sends" }
    }

    /// The name of its receiving thread.
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
    /// What a peer of ours is told besides what is typed; only at a terminal.
    pub signs: Option<Arc<Signs>>,
}

/// The buffer that recv fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its size in bytes.
    pub size: usize,
    /// Whether it grows when a peer fills it, so that many bytes take fewer calls.
    pub may_grow: bool,
}

impl Default for Buffer {
    /// The notes' 1024 bytes, at first.
    fn default() -> Buffer {
        Buffer { size: 1024, may_grow: true }
    }
}

/// How to chat.
pub struct Options {
    /// Which end; `None` joins a server that listens there, or else becomes the server.
    pub side: Option<Side>,
    /// Where to listen or connect.
    pub address: Address,
    /// How this side talks.
    pub style: Style,
    /// How long one attempt to connect may take.
    pub timeout: Duration,
    /// How many more attempts there are.
    pub retries: u32,
    /// The name shown before the peer's messages; `None` is the one that the peer tells, or Jack.
    pub peer_name: Option<String>,
    /// The name that the peer is told.
    pub name: Option<String>,
    /// The buffer that recv fills.
    pub buffer: Buffer,
    /// Turns events into rows for the screen as they happen. After a pause it is called without events.
    pub tracer: Option<Tracer>,
}

/// Turns events into rows.
pub type Tracer = Box<dyn FnMut(&[Event]) -> io::Result<String> + Send>;

/// After this long without an event the tracer is called anyway, and shows a call that has not returned as blocked.
const TRACE_IDLE: Duration = Duration::from_millis(50);

/// Connects and talks until the chat is over; returns how it ended.
pub fn chat(options: Options) -> Result<EndReason, ChatError> {
    let keep = if options.tracer.is_some() { Keep::UntilWritten } else { Keep::Nothing };
    let address = options.address.clone();
    let lab = Lab::at_work(options.side.map_or("chat", Side::name), keep);
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        let (mut editor, keyboard) = line_editor::LineEditor::open(options.style == Style::Turns)
            .map_err(ChatError::Terminal)?;
        let ended = traced(&lab, options, keyboard, &editor);
        match &ended {
            Ok(reason) => editor.end(&outcome::ended(reason, &address)),
            Err(_) => editor.close(),
        }
        return ended;
    }
    let ended = traced(&lab, options, Keyboard::standard().map_err(ChatError::Terminal)?, &Plain);
    if let Ok(reason @ EndReason::Broken(..)) = &ended {
        Plain.note(&outcome::ended(reason, &address));
    }
    ended
}

/// Why there was no chat.
#[derive(Debug, Error)]
pub enum ChatError {
    /// There was no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The terminal could not be prepared for editing lines.
    #[error("{}", tr!(
        "the terminal: {says}; without one, as in `explore chat | cat`, the chat reads lines and prints lines",
        says = outcome::kernel_says(.0)
    ))]
    Terminal(io::Error),
    /// The system has no more sockets or threads, or lacks something that the style needs.
    #[error(transparent)]
    Capture(#[from] capture::Error),
}

/// Connects and talks, while a thread shows the trace if there is a tracer.
fn traced(
    lab: &Lab,
    mut options: Options,
    keyboard: Keyboard,
    screen: &dyn Screen,
) -> Result<EndReason, ChatError> {
    let Some(mut tracer) = options.tracer.take() else {
        return connect_and_talk(lab, &options, keyboard, screen);
    };
    thread::scope(|scope| {
        lab.recorder().expect_writer();
        scope.spawn(move || {
            lab.recorder().hand_on(Some(TRACE_IDLE), &mut |events| {
                tracer(events).map(|rows| screen.trace(&rows))
            })
        });
        let recorded = lab.clone();
        let _end = signals::at_end(move || end_recording(&recorded, Ending::Interrupted));
        let ended = connect_and_talk(lab, &options, keyboard, screen);
        end_recording(lab, ending(&ended));
        ended
    })
}

/// A terminal that shows nothing (Ctrl-S) keeps the end of the chat no longer than this.
const RECORDING_GRACE: Duration = Duration::from_secs(1);

/// Ends the recording, unless it has ended.
fn end_recording(lab: &Lab, ending: Ending) {
    lab.recorder().push(&Name::from(LAB), EventKind::End { ending });
    lab.recorder().close();
    lab.recorder().drain_within(RECORDING_GRACE);
}

/// How the chat ended, for its recording.
fn ending(ended: &Result<EndReason, ChatError>) -> Ending {
    let failed = |error: &io::Error| {
        let call = FailedCall::unknown(&Name::from(LAB), sys::error_name(error));
        Ending::Failed { why: Failure::Call(call) }
    };
    match ended {
        Ok(EndReason::Broken(_, error)) => failed(error),
        Ok(_) => Ending::Finished,
        Err(ChatError::Connect(missed)) => failed(&missed.error),
        Err(ChatError::Terminal(error)) => failed(error),
        Err(ChatError::Capture(error)) => error.ending(),
    }
}

fn connect_and_talk(
    lab: &Lab,
    options: &Options,
    mut keyboard: Keyboard,
    screen: &dyn Screen,
) -> Result<EndReason, ChatError> {
    if screen.is_terminal() {
        screen.note(how_to_leave(options.style));
    }
    let leave = screen.is_terminal().then(|| keyboard.stop_descriptor());
    let Some((side, socket)) = connect(lab, options, screen, leave)? else {
        return Ok(EndReason::Ended);
    };
    // At once: a key that comes between two modes of the terminal is no signal.
    screen.connected();
    if screen.is_terminal() && options.peer_name.is_none() {
        screen.note(who_is_who(side));
    }
    let socket = Arc::new(socket);
    let name = options.peer_name.as_deref().unwrap_or("Jack");
    let decoder = MessageDecoder::new(&format!("{name}: "), screen.is_terminal());
    let signs = begin_signs(&socket, options, screen);
    keyboard.tell(signs.clone());
    let (socket, buffer) = (&*socket, options.buffer);
    let session = Session { socket, keyboard, screen, decoder, buffer, signs };
    Ok(match options.style {
        Style::Threads => threads::talk(lab, side, session)?,
        Style::Turns => turns::talk(side, session)?,
        Style::Poll => poll::talk(&lab.actor(side.name()), session)?,
    })
}

/// By turns a command is read when it is this side's turn.
fn how_to_leave(style: Style) -> &'static str {
    match style {
        Style::Turns => {
            tr!("Ctrl-C leaves the chat; on your turn /quit does too, and /help tells more")
        }
        Style::Threads | Style::Poll => tr!("/quit or Ctrl-C leaves the chat, /help tells more"),
    }
}

/// Says which side this is: in the notes, and so here, both sides call the other one Jack.
fn who_is_who(side: Side) -> &'static str {
    match side {
        Side::Server => {
            tr!("you are the server; the client is shown as Jack, unless it tells its name")
        }
        Side::Client => {
            tr!("you are the client; the server is shown as Jack, unless it tells its name")
        }
    }
}

/// The signs of a connection between terminals. Without them each takes the other for a stranger.
fn begin_signs(socket: &Arc<Socket>, options: &Options, screen: &dyn Screen) -> Option<Arc<Signs>> {
    if !screen.is_terminal() {
        return None;
    }
    let by_turns = options.style == Style::Turns;
    let mut own = options.name.clone().map(|name| OwnName { name, by_turns });
    if own.is_some() && options.address.is_unix() {
        screen.note(tr!("over AF_UNIX your name is not told: to ask whether the peer takes it would make another program wait"));
        own = None;
    }
    Signs::begin(socket.clone(), own, options.peer_name.is_none()).ok()
}

/// Says whom the chat has joined, of which nobody asked to be the client.
fn joined(socket: &Socket, style: Style) -> String {
    let style = match style {
        Style::Threads => "",
        Style::Turns => " --style turns",
        Style::Poll => " --style poll",
    };
    let other = command(&format!("chat{style} --address 127.0.0.1:4000"));
    let remedy = tr!("for a chat of your own choose another address: {other}", other);
    match peer_process(socket) {
        Some((process, command)) => tr!(
            "a server was listening there already, and you have joined it: {command} (PID {process}); {remedy}",
            command = safe(&command.join(" ")),
            process,
            remedy
        ),
        None => {
            tr!("a server was listening there already, and you have joined it; {remedy}", remedy)
        }
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn peer_process(socket: &Socket) -> Option<(u32, Vec<String>)> {
    let (process, command) = capture::ptrace::peer_process(socket.bare())?;
    (!command.is_empty()).then_some((process, command))
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn peer_process(_: &Socket) -> Option<(u32, Vec<String>)> {
    None
}

/// Makes the connection, as server or as client. `None` if the user leaves before there is one.
fn connect(
    lab: &Lab,
    options: &Options,
    screen: &dyn Screen,
    leave: Option<Wake<'_>>,
) -> Result<Option<(Side, Socket)>, ConnectError> {
    let server = || {
        let socket = connect::accept_one(lab, &options.address, screen, leave)?;
        Ok(socket.map(|socket| (Side::Server, socket)))
    };
    let client = |retries| {
        let (actor, limits) = (lab.actor("client"), (options.timeout, retries));
        let socket =
            connect::connect_or_leave(lab, &actor, &options.address, limits, screen, leave)?;
        if socket.is_some() {
            screen.note(&tr!("connected to: {address}", address = options.address));
        }
        Ok(socket.map(|socket| (Side::Client, socket)))
    };
    match options.side {
        Some(Side::Server) => server(),
        Some(Side::Client) => client(options.retries),
        None => match client(0) {
            Ok(Some((side, socket))) => {
                screen.note(&joined(&socket, options.style));
                Ok(Some((side, socket)))
            }
            Err(error) if error.is_refusal() => match server() {
                // Another server was quicker and listens there now.
                Err(error) if error.error.kind() == io::ErrorKind::AddrInUse => {
                    client(options.retries)
                }
                answer => answer,
            },
            answer => answer,
        },
    }
}
