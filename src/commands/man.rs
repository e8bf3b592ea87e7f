//! `man`: the manual page, shown at a terminal, else as roff to standard output; or a page for each command, to a folder.

use std::io::{self, IsTerminal, Write};

use super::Failure;
use crate::cli::{self, manual};

/// Shows or writes the manual.
pub fn run(args: &cli::Man) -> Result<(), Failure> {
    if let Some(folder) = &args.out {
        return manual::pages(folder).map_err(|error| Failure::NoManual(folder.clone(), error));
    }
    let page = manual::page()?;
    let mut stdout = io::stdout();
    if stdout.is_terminal() {
        let _ = become_reader(&page); // where there is none, it is printed as it is
    }
    Ok(stdout.write_all(&page).and_then(|()| stdout.flush())?)
}

/// Becomes a program that shows the page: keys and signals are then that program's alone. Returns if there is no such program.
#[cfg(unix)]
fn become_reader(page: &[u8]) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    for (reader, args) in [("man", &["-l", "-"][..]), ("mandoc", &["-a"])] {
        let mut file = tempfile::tempfile()?;
        file.write_all(page)?;
        file.seek(SeekFrom::Start(0))?;
        let _ = Command::new(reader).args(args).stdin(file).exec();
    }
    Ok(())
}

#[cfg(not(unix))]
fn become_reader(_: &[u8]) -> io::Result<()> {
    Ok(())
}
