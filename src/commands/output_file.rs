//! A file that a run is written to as it happens, or standard output. It is opened when all is known to be right and nothing
//! has run yet, so that a mistyped command empties no file, and a path that cannot be written is reported at once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Failure;

/// A file that is to be written.
pub struct OutputFile {
    path: PathBuf,
    to: Option<Box<dyn Write>>,
}

impl OutputFile {
    /// An output to this file; `-` is standard output. Nothing is opened yet.
    pub fn to(path: &Path) -> OutputFile {
        OutputFile { path: path.to_owned(), to: None }
    }

    /// Opens it, empty, if it is not open yet.
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

    /// Writes to it; nothing, if it was never opened.
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

/// The failure for an error of writing to this path. A reader that has gone is not the path's fault.
pub(super) fn write_error(path: &Path, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Terminal(error),
        _ => Failure::Unwritable(path.to_owned(), error),
    }
}
