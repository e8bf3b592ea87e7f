//! The programs that talk across the switch. They are plain programs on the standard library, and know nothing of the link.

#![allow(clippy::disallowed_methods)] // no sockets of ours: nothing of them is recorded

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// Runs one of them; each prints what it saw, a line for each fact.
pub fn run(name: &str, args: &[String]) -> io::Result<()> {
    let address = args.first().map_or("", String::as_str);
    match name {
        "tcp-server" => tcp_server(address),
        "tcp-client" => tcp_client(address),
        "connect" => connect(address),
        "udp-server" => udp_server(address, args.get(1).map_or("", String::as_str)),
        "udp-client" => udp_client(address, args.get(1).and_then(|count| count.parse().ok())),
        "udp-peer" => udp_peer(args),
        "udp-to-nobody" => udp_to_nobody(address),
        "ping-until-silence" => ping_until_silence(address),
        _ => Err(io::Error::other("no such program")),
    }
}

/// Says that clients may come, and what they do when they have.
fn ready() -> io::Result<()> {
    println!("ready");
    io::stdout().flush()
}

/// Echoes two clients' bytes, one client after the other, or those of one if nobody else comes while it is there.
fn tcp_server(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    ready()?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        println!("peer {}", stream.peer_addr()?);
        io::stdout().flush()?;
        let mut buffer = [0; 100];
        loop {
            match stream.read(&mut buffer)? {
                0 => break,
                length => stream.write_all(&buffer[..length])?,
            }
        }
    }
    Ok(())
}

fn tcp_client(address: &str) -> io::Result<()> {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    println!("connected {}", begun.elapsed().as_millis());
    println!("local {}", stream.local_addr()?);
    stream.write_all(b"hello")?;
    let mut buffer = [0; 5];
    stream.read_exact(&mut buffer)?;
    println!("echo {}", String::from_utf8_lossy(&buffer));
    Ok(())
}

fn connect(address: &str) -> io::Result<()> {
    match TcpStream::connect(address) {
        Ok(_) => println!("connected"),
        Err(error) => println!("{:?}", error.kind()),
    }
    Ok(())
}

/// Prints what arrives, to the datagram that says `last`.
fn udp_server(address: &str, last: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    ready()?;
    let mut buffer = [0; 100];
    let mut all = Vec::new();
    while all.last().is_none_or(|text| text != last) {
        let length = socket.recv(&mut buffer)?;
        all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    println!("received {}", all.join(" "));
    Ok(())
}

fn udp_client(address: &str, count: Option<u32>) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    for number in 1..=count.unwrap_or(1) {
        socket.send_to(number.to_string().as_bytes(), address)?;
    }
    Ok(())
}

/// One of two who have the same port: bound to the first address, it calls the second, or waits to be called if there is none.
fn udp_peer(args: &[String]) -> io::Result<()> {
    let socket = UdpSocket::bind(&args[0])?;
    ready()?;
    let mut buffer = [0; 100];
    if let Some(other) = args.get(1) {
        socket.send_to(b"hello", other)?;
        let (_, from) = socket.recv_from(&mut buffer)?;
        println!("from {from}");
    } else {
        let (length, from) = socket.recv_from(&mut buffer)?;
        println!("from {from}");
        socket.send_to(&buffer[..length], from)?;
    }
    Ok(())
}

fn udp_to_nobody(address: &str) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    socket.send(b"anybody?")?;
    let answer = socket.recv(&mut [0; 100]).map_err(|error| error.kind());
    println!("{:?}", answer.err().unwrap_or(io::ErrorKind::Other));
    Ok(())
}

/// Sends a byte and waits for its echo until none comes for as long as only a link that is cut keeps it.
fn ping_until_silence(address: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect::<SocketAddr>(address.parse().map_err(io::Error::other)?)?;
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    loop {
        stream.write_all(b"x")?;
        if stream.read_exact(&mut [0]).is_err() {
            println!("silence");
            return Ok(());
        }
    }
}
