//! The trace that is joined.

use std::io::{self, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::connection::{TAKEN, is_same_user, name_of, read_line};
use super::{Greeting, Message, Refusal};
use crate::trace::recording::{Line, parse_line};

/// So many connections at a time.
const MOST_CONNECTIONS: usize = 16;
/// So many bytes from all of them together: as many as a few recordings that have grown to their bound.
const MOST_BYTES: u64 = 256 << 20;
/// So many lines may wait to be looked at.
const MOST_WAITING: usize = 64;
/// A peer that does not read its greeting for so long is left alone.
const PATIENCE: Duration = Duration::from_secs(5);
/// Or that does not begin its recording.
const TO_BEGIN: Duration = Duration::from_secs(30);

/// Takes what those send that join.
#[derive(Debug)]
pub struct Listener {
    /// The socket, until somebody accepts on it.
    socket: Option<UnixListener>,
    shared: Arc<Shared>,
    sender: SyncSender<Message>,
    messages: Receiver<Message>,
}

#[derive(Debug)]
struct Shared {
    greeting: Mutex<Greeting>,
    connections: AtomicUsize,
    /// Those that were told that they may join, and have not begun yet.
    beginning: AtomicUsize,
    bytes: AtomicU64,
}

/// Tells one that has joined that all it sent has come.
#[derive(Debug)]
pub struct Acknowledge(UnixStream);

impl Acknowledge {
    /// If it is gone nobody needs to know.
    pub fn taken(mut self) {
        let _ = self.0.write_all(TAKEN);
    }
}

impl Listener {
    /// Listens; those that come wait for [`Listener::greet`].
    pub fn bind() -> io::Result<Listener> {
        let name = name_of(nix::unistd::geteuid().as_raw(), std::process::id());
        let socket = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
        let (sender, messages) = sync_channel(MOST_WAITING);
        let shared = Shared {
            greeting: Mutex::new(Greeting::Refused(Refusal::Ended)),
            connections: AtomicUsize::new(0),
            beginning: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
        };
        Ok(Listener { socket: Some(socket), shared: Arc::new(shared), sender, messages })
    }

    /// From here on this is what they are told.
    pub fn greet(&mut self, greeting: Greeting) {
        *self.shared.greeting.lock().unwrap_or_else(PoisonError::into_inner) = greeting;
        if let Some(socket) = self.socket.take() {
            let (shared, sender) = (self.shared.clone(), self.sender.clone());
            // Without a thread nobody can join; the trace goes on.
            let _ = thread::Builder::new()
                .name("join".to_owned())
                .spawn(move || accept(&socket, &shared, &sender));
        }
    }

    /// True if somebody is about to join.
    pub fn is_expecting(&self) -> bool {
        self.shared.beginning.load(Ordering::SeqCst) > 0
    }

    /// What has come.
    pub fn waiting(&self) -> Vec<Message> {
        self.messages.try_iter().collect()
    }

    /// What has come, if something comes within this time.
    pub fn next(&self, timeout: Duration) -> Option<Message> {
        self.messages.recv_timeout(timeout).ok()
    }
}

fn accept(socket: &UnixListener, shared: &Arc<Shared>, sender: &SyncSender<Message>) {
    for number in 1.. {
        let Ok((stream, _)) = socket.accept() else { return };
        let (shared, sender) = (shared.clone(), sender.clone());
        let serve = move || {
            let is_full = shared.connections.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS;
            let _ = serve(number, &stream, is_full, &shared, &sender);
            shared.connections.fetch_sub(1, Ordering::Relaxed);
        };
        if thread::Builder::new().name("joined".to_owned()).spawn(serve).is_err() {
            return;
        }
    }
}

/// Greets one that has come, and passes on what it sends.
fn serve(
    number: usize,
    stream: &UnixStream,
    is_full: bool,
    shared: &Shared,
    sender: &SyncSender<Message>,
) -> io::Result<()> {
    if !is_same_user(stream) {
        return Ok(());
    }
    shared.beginning.fetch_add(1, Ordering::SeqCst);
    let begun = begin(number, stream, is_full, shared, sender);
    shared.beginning.fetch_sub(1, Ordering::SeqCst);
    let Some(mut from) = begun? else { return Ok(()) };
    let by_itself = loop {
        let Ok(line) = read_line(&mut from) else { break false };
        let Some(line) = line else { break true };
        let all = shared.bytes.fetch_add(line.len() as u64, Ordering::Relaxed);
        match parse_line(&line) {
            Ok(line) if all < MOST_BYTES => send(sender, Message::Line(number, line))?,
            _ => break false,
        }
    };
    send(sender, Message::Gone { number, by_itself })
}

/// Greets it and reads the header of its recording; `None` if it does not join.
fn begin<'s>(
    number: usize,
    stream: &'s UnixStream,
    is_full: bool,
    shared: &Shared,
    sender: &SyncSender<Message>,
) -> io::Result<Option<BufReader<&'s UnixStream>>> {
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(TO_BEGIN))?;
    let greeting = match is_full {
        true => Greeting::Refused(Refusal::Full),
        false => shared.greeting.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    };
    let mut text = serde_json::to_vec(&greeting)?;
    text.push(b'\n');
    (&mut &*stream).write_all(&text)?;
    if matches!(greeting, Greeting::Refused(_)) {
        return Ok(None);
    }
    let mut from = BufReader::new(stream);
    let Some(first) = read_line(&mut from)? else { return Ok(None) };
    let Ok(Line::Header(header)) = parse_line(&first) else { return Ok(None) };
    stream.set_read_timeout(None)?;
    let acknowledge = Acknowledge(stream.try_clone()?);
    send(sender, Message::Joined(number, Box::new(header), acknowledge))?;
    Ok(Some(from))
}

fn send(sender: &SyncSender<Message>, message: Message) -> io::Result<()> {
    sender.send(message).map_err(|_| io::ErrorKind::BrokenPipe.into())
}
