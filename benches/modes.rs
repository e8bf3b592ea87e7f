//! The three modes, measured: `cargo bench --bench modes`. Ratios against a rival in the same run, and how far a timeout
//! overshoots what was asked.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use socket_explorer::capture::{Lab, Result as LabResult, Sampler};
use socket2::{Domain, Type};

type Answer<T> = Result<T, Box<dyn Error>>;

fn main() -> Answer<()> {
    println!("| what is measured | against | ratio (median) |");
    println!("| --- | --- | --- |");
    for connections in [1, 100, 1_000, 5_000] {
        let mut ratios =
            (0..3).map(|_| epoll_to_threads(connections)).collect::<Answer<Vec<_>>>()?;
        println!(
            "| epoll, {connections} connections, time a message | a thread for each | {} |",
            median(&mut ratios)
        );
    }
    let mut ratios =
        (0..9).map(|_| Ok(ping_pong(true)? / ping_pong(false)?)).collect::<Answer<Vec<_>>>()?;
    println!("| ping-pong with the sampler on | with it off | {} |", median(&mut ratios));
    println!();
    println!("| timeout asked | overshoot p50 | overshoot p99 |");
    println!("| --- | --- | --- |");
    for asked in [Duration::from_millis(50), Duration::from_millis(200)] {
        let mut over = overshoots(asked, 100)?;
        over.sort_unstable();
        println!(
            "| {asked:?} | {:.1?} | {:.1?} |",
            over[over.len() / 2],
            over[over.len() * 99 / 100]
        );
    }
    Ok(())
}

fn median(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    format!("{:.2} ({:.2} to {:.2})", values[values.len() / 2], values[0], values[values.len() - 1])
}

/// Time a message with epoll, over the time with a thread for each connection, as the lesson's own experiment measures them.
fn epoll_to_threads(connections: u64) -> Answer<f64> {
    let output = Command::new(Path::new(env!("CARGO_BIN_EXE_explore")))
        .args([
            "run",
            "many-connections",
            "--set",
            &format!("connections={connections}"),
            "--set",
            "messages=200",
            "--record",
            "-",
        ])
        .stdin(Stdio::null())
        .output()?;
    let mut times: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: serde_json::Value = serde_json::from_slice(line)?;
        if let (Some("point"), Some("ns"), Some(series), Some(x), Some(y)) = (
            line["event"].as_str(),
            line["unit"].as_str(),
            line["series"].as_str(),
            line["x"].as_f64(),
            line["y"].as_f64(),
        ) {
            let largest = times.entry(series.to_owned()).or_insert((x, y));
            if x >= largest.0 {
                *largest = (x, y);
            }
        }
    }
    match (times.get("epoll"), times.get("threads")) {
        (Some((x, epoll)), Some((also, threads))) if x == also => {
            if *x < connections as f64 {
                eprintln!(
                    "{connections} connections were asked for, {x} were reached: raise `ulimit -n`"
                );
            }
            Ok(epoll / threads)
        }
        _ => Err("many-connections plotted nothing".into()),
    }
}

const ROUNDS: usize = 10_000;

/// Seconds for a recorded ping-pong between two threads, with the sampler looking at them or not.
fn ping_pong(sampled: bool) -> Answer<f64> {
    let lab = Lab::in_memory();
    let server = lab.actor("server");
    let listener = server.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.here(0))?;
    listener.listen(1)?;
    let address = listener.local_addr()?;
    let sampler = if sampled { Some(lab.sampler(Sampler::PERIOD)?) } else { None };
    let begun = Instant::now();
    lab.scope(|stage| -> LabResult<()> {
        let client = stage.actor("client", |me| {
            let socket = me.socket(Domain::IPV4, Type::STREAM, None)?;
            socket.connect(&address)?;
            for _ in 0..ROUNDS {
                socket.send(b"ping")?;
                socket.recv(&mut [0; 8])?;
            }
            Ok(())
        })?;
        let (connection, _) = listener.accept()?;
        for _ in 0..ROUNDS {
            connection.recv(&mut [0; 8])?;
            connection.send(b"pong")?;
        }
        client.finish()
    })?;
    let took = begun.elapsed().as_secs_f64();
    if let Some(sampler) = sampler {
        sampler.stop();
    }
    Ok(took)
}

/// How much later than asked recv gave up on a socket where nothing ever comes.
fn overshoots(asked: Duration, times: usize) -> Answer<Vec<Duration>> {
    let lab = Lab::in_memory();
    let socket = lab.actor("waits").socket(Domain::IPV4, Type::DGRAM, None)?;
    socket.bind(&lab.here(0))?;
    socket.set_read_timeout(Some(asked))?;
    (0..times)
        .map(|_| {
            let begun = Instant::now();
            match socket.recv(&mut [0; 8]) {
                Ok(_) => Err("somebody sent something".into()),
                Err(_) => Ok(begun.elapsed().saturating_sub(asked)),
            }
        })
        .collect()
}
