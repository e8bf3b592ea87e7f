//! The ratios of the table in docs/usage.md, each measured against a rival in the same run: `cargo bench --bench ratios`.
//!
//! Times of two programs are taken in turn, and the median of the pairs' ratios is told, for a machine's speed drifts.

use std::error::Error;
use std::fs;
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use socket_explorer::capture::Lab;
use socket_explorer::experiments;
use socket2::{Domain, Protocol, Type};

type Answer<T> = Result<T, Box<dyn Error>>;

fn main() -> Answer<()> {
    println!("| what is measured | against | ratio (median) | spread | asked |");
    println!("| --- | --- | --- | --- | --- |");
    row("64-byte ping-pong, recorded", "bare socket2", "1.10", &ping_pong()?);
    row("`explore list`", "an empty Rust program", "1.5", &start()?);
    row("`explore verify`", "its deliberate waits", "1.3", &verify()?);
    Ok(())
}

fn row(what: &str, against: &str, asked: &str, ratios: &[f64]) {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
        return;
    };
    println!(
        "| {what} | {against} | {:.2} | {least:.2} to {most:.2} | at most {asked} |",
        sorted[sorted.len() / 2]
    );
}

// ---- the instruments' cost ----

const ROUNDS: usize = 20_000;

fn ping_pong() -> Answer<Vec<f64>> {
    (0..9).map(|_| Ok(recorded()?.as_secs_f64() / bare()?.as_secs_f64())).collect()
}

/// The same conversation twice: the macro sees to it that nothing differs but the type of the sockets.
macro_rules! converse {
    ($listener:expr, $client:expr, $buffer:expr) => {{
        let (listener, client) = ($listener, $client);
        let any: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
        listener.bind(&any.into())?;
        listener.listen(1)?;
        client.connect(&listener.local_addr()?)?;
        let (server, _) = listener.accept()?;
        client.set_tcp_nodelay(true)?;
        server.set_tcp_nodelay(true)?;
        let begun = Instant::now();
        thread::scope(|scope| -> Answer<()> {
            let echo = scope.spawn(|| -> std::io::Result<()> {
                let mut buffer = $buffer;
                let bytes = [7; 64];
                while server.recv(&mut buffer)? > 0 {
                    server.send(&bytes)?;
                }
                Ok(())
            });
            let mut buffer = $buffer;
            for _ in 0..ROUNDS {
                client.send(&[7; 64])?;
                client.recv(&mut buffer)?;
            }
            client.shutdown(Shutdown::Write)?;
            echo.join().map_err(|_| "the echo panicked")??;
            Ok(())
        })?;
        Ok(begun.elapsed())
    }};
}

fn recorded() -> Answer<Duration> {
    let lab = Lab::in_memory();
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    converse!(
        server.socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?,
        client.socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?,
        [0; 64]
    )
}

fn bare() -> Answer<Duration> {
    converse!(
        socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?,
        socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?,
        [std::mem::MaybeUninit::uninit(); 64]
    )
}

// ---- starting up ----

fn start() -> Answer<Vec<f64>> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, empty) = (folder.join("empty.rs"), folder.join("empty"));
    fs::write(&source, "fn main() {}")?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    if !Command::new(rustc).arg("-O").arg(&source).arg("-o").arg(&empty).status()?.success() {
        return Err("rustc cannot compile an empty program".into());
    }
    let explore = Path::new(env!("CARGO_BIN_EXE_explore"));
    (0..21)
        .map(|_| Ok(many(explore, &["list"])?.as_secs_f64() / many(&empty, &[])?.as_secs_f64()))
        .collect()
}

fn many(program: &Path, args: &[&str]) -> Answer<Duration> {
    let begun = Instant::now();
    for _ in 0..20 {
        Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    }
    Ok(begun.elapsed())
}

// ---- the whole course ----

fn verify() -> Answer<Vec<f64>> {
    let explore = Path::new(env!("CARGO_BIN_EXE_explore"));
    let waits = deliberate_waits(explore)?.as_secs_f64();
    (0..5)
        .map(|_| {
            let begun = Instant::now();
            Command::new(explore)
                .arg("verify")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status()?;
            Ok(begun.elapsed().as_secs_f64() / waits)
        })
        .collect()
}

/// What the experiments wait for on purpose: `wait` events, calls that a limit of their own ended, and connects whose SYN the
/// wire dropped, for which the kernel waits a second before it tries again.
fn deliberate_waits(explore: &Path) -> Answer<Duration> {
    const LONG_NS: u64 = 10_000_000; // a non-blocking call says EAGAIN at once: only what slept was a wait
    const SYN_RETRY_NS: u64 = 900_000_000;
    let mut waits_ns = 0;
    for experiment in experiments::all() {
        let output = Command::new(explore)
            .args(["run", experiment.name, "--record", "-"])
            .stdin(Stdio::null())
            .output()?;
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: serde_json::Value = serde_json::from_slice(line)?;
            let took_ns = line["took_ns"].as_u64().unwrap_or(0);
            waits_ns +=
                match (line["event"].as_str(), line["function"].as_str(), line["errno"].as_str()) {
                    (Some("wait"), _, _) => line["asked_ns"].as_u64().unwrap_or(0),
                    (Some("return"), _, Some("EAGAIN" | "EINPROGRESS" | "ETIMEDOUT"))
                        if took_ns > LONG_NS =>
                    {
                        took_ns
                    }
                    (Some("return"), Some("poll" | "select" | "wait"), None)
                        if took_ns > LONG_NS && line["result"] == 0 =>
                    {
                        took_ns
                    }
                    (Some("return"), Some("connect"), None) if took_ns > SYN_RETRY_NS => took_ns,
                    _ => 0,
                };
        }
    }
    Ok(Duration::from_nanos(waits_ns))
}
