//! The second filter of a process. A program starts under one that lets it read and close files at full speed, and before it makes
//! its first socket, a filter of its own, or itself one whose memory nobody may write, it gets the one that picks all calls. The kernel
//! takes a filter from the process itself alone, so the thread that is about to make that call makes seccomp(2) before it. Threads that
//! are about to make such a call meanwhile wait.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use super::calls::{self, Sys};
use super::entry::Next;
use super::filter::{Extent, filter};
use super::threads::status_number;
use super::tracer::Tracer;
use crate::capture::sys::Memory;
use crate::capture::sys::ptrace::{
    Entry, FILTER_FLAGS, GoOn, Registers, Stop, filter_program, go_on, returned, write_word,
};
use crate::errno;
use crate::trace::{EventKind, Note};

/// A script may be run by a script, and so on, so often (fs/exec.c).
const MOST_INTERPRETERS: usize = 6;
/// So much of a script's first line does the kernel look at (`BINPRM_BUF_SIZE`, linux/binfmts.h).
const LONGEST_FIRST_LINE: u64 = 256;

/// What becomes of a process's filter.
#[derive(Debug, Default)]
pub enum Extension {
    /// It has the first one alone, as far as is known.
    #[default]
    None,
    /// A thread is in seccomp(2), and these wait.
    Begun { waiting: Vec<u32> },
    /// It has the second one, or cannot have it.
    Done,
}

/// A thread that is in seccomp(2) in place of its own call.
#[derive(Debug)]
pub struct Widening {
    /// The thread's registers when it was about to make its own call.
    own: Registers,
    /// Where the filter stands in its memory.
    place: Range<u64>,
}

impl Tracer {
    /// A thread is about to make a call. `None` if that has to do with no widening.
    pub(super) fn widens(&mut self, id: u32, entry: &Entry) -> Option<Next> {
        let process_id = self.threads.get(&id)?.process;
        let process = self.processes.get_mut(&process_id)?;
        if matches!(process.extension, Extension::Done) || !is_last_moment(id, entry) {
            return None;
        }
        if let Extension::Begun { waiting } = &mut process.extension {
            waiting.push(id);
            return Some(Next::Hold);
        }
        if has_both(id) {
            process.extension = Extension::Done;
            return None;
        }
        match begin(id) {
            Ok(widening) => {
                process.extension = Extension::Begun { waiting: Vec::new() };
                self.threads.get_mut(&id)?.widening = Some(widening);
                Some(Next::ToReturn)
            }
            Err(errno) => {
                process.extension = Extension::Done;
                self.note_unwidened(id, errno as i32);
                None
            }
        }
    }

    /// A thread stands behind a call; false if that is its own.
    pub(super) fn widens_on(&mut self, id: u32) -> bool {
        let Some(thread) = self.threads.get_mut(&id) else { return false };
        let (Some(Widening { own, place }), process) = (thread.widening.take(), thread.process)
        else {
            return false;
        };
        let result = returned(id).unwrap_or(-i64::from(libc::ESRCH));
        for at in place.step_by(8) {
            let _ = write_word(id, at, [0; 8]);
        }
        let _ = own.make_own(id);
        if result != 0 {
            // Above 0 it is a thread that has a filter of its own.
            let errno = i32::try_from(-result).ok().filter(|errno| *errno > 0);
            self.note_unwidened(id, errno.unwrap_or(libc::ESRCH));
        }
        go_on(id, GoOn::Freely, 0);
        let process = self.processes.get_mut(&process);
        let extension = process.map(|it| std::mem::replace(&mut it.extension, Extension::Done));
        if let Some(Extension::Begun { waiting }) = extension {
            waiting.into_iter().for_each(|thread| self.handle(thread, Stop::Entry));
        }
        true
    }

    /// The process has not got the second filter.
    fn note_unwidened(&mut self, id: u32, errno: i32) {
        let note = Note::ReadsUnseen { errno: errno::name(errno) };
        let at_ns = self.stage.now_ns();
        self.tell(id, at_ns, EventKind::Note { note }, None);
    }
}

/// Whether the process has got the second filter from its parent: it has more than the first, which came to those of ours.
fn has_both(id: u32) -> bool {
    const COUNT: &str = "Seccomp_filters:"; // since Linux 5.9
    let (its, ours) = (status_number(id, COUNT), status_number(std::process::id(), COUNT));
    its.zip(ours).is_some_and(|(its, ours)| its > ours + 1)
}

/// Whether there is room for the second filter in processes of this kernel.
pub fn is_possible() -> bool {
    place(std::process::id()).is_some()
}

/// Lets the thread make seccomp(2) in place of the call that it is about to make.
fn begin(id: u32) -> Result<Widening, Errno> {
    let own = Registers::of(id).map_err(|_| Errno::ESRCH)?;
    let place = place(id).ok_or(Errno::EFAULT)?;
    let words = filter_program(&filter(Extent::All), place.start);
    let mut written = place.clone().step_by(8).zip(words);
    if !written.all(|(at, word)| write_word(id, at, word).is_ok()) {
        return Err(Errno::EFAULT);
    }
    let args = [libc::SECCOMP_SET_MODE_FILTER.into(), FILTER_FLAGS, place.start, 0, 0, 0];
    own.make_instead(id, libc::SYS_seccomp, args).map_err(|_| Errno::ESRCH)?;
    Ok(Widening { own, place })
}

/// Memory that nobody uses, of the size of the second filter: the last page of the kernel's own code in every process (vdso(7)) ends in zero bytes.
fn place(id: u32) -> Option<Range<u64>> {
    let maps = std::fs::read_to_string(format!("/proc/{id}/maps")).ok()?;
    let line = maps.lines().find(|line| line.ends_with("[vdso]"))?;
    let (_, end) = line.split_whitespace().next()?.split_once('-')?;
    let end = u64::from_str_radix(end, 16).ok()?;
    let size = filter_program(&filter(Extent::All), 0).len() as u64 * 8;
    let place = end.checked_sub(size)?..end;
    let is_free = place.clone().step_by(8).all(|at| Memory::of(id).u64(at) == Some(0));
    is_free.then_some(place)
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
            path.is_some_and(|path| is_unreadable(&here, &path))
        }
        _ => false,
    }
}

/// Whether this file may not be read, or what it names in its first line to run it (execve(2), "Interpreter scripts").
fn is_unreadable(here: &Path, file: &Path) -> bool {
    let mut path = here.join(file);
    for _ in 0..MOST_INTERPRETERS {
        if access(&path, AccessFlags::R_OK) == Err(Errno::EACCES) {
            return true;
        }
        let Some(interpreter) = interpreter(&path) else { return false };
        path = here.join(interpreter);
    }
    false
}

/// What a script names to run it.
fn interpreter(path: &Path) -> Option<PathBuf> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut start = Vec::new();
    File::open(path).ok()?.take(LONGEST_FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.trim_ascii_start().split(|byte| b" \t".contains(byte)).next()?;
    (!word.is_empty()).then(|| PathBuf::from(OsString::from_vec(word.to_vec())))
}
