fn main() {
    let port: u16 = std::env::args().next_back().and_then(|it| it.parse().ok()).expect("a port");
    // Connect to 127.0.0.1 and this port. Send the lines of standard input, and print what comes back.
    for line in std::io::stdin().lines() {
        let _ = line;
    }
    let _ = port;
}
