// What the Rust cells of the lessons' tables may use. The cells follow, each in a function with the parameters of `Cell`.
#![allow(warnings)]
use std::error::Error;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddrV4, SocketAddrV6};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fs, str};

use nix::poll::{PollFd, PollTimeout};
use socket2::{Domain, MaybeUninitSlice, SockAddr, Socket, Type};

struct Cell {
    s: Socket,
    at: SockAddr,
    family: Domain,
    kind: Type,
    b: [u8; 1024],
    n: usize,
    parts: Vec<MaybeUninitSlice<'static>>,
    wanted: Vec<PollFd<'static>>,
    limit: Duration,
    deadline: Instant,
    line: String,
    error: io::Error,
    utf8_error: str::Utf8Error,
    name: &'static str,
    path: &'static Path,
    p: Child,
    t: JoinHandle<()>,
    f: fn(),
    receive: fn(),
}
