//! The line of source that a thread of a foreign program is at, while the thread is stopped by the tracer: in Python read from the
//! interpreter's own structures, in compiled languages found by call frame and debug information (DWARF).
//!
//! All that is read is untrusted: a program may have overwritten its own memory, and a file may not be what it seems. What is not
//! as it should be has no line.

mod binary;
mod maps;
mod native;
mod python;
mod registers;
mod sources;
#[cfg(test)]
mod tests;
mod unwind;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use self::binary::Binaries;
use self::native::Program;
use self::python::Interpreter;
use self::registers::Registers;
use crate::capture::sys::Memory;
use crate::trace::{Note, Site};

/// Where a thread is in the learner's own source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line, with the absolute path of its file.
    pub site: Site,
    /// In Python, the outermost function of the learner's own that the thread is in: the one that it was started with. `None` for the main
    /// thread, which runs a module.
    pub function: Option<String>,
    /// In Python, the line imports a module whose own code does something.
    pub is_import: bool,
}

/// Programs that run programs. Some have debug information of their own, which is nothing to the learner.
const INTERPRETERS: [&str; 18] = [
    "bash", "beam.smp", "bun", "dash", "deno", "dotnet", "java", "julia", "lua", "mono", "node",
    "nodejs", "perl", "php", "R", "ruby", "sh", "zsh",
];

/// Where programs are installed that nobody here compiles again.
const INSTALLED: [&str; 4] = ["/usr", "/bin", "/sbin", "/opt"];

/// Lines of the processes that are traced.
#[derive(Default)]
pub struct Lines {
    binaries: Binaries,
    processes: HashMap<u32, Image>,
    /// The processes that run a program in Go.
    in_go: HashSet<u32>,
    /// Programs without lines of which that has been said.
    said: HashSet<PathBuf>,
}

/// What a process runs.
enum Image {
    Python(Interpreter),
    Native(Program),
    /// A program without lines, and what there is to say of that.
    Without(PathBuf, Option<Note>),
}

impl Lines {
    /// The line at which a thread is that the calling thread traces and that is stopped.
    pub fn line(&mut self, process: u32, thread: u32) -> Option<Line> {
        if !self.processes.contains_key(&process) {
            let image = Image::of(process, &mut self.binaries)?;
            self.processes.insert(process, image);
            let program = std::fs::read_link(format!("/proc/{process}/exe")).ok();
            if program.and_then(|it| self.binaries.open(process, &it)).is_some_and(|it| it.is_go) {
                self.in_go.insert(process);
            }
        }
        match self.processes.get_mut(&process)? {
            Image::Python(interpreter) => interpreter.line(thread),
            Image::Native(program) => {
                let site = program.site(process, thread, &mut self.binaries)?;
                Some(Line { site, function: None, is_import: false })
            }
            Image::Without(..) => None,
        }
    }

    /// True if the library that makes a stopped thread's call was not asked for it: another function of its own calls the one that makes
    /// it, as getaddrinfo(3) calls socket(2).
    pub fn is_librarys_own(&mut self, process: u32, thread: u32) -> bool {
        self.called_within(process, thread) == Some(true)
    }

    fn called_within(&mut self, process: u32, thread: u32) -> Option<bool> {
        let (registers, address) = Registers::of(thread)?;
        let mappings = maps::of(process)?;
        // The address after a call is the next function's if that call is the last of its own.
        let at = |address: u64| mappings.iter().find(|it| it.range.contains(&(address - 1)));
        let own = at(address).filter(|it| it.executable)?;
        let program = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
        let binary = self.binaries.open(process, &own.path).filter(|_| own.path != program)?;
        let linked = (address - 1).wrapping_sub(binary.bias(own.range.start, own.offset)?);
        let rule = binary.unwind().rule(linked)?;
        let (_, caller) = rule.caller(&registers, Memory::of(process))?;
        Some(at(caller)?.path == own.path)
    }

    /// True if a process of which a line was asked runs a program in Go.
    pub fn is_go(&self, process: u32) -> bool {
        self.in_go.contains(&process)
    }

    /// Why a process of which a line was asked has none at all: said once of each program, where it helps.
    pub fn why_none(&mut self, process: u32) -> Option<Note> {
        match self.processes.get(&process)? {
            Image::Without(program, Some(note)) if self.said.insert(program.clone()) => {
                Some(note.clone())
            }
            _ => None,
        }
    }

    /// Forgets a process that has ended, or has replaced its program (execve(2)).
    pub fn forget(&mut self, process: u32) {
        self.processes.remove(&process);
        self.in_go.remove(&process);
    }
}

impl Image {
    /// `None` if the process has ended.
    fn of(process: u32, binaries: &mut Binaries) -> Option<Image> {
        let mappings = maps::of(process)?;
        match Interpreter::find(process, &mappings, binaries) {
            Some(Ok(interpreter)) => return Some(Image::Python(interpreter)),
            Some(Err(program)) => return Some(Image::Without(program, Some(Note::UnknownPython))),
            None => {}
        }
        let program = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        // `perl5.36`, `lua5.4`, `node-22`.
        let name =
            name.split(|it: char| it.is_ascii_digit() || it == '-').next().unwrap_or_default();
        if INTERPRETERS.contains(&name) {
            return Some(Image::Without(program, None));
        }
        let native = Program::of(process, &mappings, binaries).map(Image::Native);
        let is_installed = INSTALLED.iter().any(|folder| program.starts_with(folder));
        let why = (!is_installed).then_some(Note::NoDebugInformation);
        Some(native.unwrap_or(Image::Without(program, why)))
    }
}
