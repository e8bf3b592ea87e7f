//! `doctor`: which experiments this machine can run, why not others, and how to enable them.

use std::io;

use serde::Serialize;

use super::{Failure, Session};
use crate::capture::probe::Probe;
use crate::capture::{Network, child, sys};
use crate::cli;
use crate::experiments::{self, Experiment, Need};
use crate::i18n::tr;
use crate::output::terminal::{self, Terminal};
use crate::picture::{Ink, Row};
use crate::reasons;
use crate::trace::Lack;

/// The output of `doctor --json`.
#[derive(Debug, Serialize)]
struct Report {
    explore: &'static str,
    kernel: String,
    /// What experiments need, and what is missing of it.
    network: Option<Missing>,
    wire: Option<Missing>,
    loopback: Option<Missing>,
    ipv6: Option<Missing>,
    threads: Option<Missing>,
    folder: Option<Missing>,
    /// How many experiments there are, and those of which some claims are not checked here.
    experiments: usize,
    not_whole: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Missing {
    why: String,
    remedy: Option<&'static str>,
}

impl Report {
    fn of(probe: &Probe) -> Report {
        let missing = |lack: &Option<Lack>| {
            lack.as_ref()
                .map(|lack| Missing { why: reasons::lacking(lack), remedy: reasons::remedy(lack) })
        };
        let not_whole =
            experiments::all().filter(|experiment| !is_checked_whole(experiment, probe));
        Report {
            explore: env!("CARGO_PKG_VERSION"),
            kernel: sys::name(),
            network: missing(&probe.network),
            wire: missing(&probe.device),
            loopback: missing(&probe.loopback),
            ipv6: missing(&probe.ipv6),
            threads: missing(&probe.threads),
            folder: missing(&probe.folder),
            experiments: experiments::all().count(),
            not_whole: not_whole.map(|experiment| experiment.name).collect(),
        }
    }
}

/// Tries what experiments need, and shows what is missing. A missing feature does not make the command fail.
pub fn run(args: &cli::Doctor, session: &mut Session) -> Result<(), Failure> {
    let terminal = &mut session.terminal;
    let probe = child::probe().map_err(Failure::NoProbe)?;
    if args.json {
        let text = serde_json::to_string_pretty(&Report::of(&probe)).map_err(io::Error::from)?;
        terminal.verbatim(&text)?;
        return Ok(terminal.flush()?);
    }
    for (name, lack, works) in [
        (
            tr!("a private network (user and network namespaces)"),
            &probe.network,
            tr!("yes: experiments can count every frame, because nobody else sends there"),
        ),
        (
            tr!("the wire (/dev/net/tun)"),
            &probe.device,
            tr!("yes: experiments see every frame, and can drop, delay or cut"),
        ),
        (tr!("loopback"), &probe.loopback, tr!("yes: 127.0.0.1 can be reached")),
        ("IPv6", &probe.ipv6, tr!("yes: ::1 can be bound")),
        (
            tr!("thread states (/proc)"),
            &probe.threads,
            tr!("yes: the kernel reports which threads sleep, and in which call"),
        ),
        (
            tr!("temporary files"),
            &probe.folder,
            tr!("yes: experiments can make files, and sockets that have a path"),
        ),
    ] {
        line(terminal, name, lack.as_ref(), works)?;
    }
    let summary = terminal_summary(terminal);
    line(terminal, tr!("the terminal"), None, &summary)?;
    terminal.blank()?;

    let all = experiments::all().count();
    let whole = experiments::all().filter(|experiment| is_checked_whole(experiment, &probe));
    let whole = whole.count();
    if whole == all {
        let text = tr!("All {all} experiments can be run and checked on this machine.", all);
        terminal.wrapped("", &text, Ink::Good)?;
    } else {
        let text = tr!(
            "{whole} of {all} experiments can be run and checked on this machine. Of the others some claims are not checked here; where the wire is missing, a recording is shown, marked as such.",
            whole,
            all
        );
        terminal.wrapped("", &text, Ink::Warn)?;
    }
    Ok(terminal.flush()?)
}

/// Whether every claim of this experiment can be checked here.
fn is_checked_whole(experiment: &Experiment, probe: &Probe) -> bool {
    let network = match experiment.network {
        Network::Host => &probe.loopback,
        Network::Private => &probe.network,
        Network::Wire => &probe.device,
    };
    let has = |need: &Need| match need {
        Need::Ipv6 if experiment.network == Network::Host => probe.ipv6.is_none(),
        // A private network has a loopback interface of its own, with ::1 unless IPv6 is off.
        Need::Ipv6 => !matches!(probe.ipv6, Some(Lack::Ipv6 { .. })),
        Need::Folder => probe.folder.is_none(),
        Need::Proc => probe.threads.is_none(),
        Need::Has(feature) => sys::has(*feature),
    };
    network.is_none() && experiment.needs.iter().all(has)
}

fn terminal_summary(terminal: &Terminal) -> String {
    let width = terminal.width();
    let size = match terminal.height() {
        Some(height) => tr!("{width} columns, {height} rows", width, height),
        None => tr!("{width} columns", width),
    };
    let advice = if width < 80 { tr!("; pictures look best in 80 columns") } else { "" };
    let colours = if terminal.has_colours() { tr!("colours") } else { tr!("no colours") };
    tr!("{size}, {colours}{advice}", size, colours, advice)
}

fn line(
    terminal: &mut Terminal,
    name: &str,
    lack: Option<&Lack>,
    works: &str,
) -> terminal::Result<()> {
    let (mark, ink) = if lack.is_none() { ("✓ ", Ink::Good) } else { ("✗ ", Ink::Bad) };
    terminal.row(&Row::new().with(mark, ink).with(name, Ink::Strong))?;
    let text = lack.map_or_else(|| works.to_owned(), missing);
    terminal.wrapped("    ", &text, Ink::Plain)?;
    if let Some(remedy) = lack.and_then(reasons::remedy) {
        terminal.marked("    → ", Ink::Code, remedy, Ink::Plain)?;
    }
    Ok(())
}

/// What is missing. For a refused step of the private network its name and error are enough: the row's heading says the rest.
fn missing(lack: &Lack) -> String {
    match lack {
        Lack::Network { step, errno, .. } => format!("{}: {errno}", reasons::step_name(*step)),
        other => reasons::lacking(other),
    }
}
