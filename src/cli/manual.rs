//! Shell completions and manual pages, generated from the command line.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

/// The command line with unwrapped help: shells and man(1) wrap it.
fn commands() -> Command {
    super::command(usize::MAX)
}

pub fn completions(shell: clap_complete::Shell, to: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut commands(), "explore", &mut text);
    to.write_all(&text)
}

/// The manual page of the program, as roff (man(7)).
pub fn page() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(commands()).render(&mut page)?;
    Ok(page)
}

/// A page for the program and one for each of its commands, into a folder: `explore.1`, `explore-lesson.1`.
pub fn pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(commands(), folder)
}
