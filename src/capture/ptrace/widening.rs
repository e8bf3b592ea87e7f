//! The second filter of a process. A program starts under one that lets it read and close files at full speed, and before it makes
//! its first socket, a filter of its own, or itself one whose memory nobody may write, it gets the one that picks all calls. The kernel takes a filter from the process itself
//! alone, so the thread that is about to make that call makes three: mmap(2) for the filter's memory, seccomp(2), and then its own.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::calls::{self, Sys};
use super::entry::Next;
use super::filter::{Extent, filter};
use super::tracer::Tracer;
use crate::capture::sys::ptrace::{
    Entry, FILTER_FLAGS, GoOn, Registers, filter_program, go_on, returned, write_word,
};
use crate::capture::sys::{Memory, errno_name};
use crate::trace::{EventKind, Note};

/// How far a thread has come.
#[derive(Clone, Debug)]
pub struct Widening {
    /// The thread's registers when it was about to make its own call.
    own: Registers,
    step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is in mmap(2).
    Mapping,
    /// It makes seccomp(2) next, unless a signal's handler comes first.
    Mapped,
    /// It is in seccomp(2).
    Filtering,
}

impl Tracer {
    /// A thread is about to make a call. `None` if that has to do with no widening.
    pub(super) fn widens(&mut self, id: u32, entry: &Entry) -> Option<Next> {
        let thread = self.threads.get_mut(&id)?;
        let is_filtering = entry.number == libc::SYS_seccomp.cast_unsigned();
        if let Some(Widening { step: step @ Step::Mapped, .. }) = &mut thread.widening
            && is_filtering
        {
            *step = Step::Filtering;
            return Some(Next::ToReturn);
        }
        let process = self.processes.get_mut(&thread.process)?;
        if process.is_widened || !is_last_moment(id, entry) {
            return None;
        }
        process.is_widened = true;
        let own = Registers::of(id).ok()?;
        let (size, nowhere) = (size(), u64::MAX);
        let access = (libc::PROT_READ | libc::PROT_WRITE).unsigned_abs().into();
        let kind = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS).unsigned_abs().into();
        own.make_instead(id, libc::SYS_mmap, [0, size, access, kind, nowhere, 0]).ok()?;
        thread.widening = Some(Widening { own, step: Step::Mapping });
        Some(Next::ToReturn)
    }

    /// A thread stands behind a call; false if that is its own.
    pub(super) fn widens_on(&mut self, id: u32) -> bool {
        let Some(thread) = self.threads.get_mut(&id) else { return false };
        let Some(Widening { own, step }) = thread.widening.take() else { return false };
        let result = returned(id).unwrap_or(-i64::from(libc::ESRCH));
        match step {
            Step::Mapped => {
                thread.widening = Some(Widening { own, step });
                return false;
            }
            Step::Mapping if result >= 0 => {
                let at = result.cast_unsigned();
                let words = filter_program(&filter(Extent::All), at);
                let places = (at..).step_by(8);
                let is_written =
                    places.zip(words).all(|(at, word)| write_word(id, at, word).is_ok());
                let args = [libc::SECCOMP_SET_MODE_FILTER.into(), FILTER_FLAGS, at, 0, 0, 0];
                if is_written && own.make_next(id, libc::SYS_seccomp, args).is_ok() {
                    thread.widening = Some(Widening { own, step: Step::Mapped });
                } else {
                    let _ = own.make_own(id);
                    self.note_unwidened(id, libc::EFAULT.into());
                }
            }
            Step::Mapping | Step::Filtering => {
                let _ = own.make_own(id);
                if result != 0 {
                    self.note_unwidened(id, -result);
                }
            }
        }
        go_on(id, GoOn::Freely, 0);
        true
    }

    /// The kernel did not take the second filter.
    fn note_unwidened(&mut self, id: u32, errno: i64) {
        let errno = i32::try_from(errno).ok().filter(|errno| *errno > 0).unwrap_or(libc::ESRCH);
        let note = Note::ReadsUnseen { errno: errno_name(errno) };
        let at_ns = self.stage.now_ns();
        self.tell(id, at_ns, EventKind::Note { note }, None);
    }
}

/// Whether reads and closes may be on sockets after this call, or no filter can be given any more.
fn is_last_moment(id: u32, entry: &Entry) -> bool {
    match calls::find(entry.number) {
        Some((Sys::Socket | Sys::SocketPair | Sys::Seccomp | Sys::Prctl, _)) => true,
        // The memory of a program whose file may not be read may not be written either (ptrace(2), PR_SET_DUMPABLE(2const)).
        Some((Sys::Exec, name)) => {
            let path = Memory::of(id).c_string(entry.args[usize::from(name == "execveat")]);
            let path = path.map(|path| PathBuf::from(OsString::from_vec(path)));
            let here = PathBuf::from(format!("/proc/{id}/cwd"));
            path.is_some_and(|path| {
                access(&here.join(path), AccessFlags::R_OK) == Err(Errno::EACCES)
            })
        }
        _ => false,
    }
}

/// The memory that the filter takes, in bytes.
fn size() -> u64 {
    (filter_program(&filter(Extent::All), 0).len() * 8) as u64
}
