//! `doctor`: what this machine can show, why not, and how to get the rest.

use std::process::{Command, Stdio};

use super::{Failure, Player};
use crate::capture::probe::{Lack, Probe};
use crate::capture::{self, Network};
use crate::experiments;
use crate::i18n;
use crate::picture::{Ink, Row};
use crate::words;

/// Tries what experiments need, and says what came of it.
///
/// # Errors
/// [`Failure`], see there; a machine that lacks something is no failure.
pub fn doctor(player: &mut Player) -> Result<(), Failure> {
    let probe = probe()?;
    for (name, lack, good) in [
        (words::private_network(), &probe.network, words::private_network_serves()),
        (words::device(), &probe.device, words::device_serves()),
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
            Network::Host => true,
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
    player.terminal.wrapped("    ", lack.map_or(good, |lack| &lack.why), Ink::Plain)?;
    if let Some(remedy) = lack.and_then(|lack| lack.remedy.as_deref()) {
        player.terminal.wrapped("    → ", remedy, Ink::Warn)?;
    }
    Ok(())
}

/// Tries it in a process of its own: what is tried cannot be undone.
fn probe() -> Result<Probe, Failure> {
    let output = Command::new(capture::program())
        .arg("__probe")
        .args(["--lang", i18n::spoken().tag()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| Failure::Unable(words::no_probe(&error)))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::Unable(words::no_answer(error, output.status)))
}
