//! The control channel of a trace, read without waiting.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::capture::child::Order;

/// The channel: our standard input.
#[derive(Debug)]
pub struct Control {
    input: io::Stdin,
    unread: Vec<u8>,
}

impl Control {
    pub fn new() -> Control {
        Control { input: io::stdin(), unread: Vec::new() }
    }

    /// The orders that have come by now; `None` if the channel is closed, and the trace is to stop.
    pub fn read(&mut self) -> Option<Vec<Order>> {
        let mut input = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut input, PollTimeout::ZERO), Ok(1..)) {
            return Some(Vec::new());
        }
        let mut room = [0; 4096];
        match nix::unistd::read(&self.input, &mut room) {
            Ok(0) => None,
            Ok(got) => {
                self.unread.extend(&room[..got]);
                Some(self.orders())
            }
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => Some(Vec::new()),
            Err(_) => None,
        }
    }

    fn orders(&mut self) -> Vec<Order> {
        let mut all = Vec::new();
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            all.extend(serde_json::from_slice::<Order>(&line));
        }
        all
    }
}
