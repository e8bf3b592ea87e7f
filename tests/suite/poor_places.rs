//! Where a machine lacks something, what needs it is not checked, and says why; the kernel has broken nothing.

use std::process::Command;

use serde_json::Value;

use super::support::{ended, isolated, require};

/// A place: how to get there, which lessons are checked in it, and a reason that some claims then give.
struct Place {
    enter: &'static [&'static str],
    script: &'static str,
    lessons: &'static str,
    reason: Option<&'static str>,
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
    },
    Place {
        enter: NETWORK,
        script: "ip link set lo up; ip -6 address flush dev lo",
        lessons: "3",
        reason: Some("the loopback interface has no IPv6 address"),
    },
    Place {
        enter: NETWORK,
        script: "true",
        lessons: "4 8 9",
        reason: Some("127.0.0.1 cannot be reached"),
    },
    Place {
        enter: HERE,
        script: "ulimit -n 10",
        lessons: "9 11",
        reason: Some("Too many open files"),
    },
    Place {
        enter: FILES,
        script: "mount -t tmpfs none /proc",
        lessons: "2 5 6",
        reason: Some("sudo mount -t proc proc /proc"),
    },
    Place {
        enter: HERE,
        script: "export TMPDIR=/nonexistent",
        lessons: "3",
        reason: Some("no folder can be made in /nonexistent"),
    },
    Place {
        enter: FILES,
        script: "mount -t tmpfs none /dev/net",
        lessons: "7",
        reason: Some("open /dev/net/tun: ENOENT"),
    },
    // Descriptors that select(2) cannot take, but for the closing of what was inherited.
    Place { enter: HERE, script: MANY_DESCRIPTORS, lessons: "9", reason: None },
    Place {
        enter: &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"],
        script: "true",
        lessons: "1 5",
        reason: None,
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

#[test]
fn what_a_machine_lacks_breaks_no_claim() {
    for place in &PLACES {
        let Place { enter, script, lessons, reason } = place;
        if !may_enter(enter) {
            eprintln!("skipped: {enter:?} is not allowed here");
            continue;
        }
        let run = format!(
            "{script}{} {} verify --json {lessons}",
            if script.starts_with("exec") { "" } else { "; exec" },
            env!("CARGO_BIN_EXE_explore")
        );
        let mut command = Command::new(enter[0]);
        let (out, error, code) =
            ended(isolated(command.args(&enter[1..]).args(["sh", "-c", &run])));
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{run}: {error}"));
        let claims = report["claims"].as_array().expect("claims");
        let broken: Vec<_> = claims.iter().filter(|claim| claim["verdict"] == "broken").collect();
        assert!(broken.is_empty() && code == Some(0), "{run}: {broken:#?}");
        let unchecked = |claim: &&Value| claim["verdict"] == "not-checked";
        let why = |claim: &Value| claim["why"].as_str().unwrap_or_default().to_owned();
        match reason {
            Some(reason) => assert!(
                claims.iter().filter(unchecked).any(|claim| why(claim).contains(reason)),
                "{run}: nobody says `{reason}`"
            ),
            None => assert_eq!(claims.iter().filter(unchecked).count(), 0, "{run}"),
        }
    }
}
