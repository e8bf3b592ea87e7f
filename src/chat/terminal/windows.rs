//! Windows: a console. While nobody reads, it keeps the keys and echoes nothing, and Ctrl-C is no key.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustyline::error::ReadlineError;
use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, KeyCode, KeyEvent, Modifiers,
    RepeatCount,
};
use windows_sys::Win32::System::Console::{LEFT_ALT_PRESSED, LEFT_CTRL_PRESSED, SHIFT_PRESSED};
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{VK_F11, VK_F12};

use crate::chat::line_editor::Rustyline;
use crate::signals;

/// Whether the terminal edits lines between those that the editor reads, and keeps them.
pub const EDITS_LINES: bool = false;

pub fn prepare() -> io::Result<()> {
    Ok(())
}

/// A resized window is told among the keys.
pub fn mind_resizing() {}

/// Whether the console can draw a line anew; rustyline does not try if this variable says that it cannot.
pub fn can_redraw() -> bool {
    signals::takes_escapes() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How the console treats what is typed.
#[derive(Clone)]
pub struct Mode(u32);

impl Mode {
    pub fn now() -> io::Result<Mode> {
        signals::input_mode().map(Mode)
    }

    pub fn set(&self) -> io::Result<()> {
        signals::set_input_mode(self.0)
    }
}

/// It edits lines when somebody reads one, and else does not.
pub fn edit_lines(_: bool) -> io::Result<()> {
    Ok(())
}

/// All that rustyline changes is the [`Mode`].
pub fn end_editing() {}

/// What keys do that rustyline does not know from elsewhere.
pub fn keys() -> Vec<(KeyEvent, EventHandler)> {
    vec![
        // The end of a file that is typed at a console.
        (KeyEvent::ctrl('Z'), Cmd::EndOfFile.into()),
        (COME_OUT, EventHandler::Conditional(Box::new(ComeOutKey))),
        (REDRAW, EventHandler::Conditional(Box::new(RedrawKey))),
    ]
}

/// Does what Ctrl-C does.
pub fn interrupt() {
    signals::interrupt();
}

/// Reads a line, which the console itself edits, without its end. Nothing gets a thread out of that.
pub fn read_line() -> rustyline::Result<String> {
    let mut line = String::new();
    match io::stdin().read_line(&mut line)? {
        0 => Err(ReadlineError::Eof),
        _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
    }
}

// ---- keys that no keyboard has ----

/// Such keys write nothing anywhere.
const HELD: Modifiers = Modifiers::CTRL.union(Modifiers::ALT).union(Modifiers::SHIFT);
const COME_OUT: KeyEvent = KeyEvent(KeyCode::F(12), HELD);
const REDRAW: KeyEvent = KeyEvent(KeyCode::F(11), HELD);

/// Something asked of the editor's thread that it has not done yet, and the key that asks.
struct Request {
    key: u16,
    is_open: AtomicBool,
}

static TO_COME_OUT: Request = Request { key: VK_F12, is_open: AtomicBool::new(false) };
static TO_REDRAW: Request = Request { key: VK_F11, is_open: AtomicBool::new(false) };

impl Request {
    /// The console keeps the key until the thread reads it, behind what has been typed: once is enough.
    fn ask(&self) -> io::Result<()> {
        if self.is_open.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        signals::press_key(self.key, LEFT_CTRL_PRESSED | LEFT_ALT_PRESSED | SHIFT_PRESSED)
    }
}

struct ComeOutKey;

impl ConditionalEventHandler for ComeOutKey {
    /// The thread may have come out by itself meanwhile: then it stays in its next line.
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        let is_asked = TO_COME_OUT.is_open.load(Ordering::SeqCst);
        Some(if is_asked { Cmd::Interrupt } else { Cmd::Noop })
    }
}

struct RedrawKey;

impl ConditionalEventHandler for RedrawKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        // First: what is queued from now on may come too late for this time.
        TO_REDRAW.is_open.store(false, Ordering::SeqCst);
        Some(Cmd::Repaint)
    }
}

/// Makes the editor redraw its line.
pub fn redraws(
    _: &mut Rustyline,
) -> rustyline::Result<impl FnMut() -> rustyline::Result<()> + Send + use<>> {
    Ok(|| Ok(TO_REDRAW.ask()?))
}

/// Reads, so that [`Caller::call_out`] gets the thread out.
pub fn interruptible<T>(read: impl FnOnce() -> T) -> T {
    // A key that was pressed for an earlier line may have been thrown away.
    TO_REDRAW.is_open.store(false, Ordering::SeqCst);
    read()
}

/// Gets the editor's thread out of its line.
#[derive(Clone, Copy)]
pub struct Caller;

impl Caller {
    pub fn of<T>(_: &JoinHandle<T>) -> Caller {
        Caller
    }

    pub fn call_out(self) {
        let _ = TO_COME_OUT.ask();
    }
}

/// The thread is out of its line; true if it was called.
pub fn was_called_out() -> bool {
    TO_COME_OUT.is_open.swap(false, Ordering::SeqCst)
}
