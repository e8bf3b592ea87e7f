//! What the wire costs: its own delay a frame and frames a second, against the same traffic over loopback, and the memory
//! of a hundred thousand recorded frames.
//!
//! `cargo bench --bench wire > /dev/null` prints the numbers to standard error; standard output has the events as ever.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use socket_explorer::capture::child::Job;
use socket_explorer::capture::{self, Error, Kind, Lab, Network, Parameter, Result, Run, Socket};
use socket_explorer::i18n::Text;
use socket_explorer::trace::EventKind;
use socket2::{Domain, Protocol, SockAddr, Type};

const ROUNDS: usize = 20_000;
const FRAMES: usize = 100_000;

/// Long enough for a slow machine.
const DEADLINE: &[Parameter] = &[Parameter {
    name: "deadline",
    default: "600s",
    kind: Kind::Span(1, 600_000),
    help: Text(""),
}];

fn main() -> ExitCode {
    if std::env::var_os("EXPLORE_BENCH_INNER").is_none() {
        // The run ends when its standard input does: keep it open.
        let Ok(program) = std::env::current_exe() else {
            return ExitCode::FAILURE;
        };
        let child = Command::new(program)
            .env("EXPLORE_BENCH_INNER", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        return match child.and_then(|mut child| {
            let control = child.stdin.take();
            let status = child.wait();
            drop(control);
            status
        }) {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
    }
    let job = Job { name: "bench".to_owned(), ..Job::default() };
    let run = Run { job, parameters: DEADLINE, network: Network::Wire, ..Run::default() };
    capture::perform(&run, |lab| {
        let measured = measure(lab);
        if let Err(error) = &measured {
            eprintln!("{error}");
        }
        measured
    })
}

fn socket(lab: &Lab, kind: Type, protocol: Protocol, to: &SockAddr) -> Result<Socket> {
    let socket = lab.actor("bench").socket(Domain::IPV4, kind, Some(protocol))?;
    socket.bind(to)?;
    Ok(socket)
}

/// Where to send so that it arrives at this socket: over the wire, or over loopback.
fn to(lab: &Lab, socket: &Socket, wire: bool) -> Result<SockAddr> {
    let port = socket.local_addr()?.as_socket().map_or(0, |at| at.port());
    Ok(if wire { lab.far(port) } else { lab.here(port) })
}

fn measure(lab: &Lab) -> Result<()> {
    let loopback = round_trips(lab, false)?;
    let wire = round_trips(lab, true)?;
    for share in [50, 99] {
        let at = |all: &[Duration]| all[(all.len() - 1) * share / 100];
        let own = at(&wire).saturating_sub(at(&loopback)) / 2;
        eprintln!(
            "round trip p{share}: loopback {:?}, wire {:?}; the wire's own delay {own:?} a frame",
            at(&loopback),
            at(&wire)
        );
    }
    let before = frames(lab);
    let (seconds, memory) = stream(lab, true)?;
    let carried = frames(lab) - before;
    let (loopback_seconds, _) = stream(lab, false)?;
    let bytes = FRAMES as f64 / 2.0 * 1448.0;
    eprintln!(
        "{carried} frames of a TCP stream in {seconds:.2} s: {:.0} frames a second, {:.1} MB/s",
        carried as f64 / seconds,
        bytes / seconds / 1e6
    );
    eprintln!("the same bytes over loopback: {:.1} MB/s", bytes / loopback_seconds / 1e6);
    eprintln!(
        "memory for them: {:.0} MB, {:.0} bytes a frame",
        memory / 1e6,
        memory / carried as f64
    );
    let counted = std::fs::read_to_string("/proc/thread-self/net/dev").map_err(Error::Io)?;
    let row =
        counted.lines().find(|line| line.trim_start().starts_with("wire:")).unwrap_or_default();
    let fields: Vec<_> = row.split_whitespace().collect();
    let answers = 1; // the lab's own answer to ARP is recorded, and not sent by the kernel
    let ipv6 = 0; // turned off
    eprintln!(
        "the device sent {} and had no room for {}; recorded {}",
        fields[10],
        fields[12],
        frames(lab) - answers - ipv6
    );
    Ok(())
}

fn frames(lab: &Lab) -> usize {
    lab.recorder().look(|events| {
        events.iter().filter(|event| matches!(event.what, EventKind::Frame(_))).count()
    })
}

/// One datagram there and back, many times, sorted; nothing of it is recorded but the frames.
fn round_trips(lab: &Lab, wire: bool) -> Result<Vec<Duration>> {
    let near = if wire { lab.near(0) } else { lab.here(0) };
    let client = socket(lab, Type::DGRAM, Protocol::UDP, &near)?;
    let server = socket(lab, Type::DGRAM, Protocol::UDP, &near)?;
    client.connect(&to(lab, &server, wire)?)?;
    server.connect(&to(lab, &client, wire)?)?;
    let (client, server) = (client.bare(), server.bare());
    let mut all = Vec::with_capacity(ROUNDS);
    let mut room = [std::mem::MaybeUninit::uninit(); 100];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        client.send(b"there")?;
        server.recv(&mut room)?;
        server.send(b"back")?;
        client.recv(&mut room)?;
        all.push(start.elapsed());
    }
    all.sort();
    Ok(all)
}

/// A TCP stream of about [`FRAMES`] frames, acknowledgments counted: how long it took, and how much memory it left behind.
fn stream(lab: &Lab, wire: bool) -> Result<(f64, f64)> {
    let near = if wire { lab.near(0) } else { lab.here(0) };
    let listener = socket(lab, Type::STREAM, Protocol::TCP, &near)?;
    listener.listen(1)?;
    let client = lab.actor("bench").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    client.connect(&to(lab, &listener, wire)?)?;
    let (server, _) = listener.accept()?;
    let before = resident()?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let chunk = [b'x'; 1448];
            for _ in 0..FRAMES / 2 {
                let mut left = &chunk[..];
                while let Ok(sent @ 1..) = client.bare().send(left) {
                    left = &left[sent..];
                }
            }
            let _ = client.bare().shutdown(std::net::Shutdown::Write);
        });
        let mut room = vec![std::mem::MaybeUninit::uninit(); 1448];
        while server.bare().recv(&mut room).is_ok_and(|length| length > 0) {}
    });
    let seconds = start.elapsed().as_secs_f64();
    Ok((seconds, resident()? - before))
}

/// Bytes of memory that this process has in use (`VmRSS`, proc_pid_status(5)).
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    });
    Ok(line.unwrap_or(0.0) * 1024.0)
}
