//! The wire as it is used: as root, as anybody, and refused. Each test runs the program, for a private network has to be
//! entered before a process has threads. Where a wire cannot be had, the test says so.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use socket_explorer::capture::child::{Job, Request};
use socket_explorer::trace::packet::{End, LinkAction};
use socket_explorer::trace::pcapng;
use socket_explorer::trace::recording::{self, Recording};
use socket_explorer::trace::{Ending, EventKind, Verdict};
use socket_explorer::{lesson, reasons};
use tempfile::TempDir;

use crate::support::{executable_copy, folder, frames, isolated, recordings, require, utf8};

/// What a command prints whose standard input stays open until it is done.
fn run(mut command: Command) -> Output {
    isolated(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let control = child.stdin.take();
    let output = child.wait_with_output().expect("its output");
    drop(control);
    output
}

fn read(output: &Output) -> Recording {
    let contents = recording::read(&output.stdout[..]);
    assert_eq!(contents.damage, None, "{}", String::from_utf8_lossy(&output.stderr));
    contents.recordings.into_iter().next().expect("a recording")
}

/// The arguments that ask the program for a run.
fn request(experiment: &str, set: &[(&str, &str)]) -> [String; 2] {
    let settings: BTreeMap<_, _> =
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request::Run(Job { name: experiment.to_owned(), settings, ..Job::default() }).to_args()
}

/// A run of this experiment; `None`, with a word about it, where no wire can be had.
fn recorded(experiment: &str, set: &[(&str, &str)]) -> Option<Recording> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command.args(request(experiment, set));
    let recording = read(&run(command));
    if let Some(Ending::Unavailable { why }) = recording.ending() {
        eprintln!("skipped: {why:?}");
        return None;
    }
    assert_eq!(recording.ending(), Some(&Ending::Finished));
    assert!(recording.claims().count() > 0);
    assert!(
        recording.claims().all(|claim| claim.verdict == Verdict::Held),
        "{:?}",
        recording.claims().collect::<Vec<_>>()
    );
    Some(recording)
}

#[test]
fn the_handshake_tells_its_two_ends_apart() {
    let Some(recording) = recorded("three-way-handshake", &[("rtt", "0ms")]) else {
        return;
    };
    let frames = frames(&recording);
    assert!(
        frames.iter().map(|frame| frame.frame).eq(1..=frames.len() as u64),
        "numbered without gaps"
    );
    let segments: Vec<_> =
        frames.iter().filter_map(|frame| Some((*frame, frame.layers.tcp.as_ref()?))).collect();
    let told: Vec<_> = segments
        .iter()
        .take(3)
        .map(|(frame, tcp)| (frame.sent_by, tcp.flags.to_string()))
        .collect();
    assert_eq!(
        told,
        [(End::Client, "SYN".into()), (End::Server, "SYN,ACK".into()), (End::Client, "ACK".into())]
    );
    for (frame, tcp) in &segments {
        let ip = frame.layers.ip.as_ref().expect("TCP is in IP");
        let (client, server) = ("10.9.0.1".to_owned(), "10.9.0.2".to_owned());
        let expected =
            if frame.sent_by == End::Client { (client, server) } else { (server, client) };
        assert_eq!((ip.src.to_string(), ip.dst.to_string()), expected);
        assert_eq!(
            frame.local.as_ref().map(ToString::to_string),
            Some(format!("10.9.0.1:{}", tcp.src_port))
        );
        assert_eq!(
            frame.peer.as_ref().map(ToString::to_string),
            Some(format!("10.9.0.2:{}", tcp.dst_port))
        );
        assert_eq!(
            frame.sender.as_deref(),
            Some(frame.sent_by.to_string().as_str()),
            "the actors are called as the ends are"
        );
        assert_eq!(frame.flow, Some(1));
    }
    let fins = segments.iter().filter(|(_, tcp)| tcp.flags.fin()).count();
    assert_eq!(fins, 2, "the close at the run's end is in the recording");
}

#[test]
fn a_dropped_syn_is_told_with_its_rule_and_sent_again() {
    let Some(recording) = recorded("lost-syn", &[("drop", "2")]) else {
        return;
    };
    let outcomes: Vec<_> = frames(&recording)
        .into_iter()
        .filter(|frame| {
            frame.layers.tcp.as_ref().is_some_and(|tcp| tcp.flags.syn() && !tcp.flags.ack())
        })
        .map(|frame| (frame.action(), reasons::rules(frame.rules())))
        .collect();
    let dropped = (Some(LinkAction::Dropped), Some("drop the first 2 SYNs".to_owned()));
    assert_eq!(outcomes, [dropped.clone(), dropped, (Some(LinkAction::Passed), None)]);
}

/// What tshark says of this file, against what was recorded: frame by frame, over all its sections.
fn tshark_agrees(path: &Path, recordings: &[Recording]) {
    let Some(mut tshark) = require("tshark") else {
        return;
    };
    tshark.args(["-r".as_ref(), path.as_os_str()]).args([
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "ip.check_checksum:TRUE",
    ]);
    tshark.args(["-o", "tcp.relative_sequence_numbers:FALSE", "-T", "fields", "-E", "separator=;"]);
    for field in
        ["eth.src", "ip.src", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "frame.number"]
    {
        tshark.args(["-e", field]);
    }
    for field in [
        "tcp.checksum.status",
        "ip.checksum.status",
        "frame.comment",
        "_ws.malformed",
        "frame.time_epoch",
    ] {
        tshark.args(["-e", field]);
    }
    let output = run(tshark);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut all = Vec::new();
    for recording in recordings {
        let began = humantime::parse_rfc3339(&recording.header.date).expect("a date");
        let began = began.duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        all.extend(recording.events().iter().filter_map(|event| match &event.what {
            EventKind::Frame(frame) => Some((
                {
                    let at = began + Duration::from_nanos(event.at_ns);
                    format!("{}.{:09}", at.as_secs(), at.subsec_nanos())
                },
                &**frame,
            )),
            _ => None,
        }));
    }
    assert!(all.len() > 5, "there was traffic");
    assert_eq!(text.lines().count(), all.len(), "{}", String::from_utf8_lossy(&output.stderr));
    for (number, (line, (time, frame))) in (1..).zip(text.lines().zip(all)) {
        let fields: Vec<_> = line.split(';').collect();
        let ethernet = frame.layers.ethernet.as_ref().expect("Ethernet");
        assert_eq!(
            (fields[0], fields[6]),
            (ethernet.src.to_string().as_str(), number.to_string().as_str())
        );
        if let (Some(ip), Some(tcp)) = (&frame.layers.ip, &frame.layers.tcp) {
            let flags = u16::from_str_radix(fields[2].trim_start_matches("0x"), 16).expect("flags");
            assert_eq!(
                (fields[1], flags),
                (ip.src.to_string().as_str(), u16::from(tcp.flags.0)),
                "{line}"
            );
            let numbers =
                [tcp.seq, tcp.ack, u32::try_from(frame.layers.payload_bytes).expect("short")]
                    .map(|number| number.to_string());
            assert_eq!(fields[3..6], numbers, "{line}");
            assert_eq!(fields[7..9], ["1", "1"], "good checksums: {line}");
        }
        assert_eq!(fields[9], reasons::comment(frame));
        assert_eq!((fields[10], fields[11]), ("", time.as_str()));
    }
}

#[test]
fn tshark_reads_the_frames_of_a_run() {
    let Some(recording) = recorded("lost-syn", &[("drop", "1")]) else {
        return;
    };
    let folder = folder();
    let path = folder.path().join("wire.pcapng");
    let mut file = fs::File::create(&path).expect("a file");
    let written = pcapng::write(&mut file, [&recording], reasons::comment).expect("written");
    file.flush().expect("flushed");
    assert_eq!(written, frames(&recording).len() as u64);
    tshark_agrees(&path, &[recording]);
}

#[test]
fn tshark_reads_the_frames_of_a_lesson_that_was_asked_for_pcap() {
    let folder = folder();
    let [lesson, pcap, events] =
        ["pcap.md", "lesson.pcapng", "lesson.jsonl"].map(|name| folder.path().join(name));
    let experiment =
        socket_explorer::experiments::find("three-way-handshake").expect("an experiment");
    let show = lesson::show_of(experiment).expect("well formed").expect("it is in the course");
    let claims: String =
        show.claims.iter().map(|claim| format!("{}: Words.\n", claim.name)).collect();
    let run_once = format!("```experiment three-way-handshake\nview: layers\n{claims}```\n");
    fs::write(&lesson, format!("# T\n> Q?\n\n{run_once}{run_once}")).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command
        .arg("lesson")
        .args([&lesson])
        .arg("--pcap")
        .args([&pcap])
        .arg("--record")
        .args([&events]);
    let output = run(command);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let recordings = recordings(&events);
    assert_eq!(recordings.len(), 2);
    if let Some(Ending::Unavailable { why }) = recordings[0].ending() {
        return eprintln!("skipped: {why:?}");
    }
    tshark_agrees(&pcap, &recordings);
}

/// A folder that everybody may enter, with the program and a device node of that mode in it; `None` for want of rights.
fn everybodys(mode: &str) -> Option<TempDir> {
    let folder = folder();
    let path = |name| folder.path().join(name);
    fs::create_dir(path("empty")).expect("a folder");
    executable_copy(env!("CARGO_BIN_EXE_explore"), &path("explore"));
    let everybodys = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&folder, everybodys).expect("our own folder");
    let mut mknod = Command::new("mknod");
    mknod.args(["-m", mode, utf8(&path("tun")), "c", "10", "200"]);
    run(mknod).status.success().then_some(folder)
}

/// Runs the handshake as `nobody`, in a mount namespace in which `mount` was done first, by way of `through`.
fn as_nobody(folder: &TempDir, mount: &str, through: &str) -> Option<Recording> {
    let mut command = Command::new("unshare");
    let [child, request] = request("three-way-handshake", &[]);
    let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all";
    command.args([
        "-m",
        "sh",
        "-c",
        &format!("{mount} && exec {nobody} {through} ./explore {child} '{request}'"),
    ]);
    command.current_dir(folder.path());
    let output = run(command);
    if output.stdout.is_empty() {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(read(&output))
}

fn why(recording: &Recording) -> String {
    match recording.ending() {
        Some(Ending::Unavailable { why }) => reasons::lack(why),
        other => panic!("it should not be to be had: {other:?}"),
    }
}

#[test]
fn without_privileges_there_is_a_wire_or_the_step_that_failed_is_told() {
    let Some(folder) = everybodys("666") else {
        return eprintln!("skipped: this needs root and mknod");
    };
    let bind = "mount --bind ./tun /dev/net/tun";
    if let Some(recording) = as_nobody(&folder, bind, "") {
        assert_eq!(recording.ending(), Some(&Ending::Finished));
        assert_eq!(recording.claims().filter(|claim| claim.verdict == Verdict::Held).count(), 5);
    }
    if let Some(recording) = as_nobody(&folder, "mount --bind ./empty /dev/net", "") {
        assert!(
            why(&recording).contains("(open /dev/net/tun: ENOENT); load the driver"),
            "{}",
            why(&recording)
        );
    }
    if let Some(recording) = as_nobody(&folder, &format!("chmod 600 ./tun && {bind}"), "") {
        assert!(
            why(&recording)
                .contains("(open /dev/net/tun: EACCES); allow everyone to use the device"),
            "{}",
            why(&recording)
        );
    }
    // A limit of a user namespace's own, so that the machine's is left alone.
    let none = r#"unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"' sh"#;
    if let Some(recording) = as_nobody(&folder, &format!("chmod 666 ./tun && {bind}"), none) {
        assert!(
            why(&recording).contains(
                "(unshare(CLONE_NEWUSER|CLONE_NEWNET): ENOSPC); user namespaces are forbidden"
            ),
            "{}",
            why(&recording)
        );
    }
}
