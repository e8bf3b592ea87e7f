//! Where a machine lacks something, what needs it is not checked, and says why; the kernel has broken nothing.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use socket_explorer::capture::Network;
use socket_explorer::experiments::{self, Experiment, Need};
use socket_explorer::lesson;

use super::support::{Ended, ended, for_each, isolated, require};

/// A place: how to get there, which lessons are checked in it, a reason that some claims then give, and which experiments cannot
/// be checked whole there.
struct Place {
    enter: &'static [&'static str],
    script: &'static str,
    lessons: &'static str,
    reason: Option<&'static str>,
    concerns: fn(&Experiment) -> bool,
}

impl Place {
    /// Runs the program there.
    fn runs(&self, args: &str) -> Ended {
        let separator = if self.script.starts_with("exec") { "" } else { "; exec" };
        let run = format!("{}{separator} {} {args}", self.script, env!("CARGO_BIN_EXE_explore"));
        let mut command = Command::new(self.enter[0]);
        ended(isolated(command.args(&self.enter[1..]).args(["sh", "-c", &run])))
    }
}

const NETWORK: &[&str] = &["unshare", "--net"];
const FILES: &[&str] = &["unshare", "--mount"];
const HERE: &[&str] = &["env"];

const PLACES: [Place; 9] = [
    Place {
        enter: NETWORK,
        script: "ip link set lo up; echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6",
        lessons: "3 12",
        reason: Some("IPv6 is switched off on this machine"),
        concerns: |it| it.needs.contains(&Need::Ipv6),
    },
    Place {
        enter: NETWORK,
        script: "ip link set lo up; ip -6 address flush dev lo",
        lessons: "3",
        reason: Some("the loopback interface has no IPv6 address"),
        concerns: |it| it.needs.contains(&Need::Ipv6) && it.network == Network::Host,
    },
    Place {
        enter: NETWORK,
        script: "true",
        lessons: "4 8 9",
        reason: Some("127.0.0.1 cannot be reached"),
        concerns: |it| it.network == Network::Host,
    },
    Place {
        enter: HERE,
        script: "ulimit -n 10",
        lessons: "9 11",
        reason: Some("Too many open files"),
        concerns: |_| false,
    },
    Place {
        enter: FILES,
        script: "mount -t tmpfs none /proc",
        lessons: "2 5 6",
        reason: Some("sudo mount -t proc proc /proc"),
        concerns: |it| it.needs.contains(&Need::Proc),
    },
    Place {
        enter: HERE,
        script: "export TMPDIR=/nonexistent",
        lessons: "3",
        reason: Some("no folder can be made in /nonexistent"),
        concerns: |it| it.needs.contains(&Need::Folder),
    },
    Place {
        enter: FILES,
        script: "mount -t tmpfs none /dev/net",
        lessons: "7",
        reason: Some("open /dev/net/tun: ENOENT"),
        concerns: |it| it.network == Network::Wire,
    },
    // Descriptors that select(2) cannot take, but for the closing of what was inherited.
    Place {
        enter: HERE,
        script: MANY_DESCRIPTORS,
        lessons: "9",
        reason: None,
        concerns: |_| false,
    },
    Place {
        enter: &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"],
        script: "true",
        lessons: "1 5",
        reason: None,
        // Debian's device is root's alone; others may use it where it has been opened to them.
        concerns: |it| it.network == Network::Wire && !is_open_to_all("/dev/net/tun"),
    },
];

/// Python, for a shell does not open so many.
const MANY_DESCRIPTORS: &str = "exec python3 -c 'import os, resource, sys\nresource.setrlimit(resource.RLIMIT_NOFILE, (2048, 2048))\nfd = os.open(\"/dev/null\", os.O_RDONLY)\nfor n in range(3, 1110):\n    if n != fd: os.dup2(fd, n)\nos.set_inheritable(fd, True)\nos.execvp(sys.argv[1], sys.argv[1:])'";

/// Whether one may go there: namespaces and other users are root's.
fn may_enter(enter: &[&str]) -> bool {
    let Some(mut command) = require(enter[0]) else {
        return false;
    };
    let entered = command.args(&enter[1..]).arg("true").status();
    entered.is_ok_and(|status| status.success())
}

fn is_open_to_all(device: &str) -> bool {
    std::fs::metadata(device).is_ok_and(|about| about.permissions().mode() & 0o006 == 0o006)
}

#[test]
fn what_a_machine_lacks_breaks_no_claim() {
    for_each(&PLACES, |place| {
        let Place { enter, script, lessons, reason, .. } = place;
        if !may_enter(enter) {
            eprintln!("skipped: {enter:?} is not allowed here");
            return;
        }
        let (out, error, code) = place.runs(&format!("verify --json {lessons}"));
        let report: Value =
            serde_json::from_str(&out).unwrap_or_else(|_| panic!("{script}: {error}"));
        let claims = report["claims"].as_array().expect("claims");
        let broken: Vec<_> = claims.iter().filter(|claim| claim["verdict"] == "broken").collect();
        assert!(broken.is_empty() && code == Some(0), "{script}: {broken:#?}");
        let unchecked = |claim: &&Value| claim["verdict"] == "not-checked";
        let why = |claim: &Value| claim["why"].as_str().unwrap_or_default().to_owned();
        match reason {
            Some(reason) => assert!(
                claims.iter().filter(unchecked).any(|claim| why(claim).contains(reason)),
                "{script}: nobody says `{reason}`"
            ),
            None => assert_eq!(claims.iter().filter(unchecked).count(), 0, "{script}"),
        }
    });
}

/// The doctor counts those whose claims are all checked by `verify` in the same place.
#[test]
fn the_doctor_counts_what_can_be_checked() {
    let lessons = lesson::lessons().expect("well formed");
    let places: Vec<_> = PLACES.iter().filter(|it| !it.script.contains("ulimit")).collect();
    for_each(&places, |place| {
        let Place { enter, script, lessons: numbers, concerns, .. } = place;
        if !may_enter(enter) {
            eprintln!("skipped: {enter:?} is not allowed here");
            return;
        }
        let (out, error, code) = place.runs("doctor");
        assert_eq!((error.as_str(), code), ("", Some(0)), "{script}: {out}");
        let all = experiments::all().count();
        let whole = all - experiments::all().filter(|it| concerns(it)).count();
        let said = match whole == all {
            true => format!("All {all} experiments"),
            false => format!("{whole} of {all} experiments"),
        };
        assert!(out.contains(&said), "{script}: not `{said}`: {out}");

        let (out, ..) = place.runs(&format!("verify --json {numbers}"));
        let report: Value = serde_json::from_str(&out).expect("JSON");
        let unchecked = report["claims"].as_array().expect("claims").iter();
        let unchecked: BTreeSet<_> = unchecked
            .filter(|claim| claim["verdict"] == "not-checked")
            .filter_map(|claim| claim["experiment"].as_str())
            .collect();
        let numbers: Vec<_> = numbers.split(' ').collect();
        let verified = lessons.iter().filter(|it| numbers.iter().any(|name| it.is_called(name)));
        let concerned = verified.flat_map(|lesson| lesson.shows()).map(|show| show.experiment);
        let concerned: BTreeSet<_> =
            concerned.filter(|it| concerns(it)).map(|it| it.name).collect();
        assert_eq!(unchecked, concerned, "{script}");
    });
}

/// What the calls show is checked where the commands are missing that a person would type to see more.
#[test]
fn without_its_command_a_claim_is_not_checked_and_the_others_are() {
    let cases = [
        ("connection-reset", "the-kernel-counts-it"),
        ("recv-returns-empty", "seen-in-close-wait"),
        ("udp-lost", "the-socket-counts-them"),
        ("not-connected", "ss-shows-two-sockets"),
        ("both-hang-in-send", "all-four-queues-are-full"),
        ("bytes-and-byte-order", "python-refuses-text"),
        ("select-and-buffering", "the-kernel-has-nothing"),
        ("linger-zero", "the-kernel-counts-it"),
        ("udp-refused", "nobody-has-the-port"),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command.args(["verify", "--json"]).args(cases.map(|(case, _)| case));
    let (out, error, _) = ended(isolated(&mut command).env("PATH", "/nonexistent"));
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{error}"));
    let claims = report["claims"].as_array().expect("claims").iter();
    let without = claims
        .filter(|claim| claim["why"].as_str().is_some_and(|why| why.contains("the command `")))
        .filter_map(|claim| Some((claim["lesson"].as_str()?, claim["claim"].as_str()?)));
    assert_eq!(without.collect::<Vec<_>>(), cases);
    assert_eq!(report["broken"], 0, "{out}");
}
