//! What a trace costs: 64-byte round trips over loopback of the same program by itself, under `explore trace`, and under strace, in
//! turn; and the start of Python.
//!
//! `cargo bench --bench trace`

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

const TURNS: usize = 7;
const ROUND_TRIPS: &str = "3000";

/// What is put before the program.
const UNDER: [(&str, &[&str]); 4] = [
    ("by itself", &[]),
    ("explore trace", &[env!("CARGO_BIN_EXE_explore"), "trace", "--view", "sockets", "--"]),
    ("strace -f", &["strace", "-f", "-e", "trace=network", "-o", "/dev/null"]),
    (
        "strace -f --seccomp-bpf",
        &["strace", "-f", "--seccomp-bpf", "-e", "trace=network", "-o", "/dev/null"],
    ),
];

fn main() -> ExitCode {
    let Ok(folder) = tempfile::tempdir() else { return ExitCode::FAILURE };
    let program = folder.path().join("ping-pong");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/trace/ping_pong.c");
    let built = Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(source).status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("it needs a C compiler (cc)");
        return ExitCode::FAILURE;
    }
    let mut trips = UNDER.map(|_| Vec::new());
    let mut starts = UNDER.map(|_| Vec::new());
    for _ in 0..TURNS {
        for (at, (_, before)) in UNDER.iter().enumerate() {
            let ping_pong = [program.to_str().unwrap_or_default(), ROUND_TRIPS];
            trips[at].extend(output_of(before, &ping_pong).and_then(|text| first_number(&text)));
            let began = Instant::now();
            if output_of(before, &["python3", "-c", "import socket"]).is_some() {
                starts[at].push(began.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }
    let show = |title: &str, all: &mut [Vec<f64>; 4], unit: &str| {
        println!("{title}");
        let medians: Vec<Option<f64>> = all.iter_mut().map(|one| median(one)).collect();
        for ((name, _), found) in UNDER.iter().zip(&medians) {
            let Some(found) = found else { continue };
            let ratio = |to: usize| medians[to].map_or(f64::NAN, |to| found / to);
            println!(
                "  {name:<24} {found:8.1} {unit}   {:5.2} × by itself   {:5.2} × strace -f",
                ratio(0),
                ratio(2)
            );
        }
    };
    show("a round trip of 64 bytes (4 calls)", &mut trips, "µs");
    show("python3 -c 'import socket', from start to end", &mut starts, "ms");
    ExitCode::SUCCESS
}

fn output_of(before: &[&str], program: &[&str]) -> Option<String> {
    let words: Vec<&str> = before.iter().chain(program).copied().collect();
    let (first, rest) = words.split_first()?;
    let output = Command::new(first).args(rest).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The median round trip in microseconds, which the program prints first.
fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

fn median(all: &mut [f64]) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}
