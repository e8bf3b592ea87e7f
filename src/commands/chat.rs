//! `chat`: runs the chat, and connects it to the trace and to a recording.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::output_file::{Counting, events_written};
use super::{Failure, Session};
use crate::capture::sys;
use crate::chat::{self, Address, Buffer, EndReason, Options, Side, Style, Tracer};
use crate::cli;
use crate::experiments;
use crate::output::messages;
use crate::output::terminal::{Terminal, render};
use crate::text::safe;
use crate::trace::recording::{EventWriter, Header, Origin, write_line};
use crate::views::trace::{Detail, Trace};

/// Runs a chat.
pub fn run(args: &cli::Chat, session: &mut Session) -> Result<(), Failure> {
    let mut options = Options::try_from(args)?;
    let recorded = Arc::new(Mutex::new(Recorded::default()));
    options.tracer = tracer(&session.terminal, args, &recorded)?;
    let ended = chat::chat(options).map_err(Failure::NoChat);
    if let Some(path) = &args.record {
        let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = recorded.error.take() {
            return Err(Failure::Unwritable(path.clone(), error));
        }
        messages::say(events_written(path, recorded.events, recorded.bytes));
    }
    match ended? {
        EndReason::Broken(..) => Err(Failure::Broken),
        _ => Ok(()),
    }
}

/// What has been written of a recording.
#[derive(Default)]
struct Recorded {
    events: u64,
    bytes: u64,
    /// Nothing more could be written.
    error: Option<io::Error>,
}

impl TryFrom<&cli::Chat> for Options {
    type Error = Failure;

    fn try_from(args: &cli::Chat) -> Result<Options, Failure> {
        let address: Address = args.address.parse().map_err(Failure::ChatAddress)?;
        let side = args.side.map(Side::from);
        if side == Some(Side::Client) && address.leaves_the_port_open() {
            return Err(Failure::ChatPortZero(address));
        }
        let fixed = |size| Buffer { size, may_grow: false };
        Ok(Options {
            side,
            address,
            style: args.style.into(),
            timeout: args.timeout,
            retries: args.retries,
            peer_name: args.peer_name.as_deref().map(|name| safe(name).into_owned()),
            name: args.name.as_deref().map(|name| safe(name.trim()).into_owned()),
            buffer: args
                .buffer
                .and_then(|size| size.try_into().ok())
                .map(fixed)
                .unwrap_or_default(),
            tracer: None,
        })
    }
}

impl From<cli::Side> for Side {
    fn from(side: cli::Side) -> Side {
        match side {
            cli::Side::Server => Side::Server,
            cli::Side::Client => Side::Client,
        }
    }
}

impl From<cli::Style> for Style {
    fn from(style: cli::Style) -> Style {
        match style {
            cli::Style::Turns => Style::Turns,
            cli::Style::Threads => Style::Threads,
            cli::Style::Poll => Style::Poll,
        }
    }
}

/// A function that takes the chat's events: it writes the recording and returns the rows of the trace.
/// How that went is left in `recorded`: the chat goes on in any case, and says it at its end.
fn tracer(
    terminal: &Terminal,
    args: &cli::Chat,
    recorded: &Arc<Mutex<Recorded>>,
) -> Result<Option<Tracer>, Failure> {
    let detail = if args.verbose > 1 { Detail::Kernel } else { Detail::Calls };
    let mut trace = (args.verbose > 0).then(|| Trace::new(detail, terminal.width()));
    let mut file = args.record.as_deref().map(recording).transpose()?;
    if trace.is_none() && file.is_none() {
        return Ok(None);
    }
    // Rows go above the line being typed on a terminal, and to standard error otherwise; either may lack colours.
    let coloured =
        terminal.has_colours() && (io::stdout().is_terminal() || io::stderr().is_terminal());
    let ascii = terminal.is_ascii();
    let mut writer = EventWriter::new(experiments::line_of);
    let recorded = recorded.clone();
    Ok(Some(Box::new(move |events| {
        let mut rows = Vec::new();
        for event in events {
            rows.extend(trace.as_mut().map(|trace| trace.push(event)).unwrap_or_default());
        }
        if let Some(to) = &mut file {
            let mut written = events.iter().try_for_each(|event| writer.write(to, event));
            written = written.and_then(|()| to.flush());
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            recorded.events += events.len() as u64;
            recorded.bytes = to.get_ref().bytes;
            if let Err(error) = written {
                recorded.error = Some(error);
                file = None;
            }
        }
        if events.is_empty() {
            rows.extend(trace.as_mut().map(Trace::pause).unwrap_or_default());
        }
        let texts = rows.iter().map(|row| {
            if coloured { render(row, ascii) } else { format!("{}\n", row.text().trim_end()) }
        });
        Ok(texts.collect())
    })))
}

/// Creates the file of a recording and writes its header.
fn recording(path: &Path) -> Result<BufWriter<Counting<File>>, Failure> {
    if path == Path::new("-") {
        return Err(Failure::ChatRecordOnStdout);
    }
    let file = File::create(path).map_err(|error| Failure::Unwritable(path.to_owned(), error))?;
    let mut file = BufWriter::new(Counting { to: file, bytes: 0 });
    let header = Header::now(sys::name(), Origin::Chat);
    write_line(&mut file, &header)
        .and_then(|()| file.flush())
        .map_err(|error| Failure::Unwritable(path.to_owned(), error))?;
    Ok(file)
}
