//! Shows text above the line that is being typed, in the order in which it came.
//!
//! Two threads write to one terminal: the line editor (rustyline) draws the line, and the receiver has messages to show. So
//! messages go through a queue. While a line is being typed, the editor empties it: each time it draws the line, it writes what is
//! queued in front of the prompt, in the same write. At other times whoever queues text writes it too. Both hold the lock
//! meanwhile, so no text overtakes another, and none is left behind when a line ends.
//!
//! rustyline has a printer for messages from other threads, and it does not quite do: a text that it has taken but not shown when
//! a line ends waits for the next line, while the next text goes straight to the terminal; and whoever prints then may
//! block for ever. So that printer gets no text here. It only makes the editor draw its line again, and is called from a
//! thread of its own, which may block.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::mpsc::{self, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{ExternalPrinter, Helper};

/// [`OutputQueue::show`] blocks while more bytes than this are queued: a peer cannot fill our memory faster than the terminal
/// shows text.
const MAX_QUEUED: usize = 64 * 1024;

/// Given to rustyline's printer to have the line drawn again: up a row and down again, which nobody sees.
const REDRAW: &str = "\x1b[A\n";

/// Text on its way to the terminal.
pub struct OutputQueue {
    state: Mutex<State>,
    /// Signalled when the queue has been emptied, and when a line has ended.
    changed: Condvar,
    /// Tells the thread that runs [`redraw_on_request`] that there is text.
    redraw: SyncSender<()>,
}

#[derive(Default)]
struct State {
    text: String,
    /// Whether a line is being typed: then only the editor may write to the terminal.
    editing: bool,
}

impl OutputQueue {
    /// An empty queue, and the requests that [`redraw_on_request`] is to serve.
    pub fn new() -> (Arc<OutputQueue>, mpsc::Receiver<()>) {
        // One request is enough, however much text has come: hence room for one.
        let (redraw, requests) = sync_channel(1);
        (
            Arc::new(OutputQueue { state: Mutex::default(), changed: Condvar::new(), redraw }),
            requests,
        )
    }

    /// Shows this text after all that came before it; blocks while too much is queued.
    pub fn show(&self, text: &str) -> io::Result<()> {
        let mut state = self.state();
        while state.editing && state.text.len() > MAX_QUEUED {
            state = self.wait(state);
        }
        state.text.push_str(text);
        if !text.is_empty() && !text.ends_with('\n') {
            state.text.push('\n');
        }
        if !state.editing {
            return write_out(&mut state.text);
        }
        drop(state);
        // It fails if a request is waiting already, and that one will do.
        let _ = self.redraw.try_send(());
        Ok(())
    }

    /// The editor is about to read a line: from here on it alone writes to the terminal.
    pub fn begin_line(&self) {
        let mut state = self.state();
        let _ = write_out(&mut state.text);
        state.editing = true;
    }

    /// The line has ended: text that the editor had no occasion to show is shown now.
    pub fn end_line(&self) {
        let mut state = self.state();
        let _ = write_out(&mut state.text);
        state.editing = false;
        self.changed.notify_all();
    }

    /// Waits until all text has been shown, or taken by the editor to be shown.
    pub fn wait_until_empty(&self) {
        let mut state = self.state();
        while state.editing && !state.text.is_empty() {
            state = self.wait(state);
        }
    }

    fn needs_redraw(&self) -> bool {
        let state = self.state();
        state.editing && !state.text.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the text to the terminal and clears it; what cannot be written is lost.
fn write_out(text: &mut String) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    text.clear();
    written
}

/// Has the editor draw its line again whenever text is queued. Returns when the queue or the editor is gone.
pub fn redraw_on_request(
    queue: &Weak<OutputQueue>,
    requests: &mpsc::Receiver<()>,
    mut printer: impl ExternalPrinter,
) {
    while requests.recv().is_ok() {
        let wanted = queue.upgrade().is_some_and(|queue| queue.needs_redraw());
        // This blocks until the editor has taken the request before this one, and fails once the editor is gone.
        if wanted && printer.print(REDRAW.to_owned()).is_err() {
            return;
        }
    }
}

/// Puts the queued text in front of the prompt. rustyline asks for the prompt, as if to colour it, each time it draws the line.
pub struct QueuedTextPrompt(pub Arc<OutputQueue>);

impl Highlighter for QueuedTextPrompt {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        let mut text = std::mem::take(&mut self.0.state().text);
        self.0.changed.notify_all();
        if text.is_empty() {
            return Cow::Borrowed(prompt);
        }
        text.push_str(prompt);
        Cow::Owned(text)
    }
}

impl Completer for QueuedTextPrompt {
    type Candidate = String;
}

impl Hinter for QueuedTextPrompt {
    type Hint = String;
}

impl Validator for QueuedTextPrompt {}
impl Helper for QueuedTextPrompt {}
