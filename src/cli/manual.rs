//! Manual pages, generated from the command line.

use std::fs;
use std::io;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use crate::text::wrap;

/// When what the pages say last changed.
const DATE: &str = "2026-11-27";

/// How long a line of roff may be.
const COLUMNS: usize = 78;

/// The command line with unwrapped help: man(1) wraps it.
fn commands() -> Command {
    let mut commands = super::command(usize::MAX);
    commands.build();
    commands
}

/// The manual page of the program, as roff (man(7)).
pub fn page() -> io::Result<Vec<u8>> {
    page_of(&commands())
}

/// A page for the program and one for each of its commands, into a folder: `explore.1`, `explore-lesson.1`.
pub fn pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let all = commands();
    for one in all.get_subcommands().filter(|one| !one.is_hide_set()).chain([&all]) {
        fs::write(folder.join(format!("{}.1", name(one))), page_of(one)?)?;
    }
    Ok(())
}

/// `explore-lesson`.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page_of(command: &Command) -> io::Result<Vec<u8>> {
    let name = name(command);
    let source = concat!("explore ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone().name(name.clone()));
    let mut page = Vec::new();
    man.title(name.to_uppercase()).date(DATE).source(source).render(&mut page)?;
    Ok(tidy(&String::from_utf8_lossy(&page)).into_bytes())
}

/// The same page as mandoc(1) wants it: short lines, none of them blank or with blanks at its end, and examples as they stand.
fn tidy(roff: &str) -> String {
    let roff =
        roff.replace("\n.br\n\n.br\n", "\n.sp\n").replace(".SH EXTRA\n", ".SH EXAMPLES\n.nf\n");
    let mut tidy = String::new();
    let mut as_it_stands = false;
    for line in roff.lines().map(str::trim_end) {
        if line.starts_with(".SH") && as_it_stands {
            tidy += ".fi\n";
            as_it_stands = false;
        }
        as_it_stands |= line == ".nf";
        if as_it_stands || line.starts_with(['.', '\'']) {
            tidy += &format!("{line}\n");
        } else {
            wrap(line, COLUMNS).iter().for_each(|part| tidy += &format!("{part}\n"));
        }
    }
    if as_it_stands { tidy + ".fi\n" } else { tidy }
}
