//! Windows: what Ctrl-C does, and the console: what is written to it, and its keys.
//!
//! A console edits lines and echoes them until it is told otherwise. Programs are not stopped, and none is in the background.

use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{HANDLE, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, CTRL_BREAK_EVENT, CTRL_C_EVENT, ENABLE_ECHO_INPUT, ENABLE_LINE_INPUT,
    ENABLE_PROCESSED_OUTPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, FlushConsoleInputBuffer,
    GetConsoleMode, GetStdHandle, INPUT_RECORD, KEY_EVENT, KEY_EVENT_RECORD, ReadConsoleInputW,
    STD_ERROR_HANDLE, STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetConsoleCtrlHandler,
    SetConsoleMode, WriteConsoleInputW,
};
use windows_sys::Win32::System::Threading::WaitForSingleObject;
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{VK_LEFT, VK_NEXT, VK_PRIOR, VK_RIGHT};

use super::{CTRL_C, Cleanup, at_end, at_terminal};

/// The exit code for a console that is closed, and for the end of the session: that of SIGTERM elsewhere.
const CLOSED: u8 = super::TERMINATED;

// ---- Ctrl-C ----

/// The exit code of what has come and was not waited for yet.
static CAME: Mutex<Option<u8>> = Mutex::new(None);
static CHANGED: Condvar = Condvar::new();

fn came(code: u8) {
    *CAME.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    CHANGED.notify_all();
}

/// Called by the system, on a thread of its own ("HandlerRoutine callback function").
unsafe extern "system" fn on_event(event: u32) -> i32 {
    if matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT) {
        came(CTRL_C);
        return 1;
    }
    came(CLOSED);
    // The system ends the process when this returns, or after some seconds.
    loop {
        thread::park();
    }
}

/// From here on Ctrl-C ends nothing by itself: whoever waits is told.
pub fn block() {
    // SAFETY: the function stays where it is.
    unsafe { SetConsoleCtrlHandler(Some(on_event), 1) };
}

pub fn block_at_terminal() {
    block();
}

/// Ctrl-C ends the program.
pub fn unblock() {
    // SAFETY: as above.
    unsafe { SetConsoleCtrlHandler(Some(on_event), 0) };
}

/// Does what Ctrl-C does, for a console that takes it as a key.
pub fn interrupt() {
    came(CTRL_C);
}

/// Waits for what ends the program, and returns its exit code.
pub fn wait() -> u8 {
    let mut told = CAME.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(code) = told.take() {
            return code;
        }
        told = CHANGED.wait(told).unwrap_or_else(PoisonError::into_inner);
    }
}

pub fn wait_at_terminal() -> u8 {
    wait()
}

/// There is no background.
pub fn is_foreground() -> bool {
    true
}

/// There is no background.
pub fn until_foreground() -> io::Result<()> {
    Ok(())
}

/// No program is stopped.
pub fn times_resumed() -> u64 {
    0
}

// ---- the console ----

/// A standard stream, if it is a console: its handle and its mode.
fn console(which: STD_HANDLE) -> Option<(HANDLE, CONSOLE_MODE)> {
    let mut mode = 0;
    // SAFETY: the handle of a standard stream, which is not closed; one mode is written.
    let (handle, is_console) = unsafe {
        let handle = GetStdHandle(which);
        (handle, GetConsoleMode(handle, &raw mut mode) != 0)
    };
    is_console.then_some((handle, mode))
}

fn set_mode(which: STD_HANDLE, mode: CONSOLE_MODE) -> io::Result<()> {
    let (handle, _) = console(which).ok_or(io::ErrorKind::NotFound)?;
    // SAFETY: the handle is a console's.
    match unsafe { SetConsoleMode(handle, mode) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Lets the console do what escape sequences say, until the guard is dropped. (The standard library writes text to it in UTF-16,
/// whatever its code page is.)
pub fn take_escapes() -> Cleanup {
    let before: Vec<_> = [STD_OUTPUT_HANDLE, STD_ERROR_HANDLE]
        .into_iter()
        .filter_map(|which| {
            let (_, mode) = console(which)?;
            let wanted = mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
            set_mode(which, wanted).ok().map(|()| (which, mode))
        })
        .collect();
    at_end(move || {
        for (which, mode) in before {
            let _ = set_mode(which, mode);
        }
    })
}

/// Whether what is written to this console is taken for escape sequences; Windows 10 is the first that can.
pub fn takes_escapes() -> bool {
    let takes = |which| {
        console(which).is_none_or(|(_, mode)| mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0)
    };
    takes(STD_OUTPUT_HANDLE)
}

/// How the console treats what is typed.
pub fn input_mode() -> io::Result<CONSOLE_MODE> {
    console(STD_INPUT_HANDLE).map(|(_, mode)| mode).ok_or_else(|| io::ErrorKind::NotFound.into())
}

pub fn set_input_mode(mode: CONSOLE_MODE) -> io::Result<()> {
    set_mode(STD_INPUT_HANDLE, mode)
}

/// Turns line editing and echo off; Ctrl-C does what it always does.
pub fn raw_mode() -> io::Result<Cleanup> {
    let Some((_, before)) = console(STD_INPUT_HANDLE) else { return Ok(at_end(|| ())) };
    let raw = before & !(ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT);
    at_terminal(
        move || {
            set_mode(STD_INPUT_HANDLE, raw)?;
            discard_typed()
        },
        move || {
            // What was typed for this program is not for the shell.
            let _ = set_mode(STD_INPUT_HANDLE, before).and_then(|()| discard_typed());
        },
    )
}

/// What has been typed and not read is not read.
pub fn discard_typed() -> io::Result<()> {
    let Some((handle, _)) = console(STD_INPUT_HANDLE) else { return Ok(()) };
    // SAFETY: the handle is a console's.
    match unsafe { FlushConsoleInputBuffer(handle) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Presses a key that writes nothing, with others that are held down: behind what has been typed.
pub fn press_key(key: u16, with: u32) -> io::Result<()> {
    let (handle, _) = console(STD_INPUT_HANDLE).ok_or(io::ErrorKind::NotFound)?;
    let mut record = INPUT_RECORD { EventType: KEY_EVENT as u16, ..INPUT_RECORD::default() };
    record.Event.KeyEvent = KEY_EVENT_RECORD {
        bKeyDown: 1,
        wRepeatCount: 1,
        wVirtualKeyCode: key,
        dwControlKeyState: with,
        ..KEY_EVENT_RECORD::default()
    };
    let mut count = 0;
    // SAFETY: the handle is a console's, and there is one record.
    match unsafe { WriteConsoleInputW(handle, &raw const record, 1, &raw mut count) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// What is typed within this time, in [`raw_mode`], as a terminal sends it: `None` if nothing is.
pub fn typed(within: Duration) -> io::Result<Option<Vec<u8>>> {
    let Some((handle, _)) = console(STD_INPUT_HANDLE) else { return a_line(within) };
    let until = Instant::now() + within;
    let mut units = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = u32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        // SAFETY: the handle is a console's.
        match unsafe { WaitForSingleObject(handle, left) } {
            WAIT_OBJECT_0 => {}
            WAIT_TIMEOUT => return Ok(None),
            _ => return Err(io::Error::last_os_error()),
        }
        let mut room = [INPUT_RECORD::default(); 64];
        let mut count = 0;
        // SAFETY: there is so much room.
        let read = unsafe {
            ReadConsoleInputW(handle, room.as_mut_ptr(), room.len() as u32, &raw mut count)
        };
        if read == 0 {
            return Err(io::Error::last_os_error());
        }
        units.extend(room.iter().take(count as usize).flat_map(typed_by));
        if !units.is_empty() {
            return Ok(Some(String::from_utf16_lossy(&units).into_bytes()));
        }
    }
}

/// What a key that is pressed writes, in UTF-16; nothing for anything else that happens at a console.
fn typed_by(record: &INPUT_RECORD) -> Vec<u16> {
    if u32::from(record.EventType) != KEY_EVENT {
        return Vec::new();
    }
    // SAFETY: its type says that it is of a key, and that has a character of two bytes.
    let (key, unit) = unsafe { (record.Event.KeyEvent, record.Event.KeyEvent.uChar.UnicodeChar) };
    let keys: Vec<u16> = match key.wVirtualKeyCode {
        _ if key.bKeyDown == 0 => return Vec::new(),
        VK_LEFT => "\x1b[D".encode_utf16().collect(),
        VK_RIGHT => "\x1b[C".encode_utf16().collect(),
        VK_PRIOR => "\x1b[5~".encode_utf16().collect(),
        VK_NEXT => "\x1b[6~".encode_utf16().collect(),
        _ if unit == 0 => return Vec::new(),
        _ => vec![unit],
    };
    keys.repeat(usize::from(key.wRepeatCount.max(1)))
}

/// Where standard input is no console, a line counts for the keys in it.
fn a_line(within: Duration) -> io::Result<Option<Vec<u8>>> {
    if within.is_zero() {
        return Ok(None);
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let keys = if line.trim().is_empty() { line.as_str() } else { line.trim() };
    Ok(Some(keys.as_bytes().to_vec()))
}
