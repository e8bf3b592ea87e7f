//! An output file of a run, written as it happens, or standard output. It is opened once the command line is known to be valid
//! and before anything runs, so that a mistyped command empties no file and an unwritable path is reported at once.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::i18n::{tr, tr_n};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Events, as JSON Lines.
    Events,
    /// Frames, as pcapng: nothing that a terminal should be sent.
    Frames,
}

pub struct OutputFile {
    path: PathBuf,
    content: Content,
    to: Option<Counting<Box<dyn Write>>>,
    /// Events or frames written so far.
    count: u64,
}

/// Counts the bytes that are written.
pub(super) struct Counting<W> {
    pub(super) to: W,
    pub(super) bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bytes += u64::try_from(written).unwrap_or(u64::MAX);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl OutputFile {
    /// Output to this path; `-` is standard output. Does not open it yet.
    pub fn to(path: &Path, content: Content) -> OutputFile {
        OutputFile { path: path.to_owned(), content, to: None, count: 0 }
    }

    /// Opens the file and truncates it, unless it is open.
    pub fn open(&mut self) -> Result<(), Failure> {
        if self.to.is_some() {
            return Ok(());
        }
        let (to, is_terminal): (Box<dyn Write>, bool) = if self.is_stdout() {
            (Box::new(io::stdout()), io::stdout().is_terminal())
        } else {
            let file = File::create(&self.path)
                .map_err(|error| Failure::Unwritable(self.path.clone(), error))?;
            let is_terminal = file.is_terminal();
            (Box::new(BufWriter::new(file)), is_terminal)
        };
        if is_terminal && self.content == Content::Frames {
            return Err(Failure::FramesToTerminal);
        }
        self.to = Some(Counting { to, bytes: 0 });
        Ok(())
    }

    /// Writes to the file, if it is open, so many events or frames.
    pub fn write(
        &mut self,
        with: impl FnOnce(&mut dyn Write) -> io::Result<u64>,
    ) -> Result<(), Failure> {
        let Some(to) = &mut self.to else {
            return Ok(());
        };
        self.count += with(to).map_err(|error| write_error(&self.path, error))?;
        Ok(())
    }

    fn is_stdout(&self) -> bool {
        self.path == Path::new("-")
    }

    /// What has been written, in a sentence; `None` if nothing was, or it went to standard output.
    pub fn written(&self) -> Option<String> {
        let to = self.to.as_ref().filter(|_| !self.is_stdout())?;
        let (path, count, bytes) = (self.path.display(), self.count, to.bytes);
        Some(match self.content {
            Content::Events => events_written(&self.path, count, bytes),
            Content::Frames if count == 0 => {
                tr!("{path}: no frame written, for none crossed the wire", path)
            }
            Content::Frames => tr_n!(
                count,
                "{path}: {count} frame written ({bytes} bytes)",
                "{path}: {count} frames written ({bytes} bytes)",
                path,
                count,
                bytes
            ),
        })
    }
}

/// Says how much of a recording was written.
pub(super) fn events_written(path: &Path, count: u64, bytes: u64) -> String {
    let path = path.display();
    tr_n!(
        count,
        "{path}: {count} event written ({bytes} bytes)",
        "{path}: {count} events written ({bytes} bytes)",
        path,
        count,
        bytes
    )
}

/// The failure for an error of writing to this path. A closed pipe is not the path's fault.
pub(super) fn write_error(path: &Path, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Terminal(error),
        _ if path == Path::new("-") => Failure::Terminal(error),
        _ => Failure::Unwritable(path.to_owned(), error),
    }
}
