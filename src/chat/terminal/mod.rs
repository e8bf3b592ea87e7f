//! The terminal below the line editor: what a Unix has otherwise than Windows.
//!
//! A terminal of Unix edits lines itself while rustyline reads none, and a signal gets a thread out of its read. A console of Windows keeps
//! the keys until somebody reads them, and a key that no keyboard has gets the thread out.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;
