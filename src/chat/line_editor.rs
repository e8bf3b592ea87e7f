//! A person at a terminal: lines can be edited (rustyline), and the peer's messages appear above the line being typed.
//!
//! The editor has a thread of its own, because it blocks while a line is being typed. It writes the lines into a pipe. So the three
//! styles read a person's input in the same way as a file, and poll can watch either. [`EditorControl`] says when it reads.

use std::io::{self, Write};
use std::sync::mpsc;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{
    Cmd, ColorMode, ConditionalEventHandler, Config, Event, EventContext, EventHandler, KeyCode,
    KeyEvent, Modifiers, RepeatCount,
};

use super::editor_control::{EditorControl, Phase};
use super::keyboard::{Keyboard, StopHandle};
use super::output_queue::{OutputQueue, QueuedTextPrompt, redraw_on_request};
use super::screen::{Screen, in_rows};
use super::terminal::{self, Caller, Mode};
use super::typed_line::{self, TypedLine};
use crate::capture::sys::{self, InputWriter};
use crate::i18n::tr;
use crate::signals;
use crate::text::safe;

/// The terminal of one chat, as a screen. [`LineEditor::close`] restores it.
pub struct LineEditor {
    queue: Arc<OutputQueue>,
    control: Arc<EditorControl>,
    /// Restores the terminal, when it is dropped or when a signal stops or ends the program.
    at_terminal: Option<signals::Cleanup>,
    /// Whether the terminal can only take lines.
    is_plain: bool,
    /// The thread returns the pipe's writing end. This handle keeps it open: if it closed with the thread, the chat would take that
    /// for Ctrl-D.
    _thread: JoinHandle<Option<InputWriter>>,
}

pub(super) type Rustyline = rustyline::Editor<QueuedTextPrompt, DefaultHistory>;

impl LineEditor {
    /// Takes over the terminal and its keyboard. With `by_turns`, lines are read only when the chat wants one.
    pub fn open(by_turns: bool) -> io::Result<(LineEditor, Keyboard)> {
        terminal::prepare()?;
        let (queue, requests) = OutputQueue::new();
        let is_plain = !terminal::can_redraw();
        let editor = if is_plain { None } else { Some(rustyline(&queue, requests)?) };
        let original = Mode::now()?;
        let at_end = original.clone();
        let (read, write) = sys::input_pipe()?;
        let control = Arc::new(EditorControl::new(by_turns));
        let keyboard = Keyboard::new(read, Some(control.clone()))?;
        let reader = LineReader {
            editor,
            queue: queue.clone(),
            control: control.clone(),
            lines: Some(write),
            between: by_turns.then_some(original),
            stop: keyboard.stop_handle(),
        };
        let thread = thread::Builder::new().name("editor".to_owned()).spawn(|| reader.run())?;
        control.started(Caller::of(&thread));
        let (resumed, paused) = (control.clone(), control.clone());
        let at_terminal = signals::at_terminal(
            move || {
                if !is_plain && resumed.edits_line() {
                    terminal::edit_lines(false)?;
                }
                resumed.resume();
                Ok(())
            },
            move || {
                // The thread comes first: it must not set up the terminal again after it has been restored.
                paused.pause();
                restore_terminal(&at_end, is_plain);
            },
        )?;
        let at_terminal = Some(at_terminal);
        let editor = LineEditor { queue, control, at_terminal, is_plain, _thread: thread };
        Ok((editor, keyboard))
    }

    /// Shows what is queued, and says why the chat has ended. If the user was typing, waits for the end of that line, which is not sent:
    /// it must not become a command of the shell. Then restores the terminal.
    pub fn end(&mut self, why: &str) {
        self.queue.wait_until_empty();
        self.control.enter(Phase::Leaving);
        let typed = self.queue.not_sent() + &typed_ahead();
        if self.is_plain {
            let _ = terminal::edit_lines(true);
        }
        let half = typed.rsplit('\n').next().unwrap_or_default().to_owned();
        if typed.is_empty() {
            self.close();
            return self.note(why);
        }
        self.note(why);
        let whole = typed.strip_suffix(&half).unwrap_or_default();
        for line in whole.lines().filter(|line| !line.trim().is_empty()) {
            self.note(&tr!("not sent: {line}", line));
        }
        if !half.is_empty() {
            self.queue.set_line(half);
            self.control.read_last_line();
        }
        self.close();
    }

    /// Shows what is queued, ends the line being typed, and restores the terminal.
    pub fn close(&mut self) {
        let Some(at_terminal) = self.at_terminal.take() else {
            return;
        };
        self.queue.wait_until_empty();
        self.control.enter(Phase::Over);
        drop(at_terminal);
        terminal::mind_resizing();
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
    for key in ['R', 'S', 'Q'] {
        editor.bind_sequence(KeyEvent::ctrl(key), Cmd::Noop);
    }
    let interrupt = EventHandler::Conditional(Box::new(InterruptKey));
    editor.bind_sequence(KeyEvent::ctrl('C'), interrupt);
    // There is nothing to complete.
    editor.bind_sequence(KeyEvent(KeyCode::Tab, Modifiers::NONE), Cmd::Noop);
    for (key, does) in terminal::keys() {
        editor.bind_sequence(key, does);
    }
    let ask = terminal::redraws(&mut editor).map_err(io::Error::other)?;
    // A weak reference lets this thread end with the chat.
    let queue: Weak<OutputQueue> = Arc::downgrade(queue);
    thread::Builder::new()
        .name("redraw".to_owned())
        .spawn(move || redraw_on_request(&queue, &requests, ask))?;
    Ok(editor)
}

/// Ctrl-C, which in raw mode is an ordinary key, does what the terminal would do with it: it ends the program. Of
/// rustyline's error alone it could not be told whether somebody has asked the thread to come out of its line just then.
struct InterruptKey;

impl ConditionalEventHandler for InterruptKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        terminal::interrupt();
        Some(Cmd::Interrupt)
    }
}

/// What has been typed and not read, without control characters but the ends of lines.
fn typed_ahead() -> String {
    // As long as the terminal edits lines itself, it keeps an unfinished one.
    let _ = terminal::edit_lines(false);
    let mut typed = Vec::new();
    while signals::is_foreground()
        && let Ok(Some(block)) = signals::typed(Duration::ZERO)
        && !block.is_empty()
    {
        typed.extend(block);
    }
    let typed = String::from_utf8_lossy(&typed).replace('\r', "\n");
    typed.chars().filter(|it| *it == '\n' || !it.is_control()).collect()
}

fn restore_terminal(original: &Mode, is_plain: bool) {
    if !is_plain {
        terminal::end_editing();
    }
    // What was typed for the chat is not for the shell.
    let _ = original.set().and_then(|()| signals::discard_typed());
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
        let _ = self.queue.show(&in_rows(text));
    }

    fn connected(&self) {
        self.control.enter(Phase::Talking);
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
    /// `None` at a terminal that can only take lines. By turns it is not used before there is a peer: when that comes, the terminal takes
    /// lines itself, and a Ctrl-C typed just before the change would be no signal.
    editor: Option<Rustyline>,
    queue: Arc<OutputQueue>,
    control: Arc<EditorControl>,
    /// The pipe; `None` once this side has finished (Ctrl-D).
    lines: Option<InputWriter>,
    /// The terminal's mode between lines, if it is not rustyline's: by turns it echoes what is typed too early, and keeps it.
    between: Option<Mode>,
    stop: StopHandle,
}

/// Says that the thread has ended, even if it panics.
struct EndNotice(Arc<EditorControl>);

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl LineReader {
    /// Reads until the chat is over; returns the pipe, still open.
    fn run(mut self) -> Option<InputWriter> {
        let _notice = EndNotice(self.control.clone());
        terminal::mind_resizing();
        while let Some(phase) = self.control.next() {
            let prompt = match phase {
                Phase::LastLine => tr!("not sent (Enter ends the chat): "),
                Phase::Talking if self.lines.is_some() => "send message> ",
                _ => "",
            };
            if phase == Phase::Talking
                && self.lines.is_some()
                && let Some(line) = self.queue.next_to_send()
            {
                self.control.is_out();
                let _ = self.queue.show(&format!("{prompt}{}\n", safe(&line)));
                self.send(phase, &line);
                continue;
            }
            let editor = self.editor.as_mut().filter(|_| self.control.edits(phase));
            let typed = match editor {
                Some(editor) => {
                    // rustyline restores this mode between lines: keys typed just then must not appear in the middle of a message. If
                    // this fails, the terminal is gone, and the next read will report it.
                    let _ = terminal::edit_lines(false);
                    let (before, after) = self.queue.begin_line();
                    terminal::interruptible(|| {
                        editor.readline_with_initial(prompt, (&before, &after))
                    })
                }
                None => {
                    // Where messages may come at any time, they would come behind a prompt.
                    if phase == Phase::LastLine || self.between.is_some() {
                        write_plainly(&format!("{prompt}{}", self.queue.line()));
                    }
                    terminal::interruptible(terminal::read_line)
                }
            };
            if let Some(mode) = &self.between {
                let _ = mode.set();
            }
            let is_last_typed = self.queue.end_line(prompt, typed.is_ok());
            let was_asked = self.control.is_out();
            match typed {
                _ if phase == Phase::LastLine && !(typed.is_err() && was_asked) => {
                    self.control.last_line_read();
                }
                Ok(line) if self.take_lines(phase, &line, is_last_typed) => {}
                Ok(_) => break,
                // The signal may also have interrupted rustyline's calls on the terminal.
                Err(_) if was_asked => {}
                Err(ReadlineError::Eof) if phase == Phase::Talking => {
                    let _ = self.queue.show(&in_rows(typed_line::nothing_more()));
                    self.lines = None;
                }
                Err(ReadlineError::Interrupted) => {
                    // Another key than Ctrl-C interrupts (stty(1)).
                    signals::interrupt();
                    break;
                }
                // Ctrl-D before there is a peer, or the terminal can no longer be read.
                Err(_) => {
                    self.stop.stop_when_drained();
                    break;
                }
            }
        }
        self.lines
    }

    /// Does what a line says; false if there is to be no other. Of a paste of several lines, none is a command, but the last one may be typed.
    fn take_lines(&mut self, phase: Phase, line: &str, is_last_typed: bool) -> bool {
        match line.rsplit_once('\n') {
            Some((pasted, last))
                if is_last_typed && !matches!(TypedLine::parse(last), TypedLine::Message(_)) =>
            {
                self.take(phase, pasted) && self.take(phase, last)
            }
            _ => self.take(phase, line),
        }
    }

    /// Does what a line says; false if there is to be no other.
    fn take(&mut self, phase: Phase, line: &str) -> bool {
        let say = |text: &str| drop(self.queue.show(&in_rows(text)));
        match TypedLine::parse(line) {
            TypedLine::Quit => {
                while let Some(line) = self.queue.next_to_send() {
                    self.send(phase, &line);
                }
                self.stop.stop_when_drained();
                return false;
            }
            TypedLine::Help => say(typed_line::help()),
            TypedLine::Unknown(word) => say(&typed_line::unknown(&word)),
            TypedLine::Message(_) if self.lines.is_none() => say(typed_line::nothing_more()),
            // By turns a paste takes as many as it has lines.
            TypedLine::Message(text) if phase == Phase::Talking && self.between.is_some() => {
                let mut lines = text.split('\n');
                let first = lines.next().unwrap_or_default().to_owned();
                self.queue.send_later(lines.map(str::to_owned));
                self.send(phase, &first);
            }
            TypedLine::Message(text) => self.send(phase, &text),
        }
        true
    }

    /// Gives a line to the chat.
    fn send(&mut self, phase: Phase, text: &str) {
        let Some(pipe) = &mut self.lines else { return };
        // First: once it is in the pipe, the chat may want the next one at any time.
        if phase == Phase::Talking {
            self.control.line_given();
        }
        let _ = pipe.write_all(format!("{text}\n").as_bytes());
    }
}

fn write_plainly(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
