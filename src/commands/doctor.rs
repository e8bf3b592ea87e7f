//! `doctor`: what this machine can show, why not, and how to get the rest.

use super::{Failure, Player};
use crate::capture::Network;
use crate::capture::child::{self, ProbeError};
use crate::experiments;
use crate::picture::{Ink, Row};
use crate::reasons;
use crate::trace::Lack;
use crate::words;

/// Tries what experiments need, and says what came of it.
///
/// # Errors
/// [`Failure`], see there; a machine that lacks something is no failure.
pub fn doctor(player: &mut Player) -> Result<(), Failure> {
    let probe = child::probe().map_err(|error| {
        Failure::Unable(match error {
            ProbeError::Start(error) => words::no_probe(&error),
            ProbeError::Answer(error, status) => words::no_answer(error, status),
        })
    })?;
    for (name, lack, good) in [
        (words::private_network(), &probe.network, words::private_network_serves()),
        (words::device(), &probe.device, words::device_serves()),
        (words::loopback(), &probe.loopback, words::loopback_serves()),
        (words::ipv6(), &probe.ipv6, words::ipv6_serves()),
        (words::threads(), &probe.threads, words::threads_serves()),
    ] {
        line(player, name, lack.as_ref(), good)?;
    }
    let look = words::terminal_is(
        player.terminal.width(),
        player.terminal.height(),
        player.terminal.has_colours(),
    );
    line(player, words::terminal(), None, &look)?;
    player.terminal.blank()?;

    let (mut live, mut all) = (0, 0);
    for experiment in experiments::all() {
        all += 1;
        live += usize::from(match experiment.network {
            Network::Host => probe.loopback.is_none(),
            Network::Private => probe.network.is_none(),
            Network::Wire => probe.device.is_none(),
        });
    }
    let text = words::experiments_here(live, all);
    player.terminal.wrapped("", &text, if live == all { Ink::Good } else { Ink::Warn })?;
    Ok(player.terminal.flush()?)
}

fn line(player: &mut Player, name: &str, lack: Option<&Lack>, good: &str) -> Result<(), Failure> {
    let (mark, ink) = if lack.is_none() { ("✓ ", Ink::Good) } else { ("✗ ", Ink::Bad) };
    player.terminal.row(&Row::new().with(mark, ink).with(name, Ink::Strong))?;
    player.terminal.wrapped(
        "    ",
        &lack.map_or_else(|| good.to_owned(), what_is_lacking),
        Ink::Plain,
    )?;
    if let Some(remedy) = lack.and_then(reasons::remedy) {
        player.terminal.wrapped("    → ", remedy, Ink::Warn)?;
    }
    Ok(())
}

/// What is lacking; of a step that was refused the line's name says what it is for.
fn what_is_lacking(lack: &Lack) -> String {
    match lack {
        Lack::Network { step, errno, .. } => format!("{}: {errno}", reasons::step_name(*step)),
        other => reasons::lacking(other),
    }
}
