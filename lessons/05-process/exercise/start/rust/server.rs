fn main() {
    let port: u16 = std::env::args().next_back().and_then(|it| it.parse().ok()).expect("a port");
    // Listen at 127.0.0.1 on this port.
    // For each line of a client run `sleep` with that number of seconds, then send "done".
    let _ = port;
}
