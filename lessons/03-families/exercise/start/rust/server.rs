fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [.., port, path] = &args[..] else { panic!("server PORT PATH") };
    // Listen at 127.0.0.1 and ::1 on this port, and at this path.
    // Tell each client its family, then send back what it sends.
    let _ = (port, path);
}
