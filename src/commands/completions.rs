//! `completions`: a shell's completions, to standard output.

use std::io;

use super::Failure;
use crate::cli::{self, manual};

/// Writes the completions of a shell.
pub fn run(args: &cli::Completions) -> Result<(), Failure> {
    Ok(manual::completions(args.shell, &mut io::stdout())?)
}
