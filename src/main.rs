//! `explore`: parse, run, say what went wrong, exit.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use socket_explorer::capture::child::{self, Request};
use socket_explorer::chat;
use socket_explorer::cli::{self, Class, Cli, Command, Play, Record, Shared, When, manual};
use socket_explorer::commands::{self, Failure, Player};
use socket_explorer::experiments;
use socket_explorer::output::terminal::{Look, Terminal};
use socket_explorer::words::{self, Counts};

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
    match &cli.command {
        None | Some(Command::List { .. } | Command::Doctor) => finish(run(&cli)),
        _ => {
            child::stop_on_signals();
            finish(run(&cli))
        }
    }
}

fn run(cli: &Cli) -> Result<Counts, Failure> {
    let nothing_checked = |()| Counts::default();
    match &cli.command {
        None => player(&cli.shared, None).overview().map(nothing_checked),
        Some(Command::List { json: false }) => {
            player(&cli.shared, None).list().map(nothing_checked)
        }
        Some(Command::List { json: true }) => {
            player(&cli.shared, None).list_json().map(nothing_checked)
        }
        Some(Command::Lesson { which, html: None, play, class, record }) => {
            player_that_records(&cli.shared, play, class, record)?.lesson(which)
        }
        Some(Command::Lesson { which, html: Some(file), play, record, .. }) => {
            player_of_pages(&cli.shared, play, record, file)?.lesson_page(which, file)
        }
        Some(Command::Book { out }) => player(&cli.shared, None).book(out),
        Some(Command::Run { list: true, .. }) => {
            player(&cli.shared, None).list_experiments().map(nothing_checked)
        }
        Some(Command::Run { experiment, set, play, class, record, .. }) => {
            let name = experiment.as_deref().unwrap_or_default();
            player_that_records(&cli.shared, play, class, record)?.run(name, set)
        }
        Some(Command::Verify { lessons, json }) => {
            commands::verify(&mut player(&cli.shared, None), lessons, *json)
        }
        Some(Command::Remake { folder }) => commands::shipped::remake(folder).map(nothing_checked),
        Some(Command::Pictures { folder, run }) => {
            commands::pictures::remake(folder, *run).map(nothing_checked)
        }
        Some(Command::Doctor) => {
            commands::doctor(&mut player(&cli.shared, None)).map(nothing_checked)
        }
        Some(Command::Progress { json: true, .. }) => {
            player(&cli.shared, None).standing_json().map(nothing_checked)
        }
        Some(Command::Progress { reset: true, .. }) => {
            player(&cli.shared, None).begin_anew().map(nothing_checked)
        }
        Some(Command::Progress { .. }) => player(&cli.shared, None).standing().map(nothing_checked),
        Some(Command::Glossary { term }) => {
            let term = Some(term.join(" ")).filter(|term| !term.trim().is_empty());
            player(&cli.shared, None).glossary(term.as_deref()).map(nothing_checked)
        }
        Some(Command::Completions { shell }) => manual::completions(*shell, &mut io::stdout())
            .map(nothing_checked)
            .map_err(Failure::from),
        Some(Command::Man { out: None }) => {
            manual::page(&mut io::stdout()).map(nothing_checked).map_err(Failure::from)
        }
        Some(Command::Man { out: Some(folder) }) => manual::pages(folder)
            .map_err(|error| Failure::Usage(words::unwritable(folder.display(), &error)))
            .map(nothing_checked),
        Some(Command::Replay { file, play }) => {
            player(&cli.shared, Some(play)).replay(file).map(nothing_checked)
        }
        Some(Command::Chat(asked)) => chat(&cli.shared, asked).map(nothing_checked),
    }
}

fn chat(shared: &Shared, asked: &cli::Chat) -> Result<(), Failure> {
    let side = asked.side.map(|side| match side {
        cli::Side::Server => chat::Side::Server,
        cli::Side::Client => chat::Side::Client,
    });
    let style = match asked.style {
        cli::Style::Turns => chat::Style::Turns,
        cli::Style::Threads => chat::Style::Threads,
        cli::Style::Poll => chat::Style::Poll,
    };
    let asked = commands::chat::Asked {
        side,
        style,
        address: &asked.address,
        timeout: asked.timeout,
        retries: asked.retries,
        peer_name: &asked.peer_name,
        buffer: asked.buffer,
        verbose: asked.verbose,
        record: asked.record.as_deref(),
    };
    commands::chat::chat(&terminal(shared, None, false), &asked)
}

fn finish(outcome: Result<Counts, Failure>) -> ExitCode {
    match outcome {
        Ok(counts) => ExitCode::from(u8::from(counts.broken > 0)),
        Err(failure) => {
            if !failure.is_quiet() {
                eprintln!("explore: {failure}");
            }
            ExitCode::from(failure.code())
        }
    }
}

fn terminal(shared: &Shared, play: Option<&Play>, big: bool) -> Terminal {
    let color = match shared.color {
        When::Auto => None,
        When::Always => Some(true),
        When::Never => Some(false),
    };
    Terminal::standard(Look {
        color,
        ascii: shared.ascii,
        width: shared.width,
        big,
        auto: play.is_none_or(|play| play.auto),
        more: words::enter_shows_more(),
    })
}

fn player(shared: &Shared, play: Option<&Play>) -> Player {
    Player::new(terminal(shared, play, false), play.map_or(0, |play| play.verbose), None, None)
}

fn player_that_records(
    shared: &Shared,
    play: &Play,
    class: &Class,
    record: &Record,
) -> Result<Player, Failure> {
    let is_stdout =
        |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str() == "-");
    let terminal = match (is_stdout(&record.record), is_stdout(&record.pcap)) {
        (true, true) => {
            return Err(Failure::Usage(words::one_standard_output().to_owned()));
        }
        (false, false) if record.record.is_some() && record.record == record.pcap => {
            return Err(Failure::Usage(words::one_file().to_owned()));
        }
        (false, false) => terminal(shared, Some(play), class.big),
        _ => Terminal::nowhere(),
    };
    let class = commands::Class { step: class.step, pace: class.pace, big: class.big };
    Player::new(terminal, play.verbose, record.record.as_deref(), record.pcap.as_deref())
        .in_class(class)
}

/// A page is made without anyone to ask; what else goes to standard output keeps the terminal silent.
fn player_of_pages(
    shared: &Shared,
    play: &Play,
    record: &Record,
    html: &Path,
) -> Result<Player, Failure> {
    let others = [&record.record, &record.pcap];
    if others.into_iter().flatten().any(|other| other == html) {
        return Err(Failure::Usage(words::page_elsewhere().to_owned()));
    }
    let play = Play { auto: true, ..play.clone() };
    if html.as_os_str() == "-" {
        return Ok(Player::new(
            Terminal::nowhere(),
            play.verbose,
            record.record.as_deref(),
            record.pcap.as_deref(),
        ));
    }
    player_that_records(shared, &play, &Class::default(), record)
}
