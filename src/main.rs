//! `explore`: parse, run, say what went wrong, exit.

use std::process::ExitCode;

use socket_explorer::capture::child::{self, Request};
use socket_explorer::{cli, commands, experiments};

fn main() -> ExitCode {
    let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    match Request::from_args(args) {
        Some(Ok(request)) => return experiments::serve(request),
        Some(Err(error)) => {
            eprintln!("explore: {error}");
            return ExitCode::from(2);
        }
        None => {}
    }
    let cli = cli::parse();
    child::stop_on_signals();
    match commands::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_quiet() {
                eprintln!("explore: {failure}");
            }
            ExitCode::from(failure.code())
        }
    }
}
