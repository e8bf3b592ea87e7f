use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

fn echo(mut connection: TcpStream) -> io::Result<()> {
    let mut data = [0; 4096];
    loop {
        match connection.read(&mut data)? {
            0 => return Ok(()), // the client will send no more
            n => connection.write_all(&data[..n])?,
        }
    }
}

fn main() -> io::Result<()> {
    let port = std::env::args().last().and_then(|word| word.parse().ok()).expect("a port");
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    loop {
        let (connection, _) = listener.accept()?;
        if let Err(error) = echo(connection) {
            eprintln!("this client has broken off: {error}");
        }
    }
}
