//! A person at a terminal: lines are edited (rustyline), and what the peer says appears above the line being typed.
//!
//! The editor has a thread of its own, for it sleeps in the terminal. What is typed goes through a pipe, and so the chat reads
//! a person and a file in the same way, and poll can watch either.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Cmd, ColorMode, Config, KeyCode, KeyEvent, Modifiers};

use super::above::{self, Above, BeforeThePrompt};
use super::keyboard::{Keyboard, Stopper};
use super::phrases;
use super::screen::Screen;
use crate::signals;
use crate::text::safe;

/// The terminal of one chat. [`Editor::close`] gives it back.
pub struct Editor {
    above: Arc<Above>,
    /// Ends the editor's thread, and gives the terminal back; a signal does so, too.
    given_back: Option<signals::Cleanup>,
    /// The editor's thread, and then the pipe that it leaves open: else the chat would take the thread's end for Ctrl-D.
    _reading: Arc<Mutex<Option<JoinHandle<Option<OwnedFd>>>>>,
}

/// The chat is over, and SIGINT only tells the editor's thread so. There is one keyboard, and so one of these.
static CLOSING: AtomicBool = AtomicBool::new(false);

/// SIGINT that finds the editor's thread on its way into the terminal or out of it. If somebody typed Ctrl-C, it is passed on to
/// the thread that waits for signals: this one blocks it while this runs.
extern "C" fn pass_on(_: i32) {
    if !CLOSING.load(Ordering::SeqCst) {
        signals::interrupt();
    }
}

/// What is the business of the editor's thread alone. A window that changes its size must not interrupt a send. And Ctrl-Z has to
/// stop this thread before it goes on: the first thing it does then is to take the terminal again, which must be after `fg`.
fn editors_signals() -> SigSet {
    [Signal::SIGWINCH, Signal::SIGTSTP].into_iter().collect()
}

impl Editor {
    /// Takes the terminal, and the keyboard with it. `by_turns`: a line is asked for only when one is wanted.
    ///
    /// # Errors
    /// What the terminal answers.
    pub fn open(by_turns: bool) -> io::Result<(Editor, Keyboard)> {
        CLOSING.store(false, Ordering::SeqCst);
        // The colours are not ours, but only a prompt that may have some is drawn with what stands before it.
        let config = Config::builder()
            .auto_add_history(true)
            .keyseq_timeout(Some(100))
            .color_mode(ColorMode::Forced)
            .build();
        let mut editor = LineEditor::with_config(config).map_err(io::Error::other)?;
        let (above, woken) = Above::new();
        editor.set_helper(Some(BeforeThePrompt(above.clone())));
        // While these wait for another key, no message could appear.
        for key in ['R', 'S', 'Q', 'V'] {
            editor.bind_sequence(KeyEvent::ctrl(key), Cmd::Noop);
        }
        // Nothing is there to complete.
        editor.bind_sequence(KeyEvent(KeyCode::Tab, Modifiers::NONE), Cmd::Noop);
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let shared = Arc::downgrade(&above);
        thread::Builder::new()
            .name("waker".to_owned())
            .spawn(move || above::wake(&shared, &woken, printer))?;
        let before = tcgetattr(io::stdin())?;
        let (asks, asked) = channel();
        let reading = Arc::new(Mutex::new(None));
        let (thread, asks_to_end) = (reading.clone(), asks.clone());
        let given_back = signals::at_end(move || {
            CLOSING.store(true, Ordering::SeqCst);
            let _ = asks_to_end.send(());
            // It must not take the terminal again when that has been given back.
            lock(&thread).as_ref().map(end);
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &before);
            // Pasted text comes as it is again.
            let _ = io::stdout().write_all(b"\x1b[?2004l").and_then(|()| io::stdout().flush());
        });
        editors_signals().thread_block()?;
        let action =
            SigAction::new(SigHandler::Handler(pass_on), SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler looks at an atomic and calls getpid and kill, all of which signal-safety(7) allows.
        unsafe { sigaction(Signal::SIGINT, &action)? };

        let (read, write) = nix::unistd::pipe()?;
        let keyboard = Keyboard::new(read, Some(asks))?;
        let lines = Lines {
            editor,
            above: above.clone(),
            to: Some(write),
            by_turns,
            asked,
            stopper: keyboard.stopper(),
        };
        let mut thread = lock(&reading);
        // A signal may have come already.
        if !CLOSING.load(Ordering::SeqCst) {
            *thread =
                Some(thread::Builder::new().name("editor".to_owned()).spawn(move || lines.read())?);
        }
        drop(thread);
        Ok((Editor { above, given_back: Some(given_back), _reading: reading }, keyboard))
    }

    /// Ends the line being typed, and gives the terminal back as it was. All that was to be shown is shown.
    pub fn close(&mut self) {
        let Some(given_back) = self.given_back.take() else {
            return;
        };
        self.above.until_taken();
        drop(given_back);
        let _ = editors_signals().thread_unblock();
    }
}

/// Ends the thread that reads the terminal. It may be on its way there, and deaf: so it is told again and again, until it is gone.
/// Nobody waits for ever, though: its terminal may have been stopped (Ctrl-S).
fn end<T>(thread: &JoinHandle<T>) {
    for _ in 0..500 {
        if thread.is_finished() {
            return;
        }
        let _ = pthread_kill(thread.as_pthread_t(), Signal::SIGINT);
        thread::sleep(Duration::from_millis(2));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.close();
    }
}

impl Screen for Editor {
    fn show(&self, text: &str) -> io::Result<()> {
        self.above.show(text)
    }

    fn note(&self, text: &str) {
        let _ = self.above.show(&format!("{}\n", safe(text)));
    }

    fn is_terminal(&self) -> bool {
        true
    }

    fn trace(&self, rows: &str) {
        let _ = self.above.show(rows);
    }
}

type LineEditor = rustyline::Editor<BeforeThePrompt, DefaultHistory>;

/// The editor's thread: reads lines, and hands them on.
struct Lines {
    editor: LineEditor,
    above: Arc<Above>,
    /// Where they go; none once this side has said all (Ctrl-D).
    to: Option<OwnedFd>,
    by_turns: bool,
    asked: Receiver<()>,
    stopper: Stopper,
}

impl Lines {
    /// Reads until the chat is over, and leaves the pipe as it is.
    fn read(mut self) -> Option<OwnedFd> {
        let interrupts = SigSet::from(Signal::SIGINT);
        let _ = editors_signals().thread_unblock();
        let mut begun = false;
        loop {
            let waits = self.by_turns || !std::mem::replace(&mut begun, true);
            if (waits && self.asked.recv().is_err()) || CLOSING.load(Ordering::SeqCst) {
                break;
            }
            let prompt = if self.to.is_some() { phrases::prompt() } else { "" };
            self.above.begin_line();
            let _ = interrupts.thread_unblock();
            let typed = self.editor.readline(prompt);
            let _ = interrupts.thread_block();
            self.above.end_line();
            match typed {
                _ if CLOSING.load(Ordering::SeqCst) => break,
                Ok(line) if line.trim() != "/quit" => {
                    if let Some(to) = &self.to {
                        let _ = write_all(to, format!("{line}\n").as_bytes());
                    }
                }
                Err(ReadlineError::Eof) => self.to = None,
                Err(ReadlineError::Interrupted) => {
                    // As if there were no editor: the thread that waits for signals ends the program.
                    signals::interrupt();
                    break;
                }
                Ok(_) | Err(_) => {
                    self.stopper.stop_after_what_was_typed();
                    break;
                }
            }
        }
        self.to
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
