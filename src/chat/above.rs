//! What appears above the line being typed, in the order in which it came: a queue, and one who empties it.
//!
//! While a line is being typed that is the line editor (rustyline), each time it draws the line anew: what is in the queue goes out
//! in front of the prompt, in the same write. Else it is whoever has something to show. Both hold the lock, and so nothing
//! overtakes anything, and nothing is left behind when the editor leaves.
//!
//! rustyline's own printer would nearly do. But a text that it has taken and not shown when a line ends waits for the next line,
//! while the next text goes straight to the terminal; and whoever prints then may wait for ever. So it is handed no text here: it
//! only wakes the editor, from a thread of its own, which may wait.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{ExternalPrinter, Helper};

/// Whoever has something to show waits while so many bytes have not been shown.
const ENOUGH: usize = 64 * 1024;

/// Up a row and down again: nobody sees it, and the line is drawn anew.
const NOTHING: &str = "\x1b[A\n";

/// The queue.
pub struct Above {
    state: Mutex<State>,
    /// The queue has become empty, or the line has ended.
    changed: Condvar,
    wake: SyncSender<()>,
}

#[derive(Default)]
struct State {
    /// What has not been shown.
    queue: String,
    /// A line is being typed, and the terminal is the editor's.
    typing: bool,
}

impl Above {
    /// An empty queue, and what [`wake`] waits for.
    pub fn new() -> (Arc<Above>, Receiver<()>) {
        let (wake, woken) = sync_channel(1);
        (Arc::new(Above { state: Mutex::default(), changed: Condvar::new(), wake }), woken)
    }

    /// Shows this after all that came before it; waits if there is much of that.
    ///
    /// # Errors
    /// What write(2) answers, where no line is being typed.
    pub fn show(&self, text: &str) -> io::Result<()> {
        let mut state = self.state();
        while state.typing && state.queue.len() > ENOUGH {
            state = self.wait(state);
        }
        state.queue.push_str(text);
        if !text.is_empty() && !text.ends_with('\n') {
            state.queue.push('\n');
        }
        if !state.typing {
            return write_out(&mut state.queue);
        }
        drop(state);
        // If it is to be woken already, it will find this too.
        let _ = self.wake.try_send(());
        Ok(())
    }

    /// A line is asked for: from here on the editor shows what comes.
    pub fn begin_line(&self) {
        let mut state = self.state();
        let _ = write_out(&mut state.queue);
        state.typing = true;
    }

    /// The line has ended; what the editor did not come to show is shown now.
    pub fn end_line(&self) {
        let mut state = self.state();
        let _ = write_out(&mut state.queue);
        state.typing = false;
        self.changed.notify_all();
    }

    /// Waits until the editor has taken all there is.
    pub fn until_taken(&self) {
        let mut state = self.state();
        while state.typing && !state.queue.is_empty() {
            state = self.wait(state);
        }
    }

    /// Whether there is something for the editor to show.
    fn wants_the_editor(&self) -> bool {
        let state = self.state();
        state.typing && !state.queue.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes all of it to the terminal; what cannot be written is gone.
fn write_out(queue: &mut String) -> io::Result<()> {
    if queue.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    let written = out.write_all(queue.as_bytes()).and_then(|()| out.flush());
    queue.clear();
    written
}

/// Wakes the editor whenever there is something for it to show, until neither it nor the queue's other users are left.
pub fn wake(
    above: &std::sync::Weak<Above>,
    woken: &Receiver<()>,
    mut printer: impl ExternalPrinter,
) {
    while woken.recv().is_ok() {
        let wanted = above.upgrade().is_some_and(|above| above.wants_the_editor());
        // It waits here if the editor has not yet heard the call before this one, and fails when the editor is gone.
        if wanted && printer.print(NOTHING.to_owned()).is_err() {
            return;
        }
    }
}

/// Puts what is in the queue before the prompt, whenever that is drawn.
pub struct BeforeThePrompt(pub Arc<Above>);

impl Highlighter for BeforeThePrompt {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        let mut text = std::mem::take(&mut self.0.state().queue);
        self.0.changed.notify_all();
        if text.is_empty() {
            return Cow::Borrowed(prompt);
        }
        text.push_str(prompt);
        Cow::Owned(text)
    }
}

impl Completer for BeforeThePrompt {
    type Candidate = String;
}

impl Hinter for BeforeThePrompt {
    type Hint = String;
}

impl Validator for BeforeThePrompt {}
impl Helper for BeforeThePrompt {}
