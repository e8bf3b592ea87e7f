fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [.., address, port] = &args[..] else { panic!("client ADDRESS PORT") };
    // Connect to this address and port. Send the lines of standard input in one frame, and print what comes back.
    for line in std::io::stdin().lines() {
        let _ = line;
    }
    let _ = (address, port);
}
