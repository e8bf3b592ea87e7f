//! The chat against nc and socat, and against bare sockets, in one run: `cargo bench --bench chat`.
//!
//! Both sides of each are processes of their own. Two programs take turns, and the median of the pairs' ratios is told.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

type Answer<T> = Result<T, Box<dyn Error>>;

const LINES: usize = 2_000_000;
const PAIRS: usize = 7;
const ROUNDS: usize = 10_000;

fn main() -> Answer<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, role, at] = &args[..]
        && role.starts_with("bare-")
    {
        return bare(role, at);
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chat");
    fs::create_dir_all(&folder)?;
    println!("| what is measured | against | ratio (median) | spread | asked |");
    println!("| --- | --- | --- | --- | --- |");
    throughput(&folder)?;
    latency()?;
    idle()
}

fn row(what: &str, against: &str, asked: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (ratios.first(), ratios.last()) else {
        return;
    };
    println!(
        "| {what} | {against} | {:.2} | {least:.2} to {most:.2} | {asked} |",
        ratios[ratios.len() / 2]
    );
}

fn free_port() -> Answer<u16> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    Ok(socket.local_addr()?.as_socket().ok_or("an address")?.port())
}

/// Waits until somebody listens there, without calling: the server takes one call only.
fn until_somebody_listens(port: u16) -> Answer<()> {
    let wanted = format!("0100007F:{port:04X} 00000000:0000 0A");
    while !fs::read_to_string("/proc/net/tcp")?.contains(&wanted) {
        thread::yield_now();
    }
    Ok(())
}

// ---- many lines ----

fn throughput(folder: &Path) -> Answer<()> {
    let (lines, out) = (folder.join("lines.txt"), folder.join("out.txt"));
    let mut text = Vec::new();
    for number in 0..LINES {
        writeln!(text, "{number:07} 你好，世界 hello there")?;
    }
    fs::write(&lines, &text)?;
    let chat = |side: &str, port: u16| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
        command.args(["chat", side, "--address", &format!("127.0.0.1:{port}")]);
        command
    };
    let ours = || pipe(&lines, &out, |port| chat("server", port), |port| chat("client", port));
    let nc = || {
        let server = |port: u16| with(Command::new("nc"), &["-l", "127.0.0.1", &port.to_string()]);
        pipe(&lines, &out, server, |port| {
            with(Command::new("nc"), &["-N", "127.0.0.1", &port.to_string()])
        })
    };
    let socat = || {
        let server = |port: u16| {
            with(Command::new("socat"), &["-u", &format!("TCP-LISTEN:{port},bind=127.0.0.1"), "-"])
        };
        pipe(&lines, &out, server, |port| {
            with(Command::new("socat"), &["-u", "-", &format!("TCP:127.0.0.1:{port}")])
        })
    };
    ours()?;
    let got = fs::read_to_string(&out)?;
    let same = got
        .lines()
        .map(|line| line.strip_prefix("Jack: "))
        .eq(std::str::from_utf8(&text)?.lines().map(Some));
    println!(
        "| 2,000,000 lines, the bytes but for the labels | what was sent | {} | | the same |",
        if same { "same" } else { "DIFFERENT" }
    );
    for (name, rival, asked) in [
        ("nc", &nc as &dyn Fn() -> Answer<Duration>, "at most 1.2"),
        ("socat", &socat, "(not asked)"),
    ] {
        if Command::new(name)
            .arg("-h")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            println!("| 2,000,000 lines | {name} | not installed here | | |");
            continue;
        }
        let ratios = (0..PAIRS)
            .map(|_| Ok(ours()?.as_secs_f64() / rival()?.as_secs_f64()))
            .collect::<Answer<_>>()?;
        row("2,000,000 lines, client to server", name, asked, ratios);
    }
    Ok(())
}

fn with(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}

/// From the client's start to the server's end.
fn pipe(
    lines: &Path,
    out: &Path,
    server: impl Fn(u16) -> Command,
    client: impl Fn(u16) -> Command,
) -> Answer<Duration> {
    let _ = fs::remove_file(out);
    let port = free_port()?;
    let mut server = server(port)
        .stdin(Stdio::null())
        .stdout(File::create(out)?)
        .stderr(Stdio::null())
        .spawn()?;
    until_somebody_listens(port)?;
    let begun = Instant::now();
    let mut client = client(port)
        .stdin(File::open(lines)?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    server.wait()?;
    let took = begun.elapsed();
    client.wait()?;
    Ok(took)
}

// ---- one line ----

/// Two processes, a line typed into the one until it is shown by the other, and back. The rival does the same with socket2
/// and two threads a side, and nothing else: what is measured is the chat, not the pipes.
fn latency() -> Answer<()> {
    let explore = |side: &str, at: &str| {
        with(Command::new(env!("CARGO_BIN_EXE_explore")), &["chat", side, "--address", at])
    };
    let myself = std::env::current_exe()?;
    let rival = |side: &str, at: &str| with(Command::new(&myself), &[&format!("bare-{side}"), at]);
    let (mut middle, mut late) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (ours, bare) = (ping_pong(&explore)?, ping_pong(&rival)?);
        middle.push(ours.0 / bare.0);
        late.push(ours.1 / bare.1);
    }
    row("a line there and back, p50", "bare socket2", "at most 1.2", middle);
    row("a line there and back, p99", "bare socket2", "(not asked)", late);
    Ok(())
}

struct End {
    child: Child,
    keys: ChildStdin,
    screen: BufReader<ChildStdout>,
}

impl End {
    fn start(mut command: Command) -> Answer<End> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let keys = child.stdin.take().ok_or("piped")?;
        let screen = BufReader::new(child.stdout.take().ok_or("piped")?);
        Ok(End { child, keys, screen })
    }
}

fn ping_pong(command: &dyn Fn(&str, &str) -> Command) -> Answer<(f64, f64)> {
    let port = free_port()?;
    let at = format!("127.0.0.1:{port}");
    let mut server = End::start(command("server", &at))?;
    until_somebody_listens(port)?;
    let mut client = End::start(command("client", &at))?;
    let mut line = String::new();
    let mut all = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        say(&mut client.keys, &mut server.screen, &mut line)?;
        say(&mut server.keys, &mut client.screen, &mut line)?;
        all.push(begun.elapsed().as_secs_f64());
    }
    for End { mut child, keys, .. } in [client, server] {
        drop(keys);
        let _ = child.kill();
        child.wait()?;
    }
    all.sort_by(f64::total_cmp);
    Ok((all[ROUNDS / 2], all[ROUNDS * 99 / 100]))
}

/// A line from one side's keyboard to the other's screen.
fn say(from: &mut ChildStdin, to: &mut BufReader<ChildStdout>, line: &mut String) -> Answer<()> {
    from.write_all("你好，世界\n".as_bytes())?;
    line.clear();
    to.read_line(line)?;
    if line.ends_with("世界\n") { Ok(()) } else { Err(format!("{line:?} came").into()) }
}

/// The rival: bytes from standard input to the socket, bytes from the socket to standard output.
fn bare(role: &str, at: &str) -> Answer<()> {
    let at: SocketAddr = at.parse()?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let socket = if role == "bare-server" {
        socket.set_reuse_address(true)?;
        socket.bind(&at.into())?;
        socket.listen(1)?;
        socket.accept()?.0
    } else {
        socket.connect(&at.into())?;
        socket
    };
    socket.set_tcp_nodelay(true)?;
    thread::scope(|scope| {
        scope.spawn(|| copy(std::io::stdin().lock(), &socket));
        Ok(copy(&socket, standard_output()?)?)
    })
}

/// Standard output, without the buffer of the standard library where that can be had.
#[cfg(unix)]
fn standard_output() -> std::io::Result<File> {
    Ok(File::from(std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn standard_output() -> std::io::Result<std::io::Stdout> {
    Ok(std::io::stdout())
}

fn copy(mut from: impl Read, mut to: impl Write) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            got => to.write_all(&buffer[..got])?,
        }
    }
}

// ---- nobody says a word ----

/// Processor time that both sides use in two seconds of silence, in clock ticks (proc_pid_stat(5)).
fn idle() -> Answer<()> {
    for style in ["threads", "turns", "poll"] {
        let port = free_port()?;
        let at = format!("127.0.0.1:{port}");
        let chat = |side| {
            with(
                Command::new(env!("CARGO_BIN_EXE_explore")),
                &["chat", side, "--address", &at, "--style", style],
            )
        };
        let server = End::start(chat("server"))?;
        until_somebody_listens(port)?;
        let mut client = End::start(chat("client"))?;
        let mut server = server;
        client.keys.write_all(b"hello\n")?;
        server.screen.read_line(&mut String::new())?;
        let used = |end: &End| -> Answer<u64> {
            let mut sum = 0;
            for task in fs::read_dir(format!("/proc/{}/task", end.child.id()))? {
                let text = fs::read_to_string(task?.path().join("schedstat"))?;
                sum += text.split(' ').next().ok_or("schedstat")?.parse::<u64>()?;
            }
            Ok(sum)
        };
        let before = used(&server)? + used(&client)?;
        thread::sleep(Duration::from_secs(2));
        let spent = used(&server)? + used(&client)? - before;
        println!(
            "| processor time of both sides in 2 s of silence, {style} | | {spent} ns | | none |"
        );
        for mut end in [server, client] {
            let _ = end.child.kill();
            end.child.wait()?;
        }
    }
    Ok(())
}
