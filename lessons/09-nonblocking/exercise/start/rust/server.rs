// rustc server.rs
use std::net::TcpListener;

fn main() {
    let port: u16 = std::env::args().last().and_then(|word| word.parse().ok()).expect("a port");
    // Listen at 127.0.0.1 on this port. To each line that a client sends, send back the line backwards.
    // One thread serves all clients: none of its calls waits for one of them alone. (The standard library has non-blocking mode,
    // but no poll(): declare the one of the C library, or use the crate polling or mio.)
    let _ = (port, TcpListener::bind::<(&str, u16)>);
}
