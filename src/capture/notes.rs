//! What an experiment adds to its recording: claims, parts, waits, measurements.

use std::borrow::Cow;
use std::io;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::link::{Client, Fin, FrameMatch, Server, Syn, SynAck};
use super::{Lab, Proof, Result, Wire, error, sys, systems};
use crate::trace::{Claim, EventKind, Fact, Label, Lack, Observation, Verdict};

impl Lab {
    /// Checks a claim. `name` refers to the claim's sentence in the lesson, `proof` is the evidence.
    /// Where this system has another rule, that is what is compared.
    pub fn claim(&self, name: &'static str, proof: Proof) {
        let proof = match systems::on_this_system(self.experiment(), name, proof) {
            Ok(proof) => proof,
            Err(lack) => return self.not_checked(name, lack),
        };
        let verdict = if proof.holds() { Verdict::Held } else { Verdict::Broken };
        let claim =
            Claim { claim: Cow::Borrowed(name), verdict, evidence: proof.evidence, why: None };
        self.recorder().push(&self.myself(), EventKind::Claim(claim));
    }

    /// Checks a claim about what was seen while segments were held. Where it does not hold, and the kernel has sent one of them again,
    /// which overtook those held ([`Wire::hold`]), it is not checked: the machine was busy for a second.
    pub fn claim_while_held(&self, wire: &Wire, name: &'static str, seen: Proof) {
        let held: [FrameMatch; 4] = [Syn.into(), SynAck.into(), Fin.from(Client), Fin.from(Server)];
        let sent_again = held.into_iter().any(|frames| wire.seen(frames).len() > 1);
        if sent_again && !seen.holds() {
            self.not_checked(name, Lack::SentAgain);
        } else {
            self.claim(name, seen);
        }
    }

    /// Records that a claim cannot be checked on this machine, and why.
    pub fn not_checked(&self, name: &'static str, why: Lack) {
        let claim = Claim {
            claim: Cow::Borrowed(name),
            verdict: Verdict::NotChecked,
            evidence: Vec::new(),
            why: Some(error::here(why)),
        };
        self.recorder().push(&self.myself(), EventKind::Claim(claim));
    }

    /// Claims what the answers of calls prove. If this system does not have one of the calls, the claim counts as not checked,
    /// and the run goes on.
    pub fn claim_if_had(&self, name: &'static str, proof: io::Result<Proof>) -> Result<()> {
        match proof {
            Ok(proof) => self.claim(name, proof),
            Err(error) => match sys::feature_of(&error) {
                Some(feature) => self.not_checked(name, feature.lack()),
                None => return Err(error.into()),
            },
        }
        Ok(())
    }

    /// Runs a command that a person would type to find out, with its answer recorded, and returns its standard output: `ss`, with
    /// `["-tan"]`. The command sees the network that the experiment plays in. There is no answer if it cannot be started, or has
    /// nothing to say but what is wrong.
    pub fn ask(&self, command: &'static str, args: &[&str]) -> Result<String, Lack> {
        let asked =
            Command::new(command).args(args).stdin(Stdio::null()).env("LC_ALL", "C").output();
        let lack = |why| Lack::Command { name: Cow::Borrowed(command), why };
        let output = asked.map_err(|error| lack(sys::error_name(&error)))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        if let Some(first) = complaint.lines().next().filter(|_| text.is_empty()) {
            return Err(lack(Cow::Owned(first.to_owned())));
        }
        let argv = [command].iter().chain(args).map(|word| (*word).to_owned()).collect();
        let lines = text.lines().map(str::to_owned).collect();
        let fact = Fact::CommandOutput { argv, lines };
        let observation = Observation { socket: None, fd: None, fact };
        self.recorder().push(&self.myself(), EventKind::Observed(observation));
        Ok(text)
    }

    /// Begins a new part of the experiment; views may give it a column or a heading.
    pub fn part(&self, part: impl Into<Label>) {
        self.recorder().push(&self.myself(), EventKind::Part { part: part.into() });
    }

    /// Waits deliberately, for something that takes time by its nature. To wait until something is ready, wait for that instead.
    pub fn wait(&self, asked: Duration, purpose: impl Into<Label>) {
        let asked_ns = u64::try_from(asked.as_nanos()).unwrap_or(u64::MAX);
        self.recorder().push(&self.myself(), EventKind::Wait { asked_ns, purpose: purpose.into() });
        thread::sleep(asked);
    }

    /// Records a measured time.
    pub fn measure(&self, series: impl Into<Label>, label: impl Into<Label>, value: Duration) {
        let value_ns = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.recorder().push(
            &self.myself(),
            EventKind::Measure { series: series.into(), label: label.into(), value_ns },
        );
    }

    /// Records one point of a plot: a time, at this position on the horizontal axis. `plot_time("time a message", "epoll", ("connections", 1000), took)`.
    pub fn plot_time(
        &self,
        plot: impl Into<Label>,
        series: impl Into<Label>,
        at: (impl Into<Label>, u64),
        value: Duration,
    ) {
        self.point(plot, series, at, u64::try_from(value.as_nanos()).unwrap_or(u64::MAX), "ns");
    }

    /// Records one point of a plot: a number of bytes, at this position on the horizontal axis.
    pub fn plot_bytes(
        &self,
        plot: impl Into<Label>,
        series: impl Into<Label>,
        at: (impl Into<Label>, u64),
        bytes: u64,
    ) {
        self.point(plot, series, at, bytes, "bytes");
    }

    fn point(
        &self,
        plot: impl Into<Label>,
        series: impl Into<Label>,
        (against, x): (impl Into<Label>, u64),
        y: u64,
        unit: &'static str,
    ) {
        let (plot, series, against) = (plot.into(), series.into(), against.into());
        let unit = Cow::Borrowed(unit);
        self.recorder()
            .push(&self.myself(), EventKind::Point { plot, series, against, x, y, unit });
    }

    /// Records a number, and its source.
    pub fn tally(&self, label: impl Into<Label>, count: u64, source: impl Into<Label>) {
        self.recorder().push(
            &self.myself(),
            EventKind::Count { label: label.into(), count, source: source.into() },
        );
    }
}
