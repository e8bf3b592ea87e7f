//! The commands: one file each, with a function `run` that takes the command's arguments and a [`Session`].
//!
//! The other files are shared by commands: one run of an experiment (`live`, and `step` call by call), the display of a recording
//! (`show`), a lesson's claims (`report`), predictions, pages, and output files. Only this folder depends on both the
//! experiments and the views.

mod book;
mod chat;
mod check;
pub mod completions;
mod doctor;
mod exercise;
mod failure;
mod glossary;
mod help;
mod home;
mod joining;
mod lesson;
mod list;
pub mod live;
mod man;
mod output_file;
mod page;
mod page_file;
mod parting;
pub mod prediction;
mod progress;
mod quiz;
mod replay;
pub mod report;
pub mod run;
mod running;
pub mod session;
pub mod shipped;
pub mod show;
mod step;
mod trace;
mod verify;
pub mod vote_input;
mod why;

pub use failure::{Failure, Incomplete};
pub use session::Session;

use crate::cli::{Cli, Command};

/// Runs a command.
pub fn run(cli: &Cli) -> Result<(), Failure> {
    let session = &mut Session::new(cli.into())?;
    let done = match &cli.command {
        None => home::run(session),
        Some(Command::List(args)) => list::run(args, session),
        Some(Command::Lesson(args)) => lesson::run(args, session),
        Some(Command::Book(args)) => book::run(args, session),
        Some(Command::Run(args)) => run::run(args, session),
        Some(Command::Verify(args)) => verify::run(args, session),
        Some(Command::Doctor(args)) => doctor::run(args, session),
        Some(Command::Progress(args)) => progress::run(args, session),
        Some(Command::Quiz(args)) => quiz::run(args, session),
        Some(Command::Help(args)) => help::run(args, session),
        Some(Command::Glossary(args)) => glossary::run(args, session),
        Some(Command::Completions(args)) => completions::run(args),
        Some(Command::Man(args)) => man::run(args),
        Some(Command::Chat(args)) => chat::run(args, session),
        Some(Command::Replay(args)) => replay::run(args, session),
        Some(Command::Exercise(args)) => exercise::run(args, session),
        Some(Command::Check(args)) => check::run(args, session),
        Some(Command::Trace(args)) => trace::run(args, session),
        Some(Command::Why(args)) => why::run(args, session),
    };
    let shown = session.terminal.flush();
    if !matches!(done, Err(Failure::Unwritable(..) | Failure::Terminal(_))) {
        session.say_written();
    }
    done?;
    Ok(shown?)
}
