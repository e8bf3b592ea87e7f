//! `man`: the manual page, to standard output, or a page for each command, to a folder.

use std::io;

use super::Failure;
use crate::cli::{self, manual};

/// Writes the manual.
pub fn run(args: &cli::Man) -> Result<(), Failure> {
    match &args.out {
        None => Ok(manual::page(&mut io::stdout())?),
        Some(folder) => {
            manual::pages(folder).map_err(|error| Failure::NoManual(folder.clone(), error))
        }
    }
}
