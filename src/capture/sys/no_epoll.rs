//! The face of epoll(7) on systems that have nothing like it: [`Epoll::new`] fails.

use std::io;
use std::time::Duration;

use super::unsupported;
use crate::trace::{EpollOperation, Feature};

pub const EPOLL: &str = "epoll";
pub const HAS_EPOLL: bool = false;
pub const EPOLL_CREATE: (&str, &str) = ("epoll", "epoll_create1");
pub const EPOLL_FLAGS: &str = "";
pub const EPOLL_CTL: (&str, &str) = ("epoll_ctl", "epoll_ctl");
pub const EPOLL_WAIT: (&str, &str) = ("epoll_wait", "epoll_wait");

#[derive(Debug)]
pub struct Epoll;

impl Epoll {
    pub fn new() -> io::Result<Epoll> {
        unsupported(Feature::Epoll)
    }

    pub fn descriptor(&self) -> i64 {
        -1
    }

    pub fn control(
        &self,
        _: &EpollOperation,
        _: &socket2::Socket,
        _: i16,
        _: bool,
    ) -> io::Result<i64> {
        unsupported(Feature::Epoll)
    }

    pub fn wait(&self, _: usize, _: Option<Duration>) -> io::Result<(i64, Vec<(i64, i16)>)> {
        unsupported(Feature::Epoll)
    }
}

pub fn epoll_words(operation: EpollOperation, _: i16, _: bool) -> (EpollOperation, Option<String>) {
    (operation, None)
}

pub fn epoll_events(_: i16) -> String {
    String::new()
}
