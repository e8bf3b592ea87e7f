//! A person at a terminal: lines are edited (rustyline), and what the peer says appears above the line that is being typed.
//!
//! The editor has a thread of its own, for it blocks while a line is being typed. Its lines go into a pipe. So the three styles read
//! a person as they read a file, and poll can watch either.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Cmd, ColorMode, Config, KeyCode, KeyEvent, Modifiers};

use super::keyboard::{Keyboard, StopHandle};
use super::output_queue::{OutputQueue, QueuedTextPrompt, redraw_on_request};
use super::screen::Screen;
use crate::signals;
use crate::text::safe;

/// The terminal of one chat, as a screen. [`LineEditor::close`] gives it back.
pub struct LineEditor {
    queue: Arc<OutputQueue>,
    /// Ends the editor's thread and restores the terminal, when it is dropped or when a signal ends the program.
    restore: Option<signals::Cleanup>,
    /// The thread's result is the pipe's writing end. As long as this handle is there it stays open: if it closed with the thread, the
    /// chat would take that for Ctrl-D.
    _thread: Arc<JoinHandle<Option<OwnedFd>>>,
}

type Rustyline = rustyline::Editor<QueuedTextPrompt, DefaultHistory>;

/// Set when the chat is over. From then on SIGINT means nothing but that the editor's thread is to end. A process has one terminal,
/// so it has one of these.
static CLOSING: AtomicBool = AtomicBool::new(false);

/// Handles a SIGINT that reaches the editor's thread while rustyline, which has a handler of its own, is not reading. If somebody
/// typed Ctrl-C, the signal is raised again for the thread that waits for signals: this thread has it blocked while this runs.
extern "C" fn forward_interrupt(_: i32) {
    if !CLOSING.load(Ordering::SeqCst) {
        signals::interrupt();
    }
}

/// The signals that only the editor's thread may get. A window that changes its size must not interrupt a send. And Ctrl-Z has to
/// stop this thread before it goes on: the first thing it does then is to take the terminal again, which must be after `fg`.
fn editor_signals() -> SigSet {
    [Signal::SIGWINCH, Signal::SIGTSTP].into_iter().collect()
}

impl LineEditor {
    /// Takes the terminal, and the keyboard with it. With `by_turns`, a line is asked for only when the chat wants one.
    pub fn open(by_turns: bool) -> io::Result<(LineEditor, Keyboard)> {
        CLOSING.store(false, Ordering::SeqCst);
        let (queue, requests) = OutputQueue::new();
        let editor = rustyline(&queue, requests)?;
        let original = tcgetattr(io::stdin())?;

        // Threads inherit the signals that are blocked; the editor's thread lets its own through again.
        editor_signals().thread_block()?;
        let action = SigAction::new(
            SigHandler::Handler(forward_interrupt),
            SaFlags::empty(),
            SigSet::empty(),
        );
        // SAFETY: the handler looks at an atomic and calls getpid and kill, all of which signal-safety(7) allows.
        unsafe { sigaction(Signal::SIGINT, &action)? };

        let (read, write) = nix::unistd::pipe()?;
        let (prompt, prompts) = channel();
        let (alive, ended) = channel();
        let keyboard = Keyboard::new(read, Some(prompt.clone()))?;
        let reader = LineReader {
            editor,
            queue: queue.clone(),
            lines: Some(write),
            by_turns,
            prompts,
            stop: keyboard.stop_handle(),
            _alive: alive,
        };
        // It leaves the terminal alone until it is first asked for a line, so there is nothing to restore before that.
        let thread =
            Arc::new(thread::Builder::new().name("editor".to_owned()).spawn(|| reader.run())?);
        let restore = signals::at_end({
            let thread = thread.clone();
            move || {
                CLOSING.store(true, Ordering::SeqCst);
                let _ = prompt.send(());
                // First the thread: it must not take the terminal again once that is restored.
                interrupt_until_ended(&thread, &ended);
                restore_terminal(&original);
            }
        });
        Ok((LineEditor { queue, restore: Some(restore), _thread: thread }, keyboard))
    }

    /// Shows what is queued, ends the line being typed, and gives the terminal back as it was.
    pub fn close(&mut self) {
        let Some(restore) = self.restore.take() else {
            return;
        };
        self.queue.wait_until_empty();
        drop(restore);
        let _ = editor_signals().thread_unblock();
    }
}

/// rustyline as the chat needs it, and a thread that has it draw its line again.
fn rustyline(queue: &Arc<OutputQueue>, requests: mpsc::Receiver<()>) -> io::Result<Rustyline> {
    let config = Config::builder()
        .auto_add_history(true)
        .keyseq_timeout(Some(100))
        // There are no colours, but only a prompt that may have some is passed to `QueuedTextPrompt`.
        .color_mode(ColorMode::Forced)
        .build();
    let mut editor = Rustyline::with_config(config).map_err(io::Error::other)?;
    editor.set_helper(Some(QueuedTextPrompt(queue.clone())));
    // While one of these waits for another key, no message could appear.
    for key in ['R', 'S', 'Q', 'V'] {
        editor.bind_sequence(KeyEvent::ctrl(key), Cmd::Noop);
    }
    // There is nothing to complete.
    editor.bind_sequence(KeyEvent(KeyCode::Tab, Modifiers::NONE), Cmd::Noop);
    let printer = editor.create_external_printer().map_err(io::Error::other)?;
    // A weak reference, so that this thread ends with the chat.
    let queue: Weak<OutputQueue> = Arc::downgrade(queue);
    thread::Builder::new()
        .name("redraw".to_owned())
        .spawn(move || redraw_on_request(&queue, &requests, printer))?;
    Ok(editor)
}

/// Ends the thread that reads the terminal. rustyline's read ends with SIGINT, but a signal that comes just before the read begins
/// is lost, and nothing says when it has begun. So the signal is sent again until the thread has ended. After a second we give up:
/// the thread may be unable to end because its terminal is stopped (Ctrl-S).
fn interrupt_until_ended<T>(thread: &JoinHandle<T>, ended: &mpsc::Receiver<()>) {
    for _ in 0..500 {
        let _ = pthread_kill(thread.as_pthread_t(), Signal::SIGINT);
        // Nothing is ever sent: the channel closes when the thread ends.
        if ended.recv_timeout(Duration::from_millis(2)) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// Turns the terminal's own echo off. rustyline does so while it reads a line, but gives the terminal back between two lines, and
/// what is typed just then would appear in the middle of a message.
fn turn_echo_off() -> nix::Result<()> {
    let mut mode = tcgetattr(io::stdin())?;
    mode.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(io::stdin(), SetArg::TCSADRAIN, &mode)
}

fn restore_terminal(original: &Termios) {
    let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, original);
    // Bracketed paste, which rustyline turns on, is turned off.
    let _ = io::stdout().write_all(b"\x1b[?2004l").and_then(|()| io::stdout().flush());
}

impl Drop for LineEditor {
    fn drop(&mut self) {
        self.close();
    }
}

impl Screen for LineEditor {
    fn show(&self, text: &str) -> io::Result<()> {
        self.queue.show(text)
    }

    fn note(&self, text: &str) {
        let _ = self.queue.show(&format!("{}\n", safe(text)));
    }

    fn is_terminal(&self) -> bool {
        true
    }

    fn trace(&self, rows: &str) {
        let _ = self.queue.show(rows);
    }
}

/// What the editor's thread does: it reads lines from the terminal and writes them into the pipe.
struct LineReader {
    editor: Rustyline,
    queue: Arc<OutputQueue>,
    /// The pipe; `None` once this side has said all (Ctrl-D).
    lines: Option<OwnedFd>,
    by_turns: bool,
    /// The chat asks for a line: for each one by turns, otherwise for the first only.
    prompts: mpsc::Receiver<()>,
    stop: StopHandle,
    /// Closes its channel when the thread ends.
    _alive: Sender<()>,
}

impl LineReader {
    /// Reads until the chat is over; returns the pipe, still open.
    fn run(mut self) -> Option<OwnedFd> {
        let interrupt = SigSet::from(Signal::SIGINT);
        let _ = editor_signals().thread_unblock();
        let mut begun = false;
        loop {
            let first = !std::mem::replace(&mut begun, true);
            let waits = self.by_turns || first;
            if (waits && self.prompts.recv().is_err()) || CLOSING.load(Ordering::SeqCst) {
                break;
            }
            if first && !self.by_turns {
                // If it fails, the terminal is gone, and reading it will tell.
                let _ = turn_echo_off();
            }
            let prompt = if self.lines.is_some() { "send message> " } else { "" };
            self.queue.begin_line();
            let _ = interrupt.thread_unblock();
            let typed = self.editor.readline(prompt);
            let _ = interrupt.thread_block();
            self.queue.end_line();
            match typed {
                _ if CLOSING.load(Ordering::SeqCst) => break,
                Ok(line) if line.trim() != "/quit" => {
                    if let Some(pipe) = &self.lines {
                        let _ = write_all(pipe, format!("{line}\n").as_bytes());
                    }
                }
                Err(ReadlineError::Eof) => self.lines = None,
                Err(ReadlineError::Interrupted) => {
                    // In raw mode Ctrl-C is a mere key. Do what the terminal would do: send SIGINT, which ends the program.
                    signals::interrupt();
                    break;
                }
                // `/quit`; or the terminal cannot be read any more.
                Ok(_) | Err(_) => {
                    self.stop.stop_when_drained();
                    break;
                }
            }
        }
        self.lines
    }
}

fn write_all(pipe: &OwnedFd, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(pipe, bytes) {
            Err(nix::errno::Errno::EINTR) => {}
            written => bytes = &bytes[written?..],
        }
    }
    Ok(())
}
