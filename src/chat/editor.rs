//! A person at a terminal: lines are edited (rustyline), and what the peer says appears above the line being typed.
//!
//! The editor has a thread of its own, for it sleeps in the terminal. What is typed goes through a pipe, and so the chat reads
//! a person and a file in the same way, and poll can watch either.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{Cmd, Config, DefaultEditor, ExternalPrinter, KeyEvent};

use super::keyboard::{Keyboard, Stopper};
use super::phrases;
use super::screen::Screen;
use crate::signals;
use crate::text::safe;

/// The terminal of one chat. [`Editor::close`] gives it back.
pub struct Editor {
    printer: Mutex<Box<dyn ExternalPrinter + Send>>,
    closing: Arc<AtomicBool>,
    /// Wakes the editor that waits to be asked for a line.
    asks: Sender<()>,
    thread: Option<JoinHandle<()>>,
    given_back: Option<signals::Cleanup>,
}

/// SIGINT must not end the program while the editor's thread lets it through; it is noted here.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_interrupt(_: i32) {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

impl Editor {
    /// Takes the terminal, and the keyboard with it. `by_turns`: a line is asked for only when one is wanted.
    ///
    /// # Errors
    /// What the terminal answers.
    pub fn open(by_turns: bool) -> io::Result<(Editor, Keyboard)> {
        let config = Config::builder().auto_add_history(true).keyseq_timeout(Some(100)).build();
        let mut editor = DefaultEditor::with_config(config).map_err(io::Error::other)?;
        // While these wait for another key, no message could appear.
        for key in ['R', 'S', 'Q', 'V'] {
            editor.bind_sequence(KeyEvent::ctrl(key), Cmd::Noop);
        }
        let printer: Box<dyn ExternalPrinter + Send> = Box::new(editor.create_external_printer().map_err(io::Error::other)?);
        let before = tcgetattr(io::stdin())?;
        let given_back = signals::at_end(move || {
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &before);
            // Pasted text comes as it is again.
            let _ = io::stdout().write_all(b"\x1b[?2004l").and_then(|()| io::stdout().flush());
        });
        // A window that changes its size is the editor's business, and must not interrupt a send.
        SigSet::from(Signal::SIGWINCH).thread_block()?;
        INTERRUPTED.store(false, Ordering::SeqCst);
        let action = SigAction::new(SigHandler::Handler(note_interrupt), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler only stores to an atomic, which signal-safety(7) allows.
        unsafe { sigaction(Signal::SIGINT, &action)? };

        let (asks, asked) = channel();
        let (read, write) = nix::unistd::pipe()?;
        let keyboard = Keyboard::new(read, Some(asks.clone()))?;
        let closing = Arc::new(AtomicBool::new(false));
        let lines = Lines { editor, to: Some(write), by_turns, asked, closing: closing.clone(), stopper: keyboard.stopper() };
        let thread = thread::Builder::new().name("editor".to_owned()).spawn(move || lines.read())?;
        Ok((Editor { printer: Mutex::new(printer), closing, asks, thread: Some(thread), given_back: Some(given_back) }, keyboard))
    }

    fn print(&self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let mut printer = self.printer.lock().unwrap_or_else(PoisonError::into_inner);
        printer.print(text.to_owned()).map_err(io::Error::other)
    }

    /// Ends the line being typed, and gives the terminal back as it was. All that was to be shown is shown.
    pub fn close(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        // A text that is handed over waits until the one before has been taken: up a row and down again, nobody sees it.
        for _ in 0..2 {
            let _ = self.print("\x1b[A\n");
        }
        self.closing.store(true, Ordering::SeqCst);
        let _ = self.asks.send(());
        // The editor may be on its way into the terminal, and deaf: so again and again, until it is gone.
        while !thread.is_finished() {
            let _ = pthread_kill(thread.as_pthread_t(), Signal::SIGINT);
            thread::sleep(Duration::from_millis(2));
        }
        let _ = thread.join();
        drop(self.given_back.take());
        let _ = SigSet::from(Signal::SIGWINCH).thread_unblock();
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.close();
    }
}

impl Screen for Editor {
    fn show(&self, text: &str) -> io::Result<()> {
        self.print(text)
    }

    fn note(&self, text: &str) {
        let _ = self.print(&format!("{}\n", safe(text)));
    }

    fn is_terminal(&self) -> bool {
        true
    }

    fn trace(&self, rows: &str) {
        let _ = self.print(rows);
    }
}

/// The editor's thread: reads lines, and hands them on.
struct Lines {
    editor: DefaultEditor,
    /// Where they go; none once this side has said all (Ctrl-D).
    to: Option<OwnedFd>,
    by_turns: bool,
    asked: Receiver<()>,
    closing: Arc<AtomicBool>,
    stopper: Stopper,
}

impl Lines {
    fn read(mut self) {
        let interrupts = SigSet::from(Signal::SIGINT);
        let _ = SigSet::from(Signal::SIGWINCH).thread_unblock();
        let mut begun = false;
        loop {
            let waits = self.by_turns || !std::mem::replace(&mut begun, true);
            if (waits && self.asked.recv().is_err()) || self.closing.load(Ordering::SeqCst) {
                return;
            }
            let prompt = if self.to.is_some() { phrases::prompt() } else { "" };
            let _ = interrupts.thread_unblock();
            let typed = self.editor.readline(prompt);
            let _ = interrupts.thread_block();
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            if INTERRUPTED.load(Ordering::SeqCst) || matches!(typed, Err(ReadlineError::Interrupted)) {
                // As if there were no editor: the thread that waits for signals ends the program.
                signals::interrupt();
                // What was typed has no end here: the chat must not take this for Ctrl-D, and end in its own way first.
                while !self.closing.load(Ordering::SeqCst) {
                    thread::park_timeout(Duration::from_millis(100));
                }
                return;
            }
            match typed {
                Ok(line) if line.trim() == "/quit" => return self.stopper.stop(),
                Ok(line) => {
                    if let Some(to) = &self.to {
                        let _ = write_all(to, format!("{line}\n").as_bytes());
                    }
                }
                Err(ReadlineError::Eof) => self.to = None,
                Err(_) => return self.stopper.stop(),
            }
        }
    }
}

fn write_all(to: &OwnedFd, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(to, bytes) {
            Err(nix::errno::Errno::EINTR) => {}
            written => bytes = &bytes[written?..],
        }
    }
    Ok(())
}
