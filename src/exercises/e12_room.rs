//! The bonus exercise: a room in which many chat, by lines of ASCII.

use std::time::Duration;

use socket2::{Domain, SockAddr, Type};

use super::kit::{
    client, receive, received, received_whole, require, require_end, start_server, until_at_rest,
};
use crate::capture::{Lab, Program, Proof, Result, Socket};
use crate::experiments::judge;

/// What is said while frank does not read: more than the buffers on the way to her hold.
const LINES: usize = 400;
const LINE: usize = 990;
/// The receive buffer of a guest who reads slowly, in bytes.
const SMALL: usize = 4096;
/// The largest segment of a guest who reads slowly, in bytes: where segments are small, Linux gives the sender a small buffer.
#[cfg(unix)]
const SEGMENT: u32 = 536;

judge!(room_for_many);
/// The learner's server with guests who come, speak, and leave.
fn room_for_many(lab: &Lab) -> Result<()> {
    let (server, at) = start_server(lab, "listens-at-the-port")?;

    lab.part("the first guest");
    let mut alice = Guest::comes(lab, &server, &at, "alice")?;
    require(lab, "asks-for-a-name", alice.hears_a_line())?;
    alice.says("alice\n")?;
    require(lab, "tells-who-is-there", alice.hears_of(&[], &["alice"]))?;

    lab.part("the second guest");
    let mut bob = Guest::comes(lab, &server, &at, "bob")?;
    require(lab, "asks-for-a-name", bob.hears_a_line())?;
    bob.says("b")?;
    bob.says("ob\n")?;
    require(lab, "tells-who-is-there", bob.hears_of(&["alice"], &["bob"]))?;
    require(lab, "announces-a-guest", alice.hears_of(&["bob"], &[]))?;

    lab.part("they speak");
    bob.says("hello\n")?;
    require(lab, "passes-on-what-is-said", alice.hears("[bob] hello\n"))?;
    alice.says("hi\nhow are you?\n")?;
    require(lab, "echoes-nothing", bob.hears("[alice] hi\n"))?;
    require(lab, "takes-line-by-line", bob.hears("[alice] how are you?\n"))?;

    lab.part("a name that is none");
    let mut mallory = Guest::comes(lab, &server, &at, "mallory")?;
    require(lab, "asks-for-a-name", mallory.hears_a_line())?;
    mallory.says("not a name!\n")?;
    mallory.hears_out();
    require_end(lab, &server, "refuses-bad-names", "mallory", &mallory.socket)?;

    lab.part("one who has no name yet");
    let mut carol = Guest::comes(lab, &server, &at, "carol")?;
    require(lab, "asks-for-a-name", carol.hears_a_line())?;
    bob.says("who is there?\n")?;
    require(lab, "nobody-without-a-name", alice.hears("[bob] who is there?\n"))?;
    carol.says("carol\n")?;
    require(lab, "nobody-without-a-name", carol.hears_of(&["alice", "bob"], &["carol"]))?;
    require(lab, "announces-a-guest", alice.hears_of(&["carol"], &[]))?;
    require(lab, "announces-a-guest", bob.hears_of(&["carol"], &[]))?;

    lab.part("they leave");
    drop(bob);
    require(lab, "announces-a-leave", alice.hears_of(&["bob"], &[]))?;
    require(lab, "announces-a-leave", carol.hears_of(&["bob"], &[]))?;
    carol.socket.set_linger(Some(Duration::ZERO))?; // close() sends an RST
    drop(carol);
    require(lab, "survives-a-reset", alice.hears_of(&["carol"], &[]))?;

    waits_for_the_slow(lab, &server, &at, alice)
}

/// Much is said while frank does not read.
fn waits_for_the_slow(
    lab: &Lab,
    server: &Program,
    at: &SockAddr,
    mut alice: Guest<'_>,
) -> Result<()> {
    lab.part("one who reads slowly");
    let mut dora = Guest::comes(lab, server, at, "dora")?;
    require(lab, "asks-for-a-name", dora.hears_a_line())?;
    dora.says("dora\n")?;
    require(lab, "tells-who-is-there", dora.hears_of(&["alice"], &["dora"]))?;
    require(lab, "announces-a-guest", alice.hears_of(&["dora"], &[]))?;
    let slow = lab.actor("frank").socket(Domain::IPV4, Type::STREAM, None)?;
    slow.set_recv_buffer_size(SMALL)?;
    #[cfg(unix)]
    slow.bare().set_tcp_mss(SEGMENT)?;
    slow.set_read_timeout(Some(super::kit::LOOK))?;
    slow.connect(at)?;
    let mut frank = Guest { server, socket: slow, name: "frank", rest: Vec::new() };
    require(lab, "asks-for-a-name", frank.hears_a_line())?;
    frank.says("frank\n")?;
    require(lab, "tells-who-is-there", frank.hears_of(&["alice", "dora"], &["frank"]))?;
    require(lab, "announces-a-guest", alice.hears_of(&["frank"], &[]))?;
    require(lab, "announces-a-guest", dora.hears_of(&["frank"], &[]))?;

    let said: String = (0..LINES).map(|number| format!("{number:0LINE$}\n")).collect();
    let heard: String = said.lines().map(|line| format!("[alice] {line}\n")).collect();
    let wanted = heard.len();
    let (by_dora, by_frank) = lab.scope(|stage| {
        let dora = stage.actor("dora reads", |_| Ok(dora.hears_much(wanted)))?;
        let frank = stage.actor("frank reads", |_| {
            until_at_rest(server); // it has passed on all, or waits for her
            Ok(frank.hears_much(wanted))
        })?;
        let _ = alice.says(&said); // what does not arrive tells of a failure
        Ok((dora.finish()?, frank.finish()?))
    })?;
    require(lab, "waits-for-the-slow", received_whole("dora", &by_dora, heard.as_bytes()))?;
    require(lab, "waits-for-the-slow", received_whole("frank", &by_frank, heard.as_bytes()))
}

/// One who is in the room, or wants to be.
struct Guest<'a> {
    server: &'a Program,
    socket: Socket,
    name: &'static str,
    /// What was received behind the last line.
    rest: Vec<u8>,
}

impl<'a> Guest<'a> {
    fn comes(
        lab: &Lab,
        server: &'a Program,
        at: &SockAddr,
        name: &'static str,
    ) -> Result<Guest<'a>> {
        let socket = client(lab, name, at)?;
        Ok(Guest { server, socket, name, rest: Vec::new() })
    }

    fn says(&self, text: &str) -> Result<()> {
        Ok(self.socket.send_all(text.as_bytes())?)
    }

    /// The next line, with its newline; less than a line if nothing more comes.
    fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let behind = self.rest.split_off(end + 1);
                return std::mem::replace(&mut self.rest, behind);
            }
            let mut buffer = [0; 1024];
            match receive(self.server, &self.socket, &mut buffer) {
                Ok(got @ 1..) => self.rest.extend_from_slice(&buffer[..got]),
                Ok(_) | Err(_) => return std::mem::take(&mut self.rest),
            }
        }
    }

    /// The next line is any line.
    fn hears_a_line(&mut self) -> Proof {
        let line = self.line();
        let is_line = line.ends_with(b"\n");
        let wanted = if is_line { line.clone() } else { "…\n".as_bytes().to_vec() };
        received(self.name, &line, &wanted)
    }

    /// The next line is this one.
    fn hears(&mut self, wanted: &str) -> Proof {
        let line = self.line();
        received(self.name, line.trim_ascii_end(), wanted.trim_end().as_bytes())
    }

    /// The next line is one of the server's own, and names these and not those.
    fn hears_of(&mut self, these: &[&str], not_those: &[&str]) -> Proof {
        let line = self.line();
        let text = String::from_utf8_lossy(&line);
        let fits = text.starts_with('*')
            && text.ends_with('\n')
            && these.iter().all(|name| text.contains(name))
            && !not_those.iter().any(|name| text.contains(name));
        let wanted = format!("* … {}\n", these.join(", "));
        let wanted = if fits { line.clone() } else { wanted.into_bytes() };
        received(self.name, &line, &wanted)
    }

    /// Reads to the end of the connection.
    fn hears_out(&mut self) {
        while self.line().ends_with(b"\n") {}
    }

    /// So many bytes, or as many as come.
    fn hears_much(&mut self, wanted: usize) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.rest);
        while all.len() < wanted {
            let mut buffer = [0; 16_384];
            match receive(self.server, &self.socket, &mut buffer) {
                Ok(got @ 1..) => all.extend_from_slice(&buffer[..got]),
                Ok(_) | Err(_) => break,
            }
        }
        all
    }
}
