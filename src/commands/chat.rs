//! Joins the chat to the views: the lines of its trace, and its recording.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use crate::capture::sys;
use crate::chat::{self, Address, Buffer, EndReason, Side, Style, Tracer, Wanted};
use crate::i18n::tr;
use crate::output::terminal::{Terminal, shown};
use crate::trace::recording::{Header, Origin, write_line};
use crate::views::trace::{Detail, Trace};

use super::Failure;

/// What was asked for, as the command line has it.
pub struct Asked<'a> {
    /// Which end; `None` as it comes.
    pub side: Option<Side>,
    /// How the two talk.
    pub style: Style,
    /// Where they meet.
    pub address: &'a str,
    /// How long an attempt to connect may take.
    pub timeout: Duration,
    /// How many more attempts there are.
    pub retries: u32,
    /// What the peer is called.
    pub peer_name: &'a str,
    /// The size of recv's buffer, if it is to have one and keep it.
    pub buffer: Option<u32>,
    /// How much the trace tells: 0 for none.
    pub verbose: u8,
    /// Where the events go.
    pub record: Option<&'a Path>,
}

impl Asked<'static> {
    /// What `explore chat` alone asks for: the command line has the same defaults, and `tests/suite/lesson_terminal.rs` compares them.
    #[must_use]
    pub fn plain() -> Asked<'static> {
        Asked {
            side: None,
            style: Style::Threads,
            address: "127.0.0.1:21567",
            timeout: Duration::from_secs(5),
            retries: 0,
            peer_name: "Jack",
            buffer: None,
            verbose: 0,
            record: None,
        }
    }
}

/// Holds a chat.
///
/// # Errors
/// [`Failure`], see there; a connection that breaks is [`Failure::Broken`].
pub fn chat(terminal: &Terminal, asked: &Asked<'_>) -> Result<(), Failure> {
    let address: Address = asked
        .address
        .parse()
        .map_err(|error: chat::AddressError| Failure::Usage(error.to_string()))?;
    if asked.side == Some(Side::Client) && address.leaves_the_port_open() {
        return Err(Failure::Usage(tr!(
            "`{address}`: nobody can be called at port 0; name the port that the server listens at",
            address
        )));
    }
    let wanted = Wanted {
        side: asked.side,
        address,
        style: asked.style,
        timeout: asked.timeout,
        retries: asked.retries,
        peer_name: crate::text::safe(asked.peer_name).into_owned(),
        buffer: asked
            .buffer
            .and_then(|size| usize::try_from(size).ok())
            .map_or_else(Buffer::default, |size| Buffer { size, may_grow: false }),
        tracer: tracer(terminal, asked)?,
    };
    match chat::chat(wanted) {
        Ok(EndReason::Broken(..)) => Err(Failure::Broken),
        Ok(_) => Ok(()),
        Err(why) => Err(Failure::Unable(why.to_string())),
    }
}

/// Writes the recording, and makes the trace's rows.
fn tracer(terminal: &Terminal, asked: &Asked<'_>) -> Result<Option<Tracer>, Failure> {
    let detail = if asked.verbose > 1 { Detail::Kernel } else { Detail::Calls };
    let mut trace = (asked.verbose > 0).then(|| Trace::new(detail, terminal.width()));
    let ascii = terminal.is_ascii();
    let mut sink: Option<Box<dyn Write + Send>> = match asked.record {
        None => None,
        Some(path) if path == Path::new("-") => {
            return Err(Failure::Usage(tr!("--record -: a chat's standard output is what the peer says; name a file to record to").to_owned()));
        }
        Some(path) => {
            let file =
                File::create(path).map_err(|error| super::output_file::unwritable(path, &error))?;
            let mut sink = BufWriter::new(file);
            write_line(&mut sink, &Header::now(sys::name(), Origin::Chat))?;
            Some(Box::new(sink))
        }
    };
    if trace.is_none() && sink.is_none() {
        return Ok(None);
    }
    // Rows above a person's line are the terminal's; elsewhere they go to standard error, which has colours of its own.
    let coloured =
        terminal.has_colours() && (io::stdout().is_terminal() || io::stderr().is_terminal());
    Ok(Some(Box::new(move |events| {
        let mut rows = Vec::new();
        for event in events {
            if let Some(sink) = &mut sink {
                write_line(sink, event)?;
            }
            rows.extend(trace.as_mut().map(|trace| trace.push(event)).unwrap_or_default());
        }
        if let Some(sink) = &mut sink {
            sink.flush()?;
        }
        if events.is_empty() {
            rows.extend(trace.as_mut().map(Trace::pause).unwrap_or_default());
        }
        Ok(rows
            .iter()
            .map(
                |row| {
                    if coloured {
                        shown(row, ascii)
                    } else {
                        format!("{}\n", row.text().trim_end())
                    }
                },
            )
            .collect())
    })))
}
