//! `explore`: parse, run, say what went wrong, exit.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use socket_explorer::cli::{Cli, Command};
use socket_explorer::experiments;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let pairs = |set: &[String]| -> BTreeMap<String, String> {
        set.iter().filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    match &cli.command {
        Some(Command::Experiment { name, set }) => match experiments::find(name) {
            Some(experiment) => experiment.perform(pairs(set)),
            None => ExitCode::from(2),
        },
        Some(Command::Part { name, actor, epoch, set }) => {
            experiments::perform_part(name, actor.clone(), *epoch, pairs(set)).unwrap_or(ExitCode::from(2))
        }
        _ => ExitCode::from(2),
    }
}
