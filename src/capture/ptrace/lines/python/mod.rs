//! The line that a thread of a Python program is at, read from outside while the thread is stopped: CPython 3.11 to 3.15 with its global
//! lock. Nothing is put into the program. Whatever does not look as it should is no line, never a guess.

mod layout;
mod line_table;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use self::layout::{CurrentFrame, Layout, TABLE, Version};
use super::Line;
use super::binary::Binaries;
use super::maps::{self, Mapping};
use crate::capture::sys::Memory;
use crate::trace::Site;

/// How many interpreters, threads of one, and frames of a thread are looked at.
const INTERPRETERS: usize = 64;
const THREADS: usize = 20_000;
const FRAMES: usize = 1_000;
/// The longest path or name, in characters, and the longest line table, in bytes.
const LONGEST_TEXT: u64 = 4096;
const LONGEST_TABLE: u64 = 1 << 20;
/// Frames with this owner and those above are the interpreter's own, and have no line (`enum _frameowner`).
const OWNED_BY_INTERPRETER: u8 = 3;

/// A process that runs CPython.
#[derive(Debug)]
pub struct Interpreter {
    process: u32,
    memory: Memory,
    /// Where `_PyRuntime` is.
    runtime: u64,
    layout: Layout,
    threads: HashMap<u32, Thread>,
    codes: HashMap<u64, Code>,
}

/// What is known of a thread.
#[derive(Clone, Debug)]
struct Thread {
    /// Where its `PyThreadState` is.
    state: u64,
    /// The outermost function of the program's own, once that was looked for.
    function: Option<Option<String>>,
}

/// A code object: a function's, a class's or a module's.
#[derive(Clone, Debug)]
struct Code {
    identity: Identity,
    /// Its absolute path, if it is a file of the learner's own.
    file: Option<String>,
    /// It is the interpreter's own, and imports modules.
    imports: bool,
    qualname: String,
    table: Vec<u8>,
}

/// What a code object points at: another one may be put where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    filename: u64,
    qualname: u64,
    line_table: u64,
    first_line: u32,
}

/// A frame of Python code.
struct Frame {
    code: u64,
    instruction: u64,
    previous: u64,
    owner: u8,
}

impl Interpreter {
    /// Looks for CPython among the files that are mapped into a process; `None` if there is none, and the program's path if it is one
    /// that is not understood.
    pub fn find(
        process: u32,
        mappings: &[Mapping],
        binaries: &mut Binaries,
    ) -> Option<Result<Interpreter, PathBuf>> {
        let memory = Memory::of(process);
        let mut declined = None;
        for mapping in mappings.iter().filter(|mapping| mapping.executable) {
            let name = mapping.path.file_name().unwrap_or_default().to_string_lossy();
            if !(name.starts_with("python") || name.starts_with("libpython")) {
                continue;
            }
            let Some(binary) = binaries.open(process, &mapping.path) else { continue };
            let Some(bias) = binary.bias(mapping.range.start, mapping.offset) else { continue };
            let [Some(runtime), version] = binary.symbols(["_PyRuntime", "Py_Version"]) else {
                continue;
            };
            declined = Some(mapping.path.clone());
            let runtime = bias.wrapping_add(runtime);
            let number = version.and_then(|address| memory.u32(bias.wrapping_add(address)));
            let Some([.., minor, major]) = number.map(u32::to_le_bytes) else { continue };
            if let Some(layout) = layout_of((major, minor), memory, runtime) {
                let (threads, codes) = (HashMap::new(), HashMap::new());
                return Some(Ok(Interpreter { process, memory, runtime, layout, threads, codes }));
            }
        }
        declined.map(Err)
    }

    /// The line that a thread is at in the innermost frame of the learner's own files, and the function that names the thread.
    pub fn line(&mut self, thread: u32) -> Option<Line> {
        let known = self.thread(thread)?;
        let mut at = self.current_frame(known.state)?;
        let mut site = None;
        let mut is_import = false;
        let mut outermost = None;
        for _ in 0..FRAMES {
            if at == 0 {
                self.threads.insert(thread, Thread { function: Some(outermost.clone()), ..known });
                return Some(Line { site: site?, function: outermost, is_import });
            }
            let frame = self.frame(at)?;
            at = frame.previous;
            if frame.owner >= OWNED_BY_INTERPRETER {
                continue;
            }
            let instructions = self.layout.instructions;
            let Some(code) = self.code(frame.code) else { continue };
            is_import |= site.is_none() && code.imports;
            let Some(file) = &code.file else { continue };
            outermost = match function_name(&code.qualname) {
                "<module>" => None,
                name if name.starts_with('<') => outermost,
                name => Some(name.to_owned()),
            };
            if site.is_none() {
                let unit =
                    frame.instruction.checked_sub(frame.code.checked_add(instructions)?)? / 2;
                let line = line_table::line_of(&code.table, code.identity.first_line, unit)?;
                site = Some(Site { file: file.clone().into(), line });
                if let Some(function) = known.function.clone() {
                    return Some(Line { site: site?, function, is_import });
                }
            }
        }
        // Too deep for the outermost function to be known.
        Some(Line { site: site?, function: None, is_import })
    }

    /// A thread, by its TID.
    fn thread(&mut self, thread: u32) -> Option<Thread> {
        if let Some(known) = self.threads.get(&thread)
            && self.is_state_of(known.state, thread)
        {
            return Some(known.clone());
        }
        let state = self.find_state(thread)?;
        let found = Thread { state, function: None };
        self.threads.insert(thread, found.clone());
        Some(found)
    }

    fn is_state_of(&self, state: u64, thread: u32) -> bool {
        self.word(state, self.layout.native_thread_id) == Some(u64::from(thread))
    }

    fn find_state(&self, thread: u32) -> Option<u64> {
        let mut interpreter = self.word(self.runtime, self.layout.interpreters)?;
        for _ in 0..INTERPRETERS {
            if interpreter == 0 {
                break;
            }
            let mut state = self.word(interpreter, self.layout.threads)?;
            for _ in 0..THREADS {
                if state == 0 {
                    break;
                }
                if self.is_state_of(state, thread) {
                    return Some(state);
                }
                state = self.word(state, self.layout.next_thread)?;
            }
            interpreter = self.word(interpreter, self.layout.next_interpreter)?;
        }
        None
    }

    fn current_frame(&self, state: u64) -> Option<u64> {
        match self.layout.current_frame {
            CurrentFrame::At(frame) => self.word(state, frame),
            CurrentFrame::Through { cframe, frame } => self.word(self.word(state, cframe)?, frame),
        }
    }

    fn frame(&self, at: u64) -> Option<Frame> {
        let layout = self.layout;
        let bytes = self.memory.read(at, usize::try_from(layout.frame_length()).ok()?);
        let word = |offset| word_in(&bytes, offset);
        Some(Frame {
            // From 3.14 on the lowest bits say how the reference is counted.
            code: word(layout.code)? & !7,
            instruction: word(layout.instruction)?,
            previous: word(layout.previous)?,
            owner: *bytes.get(usize::try_from(layout.owner).ok()?)?,
        })
    }

    fn code(&mut self, at: u64) -> Option<&Code> {
        let identity = self.identity(at)?;
        if self.codes.get(&at).is_none_or(|known| known.identity != identity) {
            let code = self.read_code(at, identity)?;
            self.codes.insert(at, code);
        }
        self.codes.get(&at)
    }

    fn identity(&self, at: u64) -> Option<Identity> {
        let layout = self.layout;
        let bytes = self.memory.read(at, usize::try_from(layout.code_length()).ok()?);
        Some(Identity {
            filename: word_in(&bytes, layout.filename)?,
            qualname: word_in(&bytes, layout.qualname)?,
            line_table: word_in(&bytes, layout.line_table)?,
            // An int stands there, of four bytes.
            first_line: u32::try_from(word_in(&bytes, layout.first_line)? & 0xffff_ffff).ok()?,
        })
    }

    fn read_code(&self, at: u64, identity: Identity) -> Option<Code> {
        // PyObject.ob_type, PyTypeObject.tp_name.
        let kind = self.word(self.word(at, 8)?, 24)?;
        if self.memory.array(kind)? != *b"code\0" {
            return None;
        }
        // PyVarObject.ob_size, PyBytesObject.ob_sval.
        let length =
            self.word(identity.line_table, 16).filter(|length| *length <= LONGEST_TABLE)?;
        let table =
            self.memory.read(identity.line_table.checked_add(32)?, usize::try_from(length).ok()?);
        let filename = self.text(identity.filename)?;
        let file = own_file(self.process, &filename);
        let imports = filename.starts_with("<frozen importlib");
        Some(Code { identity, file, imports, qualname: self.text(identity.qualname)?, table })
    }

    /// A str, if it is stored compactly, as all are that the compiler makes.
    fn text(&self, at: u64) -> Option<String> {
        // PyASCIIObject: length, hash, state.
        let length = self.word(at, 16).filter(|length| *length <= LONGEST_TEXT)?;
        let state = self.memory.u32(at.checked_add(32)?)?;
        let (width, compact, ascii) = (state >> 2 & 7, state >> 5 & 1 == 1, state >> 6 & 1 == 1);
        if !compact || !matches!(width, 1 | 2 | 4) {
            return None;
        }
        let header = if ascii { self.layout.ascii_header } else { self.layout.unicode_header };
        let length = usize::try_from(length * u64::from(width)).ok()?;
        let bytes = self.memory.read(at.checked_add(header)?, length);
        if bytes.len() < length {
            return None;
        }
        let width = usize::try_from(width).ok()?;
        let points = bytes.chunks_exact(width).map(|bytes| {
            let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
            char::from_u32(number)
        });
        points.collect()
    }

    fn word(&self, at: u64, offset: u64) -> Option<u64> {
        self.memory.u64(at.checked_add(offset)?)
    }
}

fn word_in(bytes: &[u8], offset: u64) -> Option<u64> {
    let at = usize::try_from(offset).ok()?;
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn layout_of(version: Version, memory: Memory, runtime: u64) -> Option<Layout> {
    Layout::known(version).or_else(|| Layout::told(version, &memory.read(runtime, TABLE)))
}

/// A function's name within the function that defines it: `sender` of `main.<locals>.sender`, `Chat.run`.
fn function_name(qualname: &str) -> &str {
    qualname.rsplit_once("<locals>.").map_or(qualname, |(_, name)| name)
}

/// The absolute path of a file that code was compiled from; `None` for the standard library's and for packages', for what is no file
/// (`<string>`), and if it is not there.
fn own_file(process: u32, filename: &str) -> Option<String> {
    let mut path = PathBuf::from(filename);
    if path.is_relative() {
        let folder = std::fs::read_link(format!("/proc/{process}/cwd")).ok()?;
        path = folder.join(path);
    }
    if is_library(&path) || !maps::seen_from_here(process, &path).is_file() {
        return None;
    }
    path.to_str().map(str::to_owned)
}

/// Whether a file is one of the standard library or of a package: in a folder such as `lib/python3.13`.
fn is_library(path: &Path) -> bool {
    let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
    let is_python = |name: &str| {
        let version = name.strip_prefix("python3");
        version.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    names.windows(2).any(|pair| matches!(&*pair[0], "lib" | "lib64") && is_python(&pair[1]))
        || names.iter().any(|name| matches!(&**name, "site-packages" | "dist-packages"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_and_packages_are_told_from_the_learners_own_files() {
        for path in [
            "/usr/lib/python3.11/socket.py",
            "/usr/lib64/python3.14/asyncio/runners.py",
            "/usr/lib/python3/dist-packages/requests/api.py",
            "/home/ada/.venv/lib/python3.13/site-packages/trio/_core/_run.py",
        ] {
            assert!(is_library(Path::new(path)), "{path}");
        }
        for path in ["/home/ada/server.py", "/home/ada/lib/python3-course/server.py"] {
            assert!(!is_library(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn a_function_is_named_without_the_function_that_defines_it() {
        assert_eq!(function_name("main.<locals>.sender"), "sender");
        assert_eq!(function_name("main.<locals>.<lambda>"), "<lambda>");
        assert_eq!(function_name("Chat.run"), "Chat.run");
    }
}
