use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let port = std::env::args().last().and_then(|word| word.parse().ok()).expect("a port");
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        connection.write_all(&line)?;
        connection.read_exact(&mut line)?; // the echo may come in pieces
        output.write_all(&line)?;
        output.flush()?;
        line.clear();
    }
    Ok(())
}
