//! The input of this side: lines from a person, or bytes from a file or a pipe. A thread that waits for it can be woken when the
//! chat is over.
//!
//! No other thread can wake one that is blocked in read: even closing the descriptor does not (close(2)). So nothing here blocks in
//! read: poll waits for the input *and* for a pipe of our own, and [`StopHandle`] writes a byte into that pipe.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::signs::Signs;
use crate::capture::sys::{self, BorrowedInput, Input as Source, InputWriter};

/// How much is read at once, in bytes.
const BLOCK_SIZE: usize = 64 * 1024;
/// A line that is longer, in bytes, is read in parts: it may have no end.
const LONGEST_LINE: usize = 1024 * 1024;

/// What becomes readable when the chat is over.
pub type Wake<'a> = BorrowedInput<'a>;

/// What was read from the keyboard.
#[derive(Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Bytes to send.
    Bytes(&'a [u8]),
    /// This side has finished: Ctrl-D, or the end of the file.
    End,
    /// The chat is over.
    Stop,
}

/// Asks a person for lines.
pub trait Prompter: Send + Sync {
    /// By turns: the chat wants one more line.
    fn want_line(&self);
}

/// Ends the chat from any thread, and wakes the thread that waits for the keyboard.
#[derive(Clone, Debug)]
pub struct StopHandle {
    stopped: Arc<AtomicBool>,
    /// Whether to send first what has already been typed.
    drain: Arc<AtomicBool>,
    wake: Arc<InputWriter>,
}

impl StopHandle {
    /// Ends the chat. Input that has not been read is dropped.
    pub fn stop(&self) {
        let stopped_before = self.stopped.swap(true, Ordering::SeqCst);
        if !stopped_before {
            // This byte is never read, so the pipe stays readable: every poll from now on returns at once.
            let _ = (&*self.wake).write(&[1]);
        }
    }

    /// Ends the chat (`/quit`), but only after earlier input has been read.
    pub fn stop_when_drained(&self) {
        self.drain.store(true, Ordering::SeqCst);
        self.stop();
    }

    fn drains(&self) -> bool {
        self.drain.load(Ordering::SeqCst)
    }

    /// Whether the chat is over.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// The input of this side.
pub struct Keyboard {
    input: Source,
    /// The other end of [`StopHandle`]'s pipe: readable once the chat is over.
    wake: Source,
    stop: StopHandle,
    buffer: Vec<u8>,
    /// The part of the buffer that has not been returned yet.
    unread: Range<usize>,
    /// The line editor, if there is one.
    prompter: Option<Arc<dyn Prompter>>,
    /// What the peer is told besides what is typed, at a terminal.
    signs: Option<Arc<Signs>>,
    /// The first line, behind what the peer was told with it.
    introduced: Vec<u8>,
}

impl Keyboard {
    /// A keyboard that reads this: standard input, or a pipe into which a line editor writes.
    pub fn new(input: Source, prompter: Option<Arc<dyn Prompter>>) -> io::Result<Keyboard> {
        let (wake, writer) = sys::input_pipe()?;
        let stop =
            StopHandle { stopped: Arc::default(), drain: Arc::default(), wake: Arc::new(writer) };
        Ok(Keyboard {
            input,
            wake,
            stop,
            buffer: vec![0; BLOCK_SIZE],
            unread: 0..0,
            prompter,
            signs: None,
            introduced: Vec::new(),
        })
    }

    /// Standard input.
    pub fn standard() -> io::Result<Keyboard> {
        Keyboard::new(sys::standard_input()?, None)
    }

    /// Reads more into the buffer and returns how much: 0 at the end of the input. `None` if there is no input yet and the chat is
    /// over, or this peer has hung up.
    fn read_more(&mut self, peer: Option<BorrowedInput<'_>>) -> io::Result<Option<usize>> {
        loop {
            let [input, wake] = self.descriptors();
            let mut watched = vec![(input, sys::READABLE), (wake, sys::READABLE)];
            watched.extend(peer.map(|peer| (peer, sys::PEER_HANGUP)));
            let found = match sys::poll(&watched, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                answer => answer?,
            };
            let is_ready = |at: usize| found.get(at).is_some_and(|events| *events != 0);
            let stopped = is_ready(1) && !self.stop.drains();
            if stopped || !is_ready(0) {
                return Ok(None);
            }
            match sys::read_input(&self.input, &mut self.buffer[self.unread.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Another process shares the input, has made it non-blocking, and was quicker.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) if self.stop.is_stopped() => return Ok(None),
                answer => return answer.map(Some),
            }
        }
    }

    /// Whether there is something to read.
    fn has_more(&self) -> bool {
        let [input, _] = self.descriptors();
        let found = sys::poll(&[(input, sys::READABLE)], Some(Duration::ZERO));
        found.is_ok_and(|found| found.iter().any(|events| *events != 0))
    }

    /// Readable once the chat is over.
    pub fn stop_descriptor(&self) -> Wake<'_> {
        sys::borrow_input(&self.wake)
    }

    /// The two to watch when one thread polls for keyboard and socket at once: the input, and the pipe that becomes readable when the
    /// chat is over.
    pub fn descriptors(&self) -> [BorrowedInput<'_>; 2] {
        [&self.input, &self.wake].map(sys::borrow_input)
    }
}

impl Keyboard {
    /// A handle that ends the chat.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// What the signs have to tell the peer goes with what is typed.
    pub fn tell(&mut self, signs: Option<Arc<Signs>>) {
        self.signs = signs;
    }

    /// Waits until something has been typed, and reads it.
    pub fn read(&mut self) -> io::Result<Input<'_>> {
        if self.unread.is_empty() {
            self.unread = 0..0;
            match self.read_more(None)? {
                None => return Ok(Input::Stop),
                Some(0) => return Ok(self.end()),
                Some(length) => self.unread = 0..length,
            }
        }
        let given = std::mem::take(&mut self.unread);
        Ok(self.give(given))
    }

    /// Waits for a line, and reads it with its newline; of a line longer than [`LONGEST_LINE`], a part. Also returns `Stop` if the peer
    /// hangs up first.
    pub fn read_line(&mut self, peer: Option<BorrowedInput<'_>>) -> io::Result<Input<'_>> {
        let mut searched = self.unread.start;
        let mut prompted = false;
        loop {
            // Return a line that is already in the buffer.
            let newline = self.buffer[searched..self.unread.end]
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|at| searched + at + 1);
            let is_long = self.unread.len() >= LONGEST_LINE;
            if let Some(end) = newline.or(is_long.then_some(self.unread.end)) {
                let line = self.unread.start..end;
                self.unread.start = end;
                return Ok(self.give(line));
            }
            // What was typed before there was a peer is in the pipe already.
            if !prompted
                && let Some(prompter) = &self.prompter
                && !self.has_more()
            {
                prompter.want_line();
                prompted = true;
            }
            // Move the unfinished line to the front, make room behind it, and read on.
            self.buffer.drain(..self.unread.start);
            self.unread = 0..self.unread.end - self.unread.start;
            searched = self.unread.end;
            self.buffer.resize(self.unread.end + BLOCK_SIZE, 0);
            match self.read_more(peer)? {
                None => return Ok(Input::Stop),
                Some(0) if self.unread.is_empty() => return Ok(self.end()),
                // The last line of a file may lack its newline.
                Some(0) => {
                    let rest = std::mem::take(&mut self.unread);
                    return Ok(self.give(rest));
                }
                Some(length) => self.unread.end += length,
            }
        }
    }

    /// This part of the buffer, behind what the peer is to be told first.
    fn give(&mut self, part: Range<usize>) -> Input<'_> {
        match self.signs.as_ref().and_then(|signs| signs.introduction()) {
            None => Input::Bytes(&self.buffer[part]),
            Some(mut first) => {
                first.extend_from_slice(&self.buffer[part]);
                self.introduced = first;
                Input::Bytes(&self.introduced)
            }
        }
    }

    /// The input has ended, and the peer is told that somebody still listens.
    fn end(&self) -> Input<'_> {
        if let Some(signs) = &self.signs {
            signs.finish();
        }
        Input::End
    }
}
