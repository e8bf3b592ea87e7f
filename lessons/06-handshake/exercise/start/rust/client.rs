// rustc client.rs
use std::net::TcpStream;

fn main() {
    let port: u16 = std::env::args().last().and_then(|word| word.parse().ok()).expect("a port");
    // Connect to 127.0.0.1 and this port. Send standard input, say that this is all, and print the answer.
    let _ = (port, TcpStream::connect::<(&str, u16)>);
}
