//! Where a run is written to: a file, or standard output. It is known to be writable before anything runs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Failure;

/// A file that is being written.
pub struct Sink {
    path: PathBuf,
    to: Box<dyn Write>,
}

impl Sink {
    /// Opens it, empty; `-` is standard output.
    ///
    /// # Errors
    /// [`Failure::Unable`] if it cannot be written.
    pub fn open(path: &Path) -> Result<Sink, Failure> {
        let to: Box<dyn Write> = if path == Path::new("-") {
            Box::new(io::stdout())
        } else {
            Box::new(BufWriter::new(File::create(path).map_err(|error| unwritable(path, &error))?))
        };
        Ok(Sink { path: path.to_owned(), to })
    }

    /// Writes to it.
    ///
    /// # Errors
    /// [`Failure::Unable`] if it cannot be written any more; [`Failure::Terminal`] if its reader has gone.
    pub fn write<T>(&mut self, with: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> Result<T, Failure> {
        with(&mut *self.to).map_err(|error| {
            if error.kind() == io::ErrorKind::BrokenPipe { Failure::Terminal(error) } else { unwritable(&self.path, &error) }
        })
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Unable(format!("{} cannot be written: {error}: name a file in a folder that you may write to", path.display()))
}
