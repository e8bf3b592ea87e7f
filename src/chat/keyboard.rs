//! What this side types: lines from a person, or bytes from a file. Whoever waits for it can be told to stop waiting.

use std::io;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much is taken at once from a file or a pipe.
const BLOCK: usize = 64 * 1024;

/// What the keyboard gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed<'a> {
    /// Something to send.
    Bytes(&'a [u8]),
    /// The end of what this side has to say (Ctrl-D, the end of the file).
    End,
    /// The chat is over.
    Stop,
}

/// Tells the keyboard that the chat is over.
#[derive(Clone, Debug)]
pub struct Stopper {
    stopped: Arc<AtomicBool>,
    /// Whether what was typed before is said first.
    patient: Arc<AtomicBool>,
    #[cfg(unix)]
    bell: Arc<io::PipeWriter>,
}

impl Stopper {
    /// The chat is over: whoever waits for the keyboard waits no longer.
    pub fn stop(&self) {
        let rung = self.stopped.swap(true, Ordering::SeqCst);
        #[cfg(unix)]
        if !rung {
            // The byte is never read: the bell goes on ringing.
            let _ = io::Write::write(&mut &*self.bell, &[1]);
        }
        #[cfg(not(unix))]
        let _ = rung;
    }

    /// The same, but what was typed before is said first (`/quit`).
    pub fn stop_after_what_was_typed(&self) {
        self.patient.store(true, Ordering::SeqCst);
        self.stop();
    }

    #[cfg(unix)]
    fn is_patient(&self) -> bool {
        self.patient.load(Ordering::SeqCst)
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// Something that is typed into.
#[derive(Debug)]
pub struct Keyboard {
    #[cfg(unix)]
    from: OwnedFd,
    #[cfg(unix)]
    bell: io::PipeReader,
    stopper: Stopper,
    block: Vec<u8>,
    /// What of the block has been read and not given.
    left: std::ops::Range<usize>,
    /// Asks for a line, where one is only wanted when it is this side's turn.
    ask: Option<std::sync::mpsc::Sender<()>>,
}

#[cfg(unix)]
impl Keyboard {
    /// A keyboard that reads this descriptor: standard input, or a pipe that an editor writes its lines to.
    ///
    /// # Errors
    /// What pipe(2) answers.
    pub fn new(from: OwnedFd, ask: Option<std::sync::mpsc::Sender<()>>) -> io::Result<Keyboard> {
        let (bell, ringer) = io::pipe()?;
        let stopper =
            Stopper { stopped: Arc::default(), patient: Arc::default(), bell: Arc::new(ringer) };
        Ok(Keyboard { from, bell, stopper, block: vec![0; BLOCK], left: 0..0, ask })
    }

    /// Standard input.
    ///
    /// # Errors
    /// What dup(2) answers.
    pub fn standard() -> io::Result<Keyboard> {
        Keyboard::new(io::stdin().as_fd().try_clone_to_owned()?, None)
    }

    /// Reads more; 0 at the end. `None` if the chat is over first.
    fn read_more(&mut self, peer: Option<BorrowedFd<'_>>) -> io::Result<Option<usize>> {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        let gone = PollFlags::from_bits_retain(HANGS_UP);
        loop {
            let mut watched = vec![
                PollFd::new(self.from.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.bell.as_fd(), PollFlags::POLLIN),
            ];
            watched.extend(peer.map(|peer| PollFd::new(peer, gone)));
            match poll(&mut watched, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                answer => answer?,
            };
            // nix says nothing of bits that it has no name for, such as POLLRDHUP.
            let is_ready = |at: usize| watched.get(at).is_some_and(|one| one.any().unwrap_or(true));
            let is_over = is_ready(1) && !self.stopper.is_patient();
            if is_over || !is_ready(0) {
                return Ok(None);
            }
            match nix::unistd::read(&self.from, &mut self.block[self.left.end..]) {
                Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => {}
                Ok(0) if self.stopper.is_stopped() => return Ok(None),
                answer => return Ok(Some(answer?)),
            }
        }
    }

    /// What poll has to watch, for one thread that waits for the keyboard and the socket at once.
    #[must_use]
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.from.as_fd(), self.bell.as_fd()]
    }
}

/// What poll(2) calls the end of a peer's stream.
#[cfg(target_os = "linux")]
const HANGS_UP: i16 = libc::POLLRDHUP;
#[cfg(all(unix, not(target_os = "linux")))]
const HANGS_UP: i16 = 0;

#[cfg(not(unix))]
impl Keyboard {
    /// Standard input.
    ///
    /// # Errors
    /// None.
    pub fn standard() -> io::Result<Keyboard> {
        let stopper = Stopper { stopped: Arc::default(), patient: Arc::default() };
        Ok(Keyboard { stopper, block: vec![0; BLOCK], left: 0..0, ask: None })
    }

    fn read_more(&mut self, _: Option<()>) -> io::Result<Option<usize>> {
        use std::io::Read;
        if self.stopper.is_stopped() {
            return Ok(None);
        }
        io::stdin().read(&mut self.block[self.left.end..]).map(Some)
    }
}

impl Keyboard {
    /// What tells it that the chat is over.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// The two have met: a person is asked for lines from here on.
    pub fn begin(&self) {
        if let Some(ask) = &self.ask {
            let _ = ask.send(());
        }
    }

    /// What has been typed since, as much as there is; waits until there is something.
    ///
    /// # Errors
    /// What read(2) answers.
    pub fn some(&mut self) -> io::Result<Typed<'_>> {
        if self.left.is_empty() {
            self.left = 0..0;
            match self.read_more(None)? {
                None => return Ok(Typed::Stop),
                Some(0) => return Ok(Typed::End),
                Some(read) => self.left = 0..read,
            }
        }
        let given = std::mem::take(&mut self.left);
        Ok(Typed::Bytes(&self.block[given]))
    }

    /// The next line, with its newline; waits until there is one. `Stop` also if the peer hangs up before anything is typed.
    ///
    /// # Errors
    /// What read(2) answers.
    pub fn line(
        &mut self,
        #[cfg(unix)] peer: Option<BorrowedFd<'_>>,
        #[cfg(not(unix))] peer: Option<()>,
    ) -> io::Result<Typed<'_>> {
        let mut searched = self.left.start;
        let mut asked = false;
        loop {
            let newline = self.block[searched..self.left.end]
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|at| searched + at + 1);
            if let Some(end) = newline {
                let line = self.left.start..end;
                self.left.start = end;
                return Ok(Typed::Bytes(&self.block[line]));
            }
            if let Some(ask) = self.ask.as_ref().filter(|_| !std::mem::replace(&mut asked, true)) {
                let _ = ask.send(());
            }
            self.block.drain(..self.left.start);
            self.left = 0..self.left.end - self.left.start;
            searched = self.left.end;
            self.block.resize(self.left.end + BLOCK, 0);
            match self.read_more(peer)? {
                None => return Ok(Typed::Stop),
                Some(0) if self.left.is_empty() => return Ok(Typed::End),
                Some(0) => {
                    let rest = std::mem::take(&mut self.left);
                    return Ok(Typed::Bytes(&self.block[rest]));
                }
                Some(read) => self.left.end += read,
            }
        }
    }
}
