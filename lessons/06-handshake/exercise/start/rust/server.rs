// rustc server.rs
use std::net::TcpListener;

fn main() {
    let port: u16 = std::env::args().last().and_then(|word| word.parse().ok()).expect("a port");
    // Listen at 127.0.0.1 on this port. A client sends a line with a number: send it so many dots, and end the connection so that
    // nothing is lost.
    let _ = (port, TcpListener::bind::<(&str, u16)>);
}
