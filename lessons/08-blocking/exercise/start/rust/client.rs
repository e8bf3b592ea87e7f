// rustc client.rs
use std::net::TcpStream;

fn main() {
    let port: u16 = std::env::args().last().and_then(|word| word.parse().ok()).expect("a port");
    // Connect to 127.0.0.1 and this port. Send 20,000,000 bytes, receive to the end at the same time, and print how many came.
    let _ = (port, TcpStream::connect::<(&str, u16)>);
}
