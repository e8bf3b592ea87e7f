//! Shows text above the line being typed, in the order in which it arrived.
//!
//! Two threads write to one terminal: the line editor (rustyline) draws the line, and the receiver has messages to show. So
//! messages go through a queue. While a line is being typed, the editor empties it: each time it draws the line, it writes the
//! queued text in front of the prompt, in the same write. At other times the thread that queues text also writes it. Either way
//! the lock is held, so texts stay in order, and none is left behind when a line ends.
//!
//! rustyline has a printer for messages from other threads, but it has two faults. Text that it has taken and not yet shown when a
//! line ends waits for the next line, while newer text goes straight to the terminal. And a thread that prints at that moment may
//! block forever. So text does not go through that printer: the editor is only asked to redraw its line, from a thread of its own,
//! which may block.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{self, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use rustyline::Helper;
use rustyline::completion::Completer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::validate::Validator;

use super::screen::columns;
use crate::text::rows_of;

/// [`OutputQueue::show`] blocks while more bytes than this are queued, so that a fast peer cannot fill our memory.
const MAX_QUEUED: usize = 64 * 1024;
/// So much of what was shown last is kept, in bytes.
const MAX_KEPT: usize = 4 * 1024;

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
    /// Whether a line is being typed. Meanwhile only the editor writes to the terminal.
    editing: bool,
    /// The line being typed, or whose typing was interrupted.
    line: String,
    /// The cursor's place in it, in bytes.
    cursor: usize,
    /// In a pasted text of several lines, how many are before the last one, if that has been empty: then it is not pasted, but typed.
    typed_below: Option<usize>,
    /// Further lines of a paste, which are to be sent one by one.
    later: VecDeque<String>,
    /// The columns of the window when the line was drawn last.
    columns: Option<usize>,
    /// The end of what has been shown.
    shown: String,
}

impl State {
    /// What is to be shown now.
    fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.keep(&text);
        text
    }

    fn keep(&mut self, text: &str) {
        self.shown.push_str(text);
        let mut first = self.shown.len().saturating_sub(MAX_KEPT);
        while !self.shown.is_char_boundary(first) {
            first += 1;
        }
        self.shown.drain(..first);
    }

    /// Shows the text. What cannot be written is lost.
    fn write_out(&mut self) -> io::Result<()> {
        let text = self.take();
        if text.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    }

    /// What a redraw in so many columns takes from the screen: a window that has become wider needs fewer rows for the line,
    /// and rustyline goes up as many as it took before, over what stands above.
    fn erased(&self, prompt: &str, columns: usize) -> String {
        let Some(before) = self.columns.filter(|before| *before < columns) else {
            return String::new();
        };
        let line = format!("{prompt}{}", self.line.get(..self.cursor).unwrap_or(&self.line));
        let mut rows = rows_of(&line, before).saturating_sub(rows_of(&line, columns));
        let is_erased = |line: &&str| {
            let erased = rows > 0;
            rows = rows.saturating_sub(rows_of(line, columns));
            erased
        };
        let mut lines: Vec<&str> = self.shown.lines().rev().take_while(is_erased).collect();
        lines.reverse();
        lines.iter().flat_map(|line| [line, "\n"]).collect()
    }
}

impl OutputQueue {
    /// An empty queue, and the channel of requests for [`redraw_on_request`].
    pub fn new() -> (Arc<OutputQueue>, mpsc::Receiver<()>) {
        // One request is enough, however much text is queued. Hence the capacity of one.
        let (redraw, requests) = sync_channel(1);
        (
            Arc::new(OutputQueue { state: Mutex::default(), changed: Condvar::new(), redraw }),
            requests,
        )
    }

    /// Shows this text after all earlier text. Blocks while too much is queued.
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
            return state.write_out();
        }
        drop(state);
        // This fails if a request is already waiting, and one is enough.
        let _ = self.redraw.try_send(());
        Ok(())
    }

    /// The editor is about to read a line: what has been typed of it already, before the cursor and after. From now on only the editor
    /// writes to the terminal.
    pub fn begin_line(&self) -> (String, String) {
        let mut state = self.state();
        let _ = state.write_out();
        (state.editing, state.columns) = (true, None);
        let (before, after) =
            state.line.split_at_checked(state.cursor).unwrap_or(("", &state.line));
        (before.to_owned(), after.to_owned())
    }

    /// The line has ended, or its typing was interrupted. Shows the text that the editor did not get to show. True if the last line of a paste was
    /// typed anew.
    pub fn end_line(&self, prompt: &str, is_whole: bool) -> bool {
        let mut state = self.state();
        let _ = state.write_out();
        state.editing = false;
        if is_whole {
            let line = std::mem::take(&mut state.line);
            state.keep(&format!("{prompt}{line}\n"));
            state.cursor = 0;
        }
        self.changed.notify_all();
        is_whole && state.typed_below.take().is_some()
    }

    /// These lines are sent later, one by one.
    pub fn send_later(&self, lines: impl Iterator<Item = String>) {
        self.state().later.extend(lines);
    }

    /// The next line of those, if there is one.
    pub fn next_to_send(&self) -> Option<String> {
        self.state().later.pop_front()
    }

    /// What has been typed or pasted, and not sent.
    pub fn not_sent(&self) -> String {
        let state = self.state();
        let later = state.later.iter().flat_map(|line| [line, "\n"]);
        later.chain([state.line.as_str()]).collect()
    }

    /// The line whose typing was interrupted.
    pub fn line(&self) -> String {
        self.state().line.clone()
    }

    /// The next line begins with this.
    pub fn set_line(&self, line: String) {
        let mut state = self.state();
        (state.cursor, state.line) = (line.len(), line);
    }

    /// Waits until the editor has taken all the text.
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

/// Asks the editor to redraw its line whenever text is queued. Returns when the queue is gone, or the editor, which asking then tells.
pub fn redraw_on_request(
    queue: &Weak<OutputQueue>,
    requests: &mpsc::Receiver<()>,
    mut ask: impl FnMut() -> rustyline::Result<()>,
) {
    while requests.recv().is_ok() {
        let wanted = queue.upgrade().is_some_and(|queue| queue.needs_redraw());
        if wanted && ask().is_err() {
            return;
        }
    }
}

/// Puts the queued text in front of the prompt. rustyline calls this each time it draws the line, in order to colour the prompt.
pub struct QueuedTextPrompt(pub Arc<OutputQueue>);

impl Highlighter for QueuedTextPrompt {
    /// Keeps the line, for the case that its typing is interrupted.
    fn highlight<'l>(&self, line: &'l str, cursor: usize) -> Cow<'l, str> {
        let mut state = self.0.state();
        line.clone_into(&mut state.line);
        let above = line.matches('\n').count();
        if line.ends_with('\n') {
            state.typed_below = Some(above);
        } else if state.typed_below != Some(above) {
            state.typed_below = None;
        }
        state.cursor = cursor;
        Cow::Borrowed(line)
    }

    /// The line is drawn, and so kept, whenever it or the cursor's place changes.
    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        true
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        let mut state = self.0.state();
        let columns = columns();
        let erased = state.erased(prompt, columns);
        state.columns = Some(columns);
        let mut text = erased + &state.take();
        drop(state);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wider_window_takes_from_the_screen_is_shown_again() {
        let mut state = State { columns: Some(20), ..State::default() };
        state.keep("Zoe: one\nZoe: two\nZoe: three\n");
        state.line = "x".repeat(60);
        state.cursor = 60;
        assert_eq!(state.erased("> ", 20), "");
        assert_eq!(state.erased("> ", 16), "", "a narrower window");
        assert_eq!(state.erased("> ", 40), "Zoe: two\nZoe: three\n");
        assert_eq!(state.erased("> ", 80), "Zoe: one\nZoe: two\nZoe: three\n");
        state.cursor = 25; // in the second row
        assert_eq!(state.erased("> ", 80), "Zoe: three\n");
        state.keep(&"你".repeat(MAX_KEPT));
        assert!(state.shown.len() <= MAX_KEPT, "{}", state.shown.len());
    }
}
