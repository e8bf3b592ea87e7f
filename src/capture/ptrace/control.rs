//! The control channel of a trace: orders of the program that shows it, read without waiting. When it closes, the trace stops.

use std::io;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::capture::child::Resume;

/// What the tracer is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Let the held call of this number in this process be made.
    Resume(u32, u64),
    /// Hold no call any more.
    ResumeAll,
    /// End the programs.
    Stop,
}

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

    /// The orders that have come by now.
    pub fn read(&mut self) -> Vec<Order> {
        let mut input = [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut input, PollTimeout::ZERO), Ok(1..)) {
            return Vec::new();
        }
        let mut room = [0; 4096];
        match nix::unistd::read(&self.input, &mut room) {
            Ok(0) => vec![Order::Stop],
            Ok(got) => {
                self.unread.extend(&room[..got]);
                self.orders()
            }
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => Vec::new(),
            Err(_) => vec![Order::Stop],
        }
    }

    fn orders(&mut self) -> Vec<Order> {
        let mut all = Vec::new();
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            all.extend(serde_json::from_slice(&line).ok().map(|resume| match resume {
                Resume::Call { process, call } => Order::Resume(process, call),
                Resume::All => Order::ResumeAll,
            }));
        }
        all
    }
}
