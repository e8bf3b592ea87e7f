//! A person at a console of Windows: the peer's messages appear above the line being typed.
//!
//! While a console edits a line itself, nothing can be written above it, and nothing ends that. So this reads key by key. The thread that
//! does so writes whole lines into a pipe, as the line editor of other systems does.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use unicode_width::UnicodeWidthChar;

use super::keyboard::{Keyboard, Prompter, StopHandle};
use super::screen::{Screen, columns, in_rows};
use super::typed_line::{self, TypedLine};
use crate::capture::sys::{self, InputWriter};
use crate::i18n::tr;
use crate::signals::{self, Cleanup};

/// The prompt, which is the same in every language.
const PROMPT: &str = "send message> ";

/// Goes to the start of the row, and clears it.
const CLEAR: &str = "\r\x1b[K";

/// How long the thread that reads keys waits before it looks whether the chat is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The console of one chat, as a screen. [`Console::end`] or dropping it gives the console back.
pub struct Console {
    typing: Arc<Typing>,
    /// Gives the keys back.
    raw_mode: Option<Cleanup>,
}

/// The line being typed, which is written together with what appears above it.
struct Typing {
    by_turns: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    line: String,
    is_connected: bool,
    /// Whether the chat asks for a line.
    is_wanted: bool,
    is_over: bool,
}

impl Console {
    /// Takes over the keyboard. With `by_turns` the chat says when it wants a line.
    pub fn open(by_turns: bool) -> io::Result<(Console, Keyboard)> {
        let (read, pipe) = sys::input_pipe()?;
        let typing = Arc::new(Typing { by_turns, state: Mutex::default() });
        let keyboard = Keyboard::new(read, Some(typing.clone()))?;
        let raw_mode = Some(signals::raw_mode()?);
        let reader =
            Reader { typing: typing.clone(), pipe: Some(pipe), stop: keyboard.stop_handle() };
        thread::Builder::new().name("console".to_owned()).spawn(move || reader.run())?;
        Ok((Console { typing, raw_mode }, keyboard))
    }

    /// Says why the chat has ended, and gives the console back.
    pub fn end(&mut self, why: &str) {
        let mut state = self.typing.state();
        let line = std::mem::take(&mut state.line);
        (state.is_over, state.is_wanted) = (true, false);
        drop(state);
        self.note(why);
        if !line.trim().is_empty() {
            self.note(&tr!("not sent: {line}", line));
        }
        self.raw_mode = None;
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.typing.state().is_over = true;
    }
}

impl Typing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whole rows, and the line being typed again behind them.
    fn show(&self, text: &str) -> io::Result<()> {
        let state = self.state();
        let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        write_out(&format!("{CLEAR}{text}{newline}{}", state.shown()))
    }

    /// Changes the line being typed, and shows it anew.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let answer = change(&mut state);
        let _ = write_out(&format!("{CLEAR}{}", state.shown()));
        answer
    }
}

impl State {
    /// The prompt, and as much of the end of the line as the row has room for.
    fn shown(&self) -> String {
        let prompt = if self.is_wanted { PROMPT } else { "" };
        let mut room = columns().saturating_sub(prompt.len() + 1);
        let fits = |character: &char| {
            let width = character.width().unwrap_or(0);
            let has_room = room >= width;
            room = room.saturating_sub(width);
            has_room
        };
        let tail: Vec<char> = self.line.chars().rev().take_while(fits).collect();
        tail.iter().rev().fold(prompt.to_owned(), |mut row, character| {
            row.push(*character);
            row
        })
    }
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

impl Prompter for Typing {
    fn want_line(&self) {
        if self.by_turns {
            self.change(|state| state.is_wanted = true);
        }
    }
}

impl Screen for Console {
    fn show(&self, text: &str) -> io::Result<()> {
        self.typing.show(text)
    }

    fn note(&self, text: &str) {
        let _ = self.typing.show(&in_rows(text));
    }

    fn connected(&self) {
        let by_turns = self.typing.by_turns;
        self.typing.change(|state| {
            state.is_wanted |= !state.is_connected && !by_turns;
            state.is_connected = true;
        });
    }

    fn is_terminal(&self) -> bool {
        true
    }

    fn trace(&self, rows: &str) {
        let _ = self.typing.show(rows);
    }
}

/// The thread that reads keys.
struct Reader {
    typing: Arc<Typing>,
    /// `None` once this side has finished.
    pipe: Option<InputWriter>,
    stop: StopHandle,
}

impl Reader {
    fn run(mut self) {
        while !self.typing.state().is_over {
            let keys = match signals::typed(LOOK_AGAIN) {
                Ok(None) => continue,
                Ok(Some(keys)) => String::from_utf8_lossy(&keys).into_owned(),
                // The console has gone.
                Err(_) => return self.stop.stop_when_drained(),
            };
            let mut keys = keys.chars();
            while let Some(key) = keys.next() {
                match key {
                    // A key without a character, as terminals send it: to its last letter.
                    '\x1b' => drop(keys.by_ref().find(|it| it.is_ascii_alphabetic() || *it == '~')),
                    '\r' | '\n' if !self.take_line() => return,
                    // Ctrl-D, or Ctrl-Z, as Windows has it.
                    '\x04' | '\x1a' if !self.finish() => return,
                    '\x08' | '\x7f' => drop(self.typing.change(|state| state.line.pop())),
                    key if key.is_control() => {}
                    key => self.typing.change(|state| state.line.push(key)),
                }
            }
        }
    }

    /// Does what the line says; false if there is to be no other.
    fn take_line(&mut self) -> bool {
        let line = std::mem::take(&mut self.typing.state().line);
        let shown = |typing: &Typing| if typing.state().is_wanted { PROMPT } else { "" };
        let _ = self.typing.show(&format!("{}{line}\n", shown(&self.typing)));
        let say = |typing: &Typing, text: &str| drop(typing.show(&in_rows(text)));
        match (TypedLine::parse(&line), &mut self.pipe) {
            (TypedLine::Quit, _) => {
                self.stop.stop_when_drained();
                return false;
            }
            (TypedLine::Help, _) => say(&self.typing, typed_line::help()),
            (TypedLine::Unknown(word), _) => say(&self.typing, &typed_line::unknown(&word)),
            (TypedLine::Message(text), Some(pipe)) => {
                if self.typing.by_turns {
                    self.typing.change(|state| state.is_wanted = false);
                }
                let _ = pipe.write_all(format!("{text}\n").as_bytes());
            }
            (TypedLine::Message(_), None) => say(&self.typing, typed_line::nothing_more()),
        }
        true
    }

    /// This side has finished; without a peer the chat is over. False if nothing more is to be typed.
    fn finish(&mut self) -> bool {
        if !self.typing.state().is_connected {
            self.stop.stop_when_drained();
            return false;
        }
        self.pipe = None;
        self.typing.change(|state| state.is_wanted = false);
        let _ = self.typing.show(&in_rows(typed_line::nothing_more()));
        true
    }
}
