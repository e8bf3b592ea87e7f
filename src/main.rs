//! `explore`: parse, run, say what went wrong, exit.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use socket_explorer::capture::child::{self, Request};
use socket_explorer::cli::{self, Unparsed};
use socket_explorer::commands::{self, Failure, completions};
use socket_explorer::experiments;
use socket_explorer::output::messages::{say, say_lines};
use socket_explorer::output::terminal::wants_color;
use socket_explorer::signals;

fn main() -> ExitCode {
    let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    match Request::from_args(args) {
        Some(Ok(request)) => return experiments::serve(request),
        Some(Err(error)) => {
            say(error);
            return ExitCode::from(2);
        }
        None => {}
    }
    completions::answer_shell();
    let _console = signals::take_escapes();
    let done = match cli::parse() {
        Ok(cli) => {
            child::stop_on_signals();
            commands::run(&cli)
        }
        Err(Unparsed::NoCommand(name)) => Err(Failure::NoCommand(name)),
        Err(Unparsed::Answer(answer)) => {
            let text = cli::text(&answer, colours(&io::stdout()));
            let mut stdout = io::stdout();
            let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
            written.map_err(Failure::Terminal)
        }
        Err(Unparsed::Wrong(error)) => {
            say_lines(&cli::text(&error, colours(&io::stderr())));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_quiet() {
                say(&failure);
            }
            ExitCode::from(failure.code())
        }
    }
}

/// Whether what could not be parsed is told in colours, by what was asked for and what the stream is.
fn colours(to: &impl IsTerminal) -> bool {
    cli::asked_color().unwrap_or_else(|| wants_color(to.is_terminal()))
}
