//! An output file of a run, written as it happens, or standard output. It is opened once the command line is known to be valid
//! and before anything runs, so that a mistyped command empties no file and an unwritable path is reported at once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Failure;

pub struct OutputFile {
    path: PathBuf,
    to: Option<Box<dyn Write>>,
}

impl OutputFile {
    /// Output to this path; `-` is standard output. Does not open it yet.
    pub fn to(path: &Path) -> OutputFile {
        OutputFile { path: path.to_owned(), to: None }
    }

    /// Opens the file and truncates it, unless it is open.
    pub fn open(&mut self) -> Result<(), Failure> {
        if self.to.is_none() {
            self.to = Some(if self.path == Path::new("-") {
                Box::new(io::stdout())
            } else {
                let file = File::create(&self.path)
                    .map_err(|error| Failure::Unwritable(self.path.clone(), error))?;
                Box::new(BufWriter::new(file))
            });
        }
        Ok(())
    }

    /// Writes to the file, if it is open.
    pub fn write(
        &mut self,
        with: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let Some(to) = &mut self.to else {
            return Ok(());
        };
        with(&mut **to).map_err(|error| write_error(&self.path, error))
    }
}

/// The failure for an error of writing to this path. A closed pipe is not the path's fault.
pub(super) fn write_error(path: &Path, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Terminal(error),
        _ => Failure::Unwritable(path.to_owned(), error),
    }
}
