//! Where a run is written to: a file, or standard output. It is opened when all is known to be right and nothing has run
//! yet, so that a slip of the fingers empties no file, and a path that cannot be written is told at once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::words;

/// A file that is to be written.
pub struct OutputFile {
    path: PathBuf,
    to: Option<Box<dyn Write>>,
}

impl OutputFile {
    /// A sink to this file; `-` is standard output. Nothing is opened yet.
    #[must_use]
    pub fn to(path: &Path) -> OutputFile {
        OutputFile { path: path.to_owned(), to: None }
    }

    /// Opens it, empty, if it is not open yet.
    ///
    /// # Errors
    /// [`Failure::Unable`] if it cannot be written.
    pub fn open(&mut self) -> Result<(), Failure> {
        if self.to.is_none() {
            self.to = Some(if self.path == Path::new("-") {
                Box::new(io::stdout())
            } else {
                Box::new(BufWriter::new(
                    File::create(&self.path).map_err(|error| unwritable(&self.path, &error))?,
                ))
            });
        }
        Ok(())
    }

    /// Writes to it; nothing, if it was never opened.
    ///
    /// # Errors
    /// [`Failure::Unable`] if it cannot be written any more; [`Failure::Terminal`] if its reader has gone.
    pub fn write(
        &mut self,
        with: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let Some(to) = &mut self.to else {
            return Ok(());
        };
        with(&mut **to).map_err(|error| {
            if error.kind() == io::ErrorKind::BrokenPipe {
                Failure::Terminal(error)
            } else {
                unwritable(&self.path, &error)
            }
        })
    }
}

/// The file is not for us to write.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Unable(words::unwritable(path.display(), error))
}
