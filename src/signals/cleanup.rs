//! What is undone when the program ends, however it ends; and what it has changed at its terminal, which is also given back while
//! it is stopped, and taken again when it goes on.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::is_foreground;

/// A change that is to be undone.
struct Change {
    number: u64,
    undo: Box<dyn FnMut() + Send>,
    /// Makes it again; only a change of the terminal has it.
    redo: Option<Box<dyn FnMut() + Send>>,
    /// Whether it is undone for the time being.
    is_undone: bool,
}

static CHANGES: Mutex<Vec<Change>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

fn changes() -> MutexGuard<'static, Vec<Change>> {
    CHANGES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clean-up, such as removing a file or restoring the terminal. It runs when this is dropped.
#[derive(Debug)]
pub struct Cleanup(u64);

/// Registers a clean-up that also runs if a signal ends the program.
pub fn at_end(action: impl FnOnce() + Send + 'static) -> Cleanup {
    let mut action = Some(action);
    let undo = move || {
        if let Some(action) = action.take() {
            action();
        }
    };
    register(&mut changes(), Box::new(undo), None)
}

/// Changes the terminal with `take`. What that did is undone by `give` when the guard is dropped, when a signal ends the program, and
/// when the program is stopped (Ctrl-Z); when it goes on (`fg`) there is `take` again. A terminal that another job has by now is left alone.
///
/// Neither may wait for a thread that drops a [`Cleanup`].
pub fn at_terminal(
    mut take: impl FnMut() -> io::Result<()> + Send + 'static,
    give: impl FnMut() + Send + 'static,
) -> io::Result<Cleanup> {
    // Locked all the while: whoever stops the program between the two would not know of the change.
    let mut changes = changes();
    take()?;
    // When it goes on, an error can be told nobody; whoever reads next will meet it.
    let redo = move || drop(take());
    Ok(register(&mut changes, Box::new(give), Some(Box::new(redo))))
}

fn register(
    changes: &mut Vec<Change>,
    undo: Box<dyn FnMut() + Send>,
    redo: Option<Box<dyn FnMut() + Send>>,
) -> Cleanup {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    changes.push(Change { number, undo, redo, is_undone: false });
    Cleanup(number)
}

impl Change {
    fn is_at_terminal(&self) -> bool {
        self.redo.is_some()
    }

    fn undo(&mut self) {
        if !self.is_undone && (!self.is_at_terminal() || is_foreground()) {
            (self.undo)();
        }
        self.is_undone = true;
    }
}

/// Undoes what has been changed at the terminal, and leaves the rest to [`clean_up`]: what is written after that stays on the screen.
pub fn give_terminal_back() {
    let mut changes = changes();
    let at_terminal = changes.iter_mut().rev().filter(|change| change.is_at_terminal());
    at_terminal.for_each(Change::undo);
}

/// Runs all registered clean-ups, the last one first.
pub fn clean_up() {
    while let Some(mut change) = { changes().pop() } {
        change.undo();
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let mut changes = changes();
        let mine = changes.iter().position(|change| change.number == self.0);
        let mine = mine.map(|at| changes.remove(at));
        drop(changes);
        if let Some(mut change) = mine {
            change.undo();
        }
    }
}

/// What has been changed at the terminal, while the program is about to stop and goes on: meanwhile no other thread can change anything.
#[cfg(unix)]
pub(super) struct Terminal(MutexGuard<'static, Vec<Change>>);

#[cfg(unix)]
impl Terminal {
    pub(super) fn lock() -> Terminal {
        Terminal(changes())
    }

    /// Whether anything is changed.
    pub(super) fn is_in_use(&self) -> bool {
        self.0.iter().any(Change::is_at_terminal)
    }

    pub(super) fn give(&mut self) {
        let at_terminal = self.0.iter_mut().rev().filter(|change| change.is_at_terminal());
        at_terminal.for_each(Change::undo);
    }

    pub(super) fn take(&mut self) {
        for change in self.0.iter_mut() {
            if let Some(redo) = &mut change.redo {
                redo();
                change.is_undone = false;
            }
        }
    }
}
