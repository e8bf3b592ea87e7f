//! A person at a terminal: lines can be edited (rustyline), and the peer's messages appear above the line being typed.
//!
//! The editor has a thread of its own, because it blocks while a line is being typed. It writes the lines into a pipe. So the three
//! styles read a person's input in the same way as a file, and poll can watch either.

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

/// The terminal of one chat, as a screen. [`LineEditor::close`] restores it.
pub struct LineEditor {
    queue: Arc<OutputQueue>,
    /// Ends the editor's thread and restores the terminal, when it is dropped or when a signal ends the program.
    restore: Option<signals::Cleanup>,
    /// The thread returns the pipe's writing end. This handle keeps it open: if it closed with the thread, the chat would take that
    /// for Ctrl-D.
    _thread: Arc<JoinHandle<Option<OwnedFd>>>,
}

type Rustyline = rustyline::Editor<QueuedTextPrompt, DefaultHistory>;

/// Set when the chat is over. From then on SIGINT only ends the editor's thread. One for the whole process, like the terminal.
static CLOSING: AtomicBool = AtomicBool::new(false);

/// Handles a SIGINT that reaches the editor's thread while rustyline, which has its own handler, is not reading. If the user typed
/// Ctrl-C, the signal is sent again, to the thread that waits for signals: in this thread it is blocked while the handler runs.
extern "C" fn forward_interrupt(_: i32) {
    if !CLOSING.load(Ordering::SeqCst) {
        signals::interrupt();
    }
}

/// The signals that only the editor's thread may get. A resized window must not interrupt a send. And Ctrl-Z has to stop this
/// thread before it goes on, because the next thing it does is to set up the terminal again, and that must happen after `fg`.
fn editor_signals() -> SigSet {
    [Signal::SIGWINCH, Signal::SIGTSTP].into_iter().collect()
}

impl LineEditor {
    /// Takes over the terminal and its keyboard. With `by_turns`, the prompt appears only when the chat wants a line.
    pub fn open(by_turns: bool) -> io::Result<(LineEditor, Keyboard)> {
        CLOSING.store(false, Ordering::SeqCst);
        let (queue, requests) = OutputQueue::new();
        let editor = rustyline(&queue, requests)?;
        let original = tcgetattr(io::stdin())?;

        // Threads inherit blocked signals; the editor's thread unblocks its own again.
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
        // The thread leaves the terminal alone until the first prompt, so there is nothing to restore before that.
        let thread =
            Arc::new(thread::Builder::new().name("editor".to_owned()).spawn(|| reader.run())?);
        let restore = signals::at_end({
            let thread = thread.clone();
            move || {
                CLOSING.store(true, Ordering::SeqCst);
                let _ = prompt.send(());
                // The thread ends first: it must not set up the terminal again after it has been restored.
                interrupt_until_ended(&thread, &ended);
                restore_terminal(&original);
            }
        });
        Ok((LineEditor { queue, restore: Some(restore), _thread: thread }, keyboard))
    }

    /// Shows what is queued, ends the line being typed, and restores the terminal.
    pub fn close(&mut self) {
        let Some(restore) = self.restore.take() else {
            return;
        };
        self.queue.wait_until_empty();
        drop(restore);
        let _ = editor_signals().thread_unblock();
    }
}

/// Sets up rustyline, and a thread that makes it redraw its line.
fn rustyline(queue: &Arc<OutputQueue>, requests: mpsc::Receiver<()>) -> io::Result<Rustyline> {
    let config = Config::builder()
        .auto_add_history(true)
        .keyseq_timeout(Some(100))
        // The prompt has no colours, but without this rustyline would not pass it to `QueuedTextPrompt`.
        .color_mode(ColorMode::Forced)
        .build();
    let mut editor = Rustyline::with_config(config).map_err(io::Error::other)?;
    editor.set_helper(Some(QueuedTextPrompt(queue.clone())));
    // These keys wait for another key, and meanwhile no message could appear.
    for key in ['R', 'S', 'Q', 'V'] {
        editor.bind_sequence(KeyEvent::ctrl(key), Cmd::Noop);
    }
    // There is nothing to complete.
    editor.bind_sequence(KeyEvent(KeyCode::Tab, Modifiers::NONE), Cmd::Noop);
    let printer = editor.create_external_printer().map_err(io::Error::other)?;
    // A weak reference lets this thread end with the chat.
    let queue: Weak<OutputQueue> = Arc::downgrade(queue);
    thread::Builder::new()
        .name("redraw".to_owned())
        .spawn(move || redraw_on_request(&queue, &requests, printer))?;
    Ok(editor)
}

/// Ends the thread that reads the terminal. SIGINT interrupts rustyline's read, but a signal that arrives just before the read is
/// lost, and the start of the read cannot be observed. So the signal is sent again until the thread has ended. After a second we
/// give up: the thread may be unable to end because its terminal is stopped (Ctrl-S).
fn interrupt_until_ended<T>(thread: &JoinHandle<T>, ended: &mpsc::Receiver<()>) {
    for _ in 0..500 {
        let _ = pthread_kill(thread.as_pthread_t(), Signal::SIGINT);
        // Nothing is ever sent on this channel; it closes when the thread ends.
        if ended.recv_timeout(Duration::from_millis(2)) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// Turns off the terminal's own echo. rustyline does so while it reads a line, but restores the terminal between lines, and
/// keys typed just then would appear in the middle of a message.
fn turn_echo_off() -> nix::Result<()> {
    let mut mode = tcgetattr(io::stdin())?;
    mode.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(io::stdin(), SetArg::TCSADRAIN, &mode)
}

fn restore_terminal(original: &Termios) {
    let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, original);
    // Turn off bracketed paste, which rustyline turns on.
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

/// The editor's thread: reads lines from the terminal and writes them into the pipe.
struct LineReader {
    editor: Rustyline,
    queue: Arc<OutputQueue>,
    /// The pipe; `None` once this side has finished (Ctrl-D).
    lines: Option<OwnedFd>,
    by_turns: bool,
    /// The chat's requests for a line: by turns one for each line, otherwise one for the first.
    prompts: mpsc::Receiver<()>,
    stop: StopHandle,
    /// Its channel closes when the thread ends.
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
                // If this fails, the terminal is gone, and the next read will report it.
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
                    // In raw mode Ctrl-C is an ordinary key. Do what the terminal would do: send SIGINT, which ends the program.
                    signals::interrupt();
                    break;
                }
                // `/quit`, or the terminal can no longer be read.
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
