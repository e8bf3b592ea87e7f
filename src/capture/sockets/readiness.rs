//! Readiness of many sockets at once: select and poll (epoll is in `epoll`), recorded like every other call.
//!
//! All three find out on which sockets a call would not block. None is repeated automatically: if a signal interrupts one, the
//! caller gets the error `EINTR`.

use std::io;
use std::panic::Location;
use std::time::Duration;

use super::{Socket, record};
use crate::capture::sys::BorrowedInput;
use crate::capture::{Actor, sys};
use crate::trace::{Call, FdList, Listed, Output, PollList, Role, Syscall};

/// What a socket is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read: bytes, the end of them, or on a listening socket a connection.
    Read,
    /// Room to write, or on a connecting socket the end of connect.
    Write,
    /// Both.
    ReadWrite,
}

impl Interest {
    pub(super) fn bits(self) -> i16 {
        match self {
            Interest::Read => sys::READABLE,
            Interest::Write => sys::WRITABLE,
            Interest::ReadWrite => sys::READABLE | sys::WRITABLE,
        }
    }
}

/// Which sockets are ready, and for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Descriptors with what they are ready for, in the kernel's order.
    pub(super) found: Vec<(i64, i16)>,
}

impl Ready {
    /// True if recv (or accept) on this socket would not block. That includes an error or a hang-up, which recv reports at once.
    #[must_use]
    pub fn readable(&self, socket: &Socket) -> bool {
        self.bits(socket) & (sys::READABLE | sys::HANG_UP | sys::ERROR) != 0
    }

    /// True if send on this socket would not block. That includes an error, which send reports at once.
    #[must_use]
    pub fn writable(&self, socket: &Socket) -> bool {
        self.bits(socket) & (sys::WRITABLE | sys::ERROR) != 0
    }

    /// True if this socket is ready for anything at all.
    #[must_use]
    pub fn has_socket(&self, socket: &Socket) -> bool {
        self.bits(socket) != 0
    }

    /// True if this one has something to read, or is at its end.
    #[must_use]
    pub fn has(&self, input: BorrowedInput<'_>) -> bool {
        self.found.iter().any(|(fd, _)| *fd == sys::input_number(input))
    }

    /// How many sockets are ready.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// True if no socket was ready before the timeout.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The descriptors that are ready, in the kernel's order (see [`Socket::descriptor`]).
    pub fn descriptors(&self) -> impl Iterator<Item = i64> {
        self.found.iter().map(|(fd, _)| *fd)
    }

    fn bits(&self, socket: &Socket) -> i16 {
        let fd = socket.descriptor();
        self.found.iter().filter(|(found, _)| *found == fd).fold(0, |bits, (_, more)| bits | more)
    }

    /// The return value and the output of a call that found these; `name` names the bits.
    pub(super) fn output(&self, name: fn(i16) -> String) -> (i64, Output) {
        let found = self.found.iter().map(|(fd, bits)| (*fd, name(*bits).into()));
        let out = if self.is_empty() { Output::None } else { Output::Ready(Listed::of(found)) };
        (i64::try_from(self.found.len()).unwrap_or(i64::MAX), out)
    }
}

/// Descriptors with what they are watched for, as poll(2) takes them.
fn poll_list(watched: impl ExactSizeIterator<Item = (i64, i16)>) -> PollList {
    Listed::of(watched.map(|(fd, bits)| (fd, sys::poll_events(bits).into())))
}

impl Actor {
    pub(super) fn ask<T>(
        &self,
        names: (&'static str, &'static str),
        (fd, syscall): (Option<i64>, Syscall),
        site: &'static Location<'static>,
        perform: impl FnOnce() -> io::Result<T>,
        tell: impl FnOnce(&T) -> (i64, Output),
    ) -> io::Result<T> {
        let recorder = self.lab().recorder();
        let call = Call {
            id: recorder.number(),
            syscall,
            name: names.1.into(),
            api: Some(names.0.into()),
            fd,
            socket: None,
            site: Some(site.into()),
            role: Role::Program,
        };
        record(recorder, self.event_name(), call, perform, tell)
    }

    /// Waits until one of these sockets is ready, or until the timeout (`None`: indefinitely): select(2). It takes no
    /// descriptor from 1024 on, and every call passes the whole list.
    ///
    /// # Errors
    /// `EINTR` if a signal came; `EINVAL` for a descriptor that it cannot take.
    #[track_caller]
    pub fn select(
        &self,
        read: &[&Socket],
        write: &[&Socket],
        timeout: Option<Duration>,
    ) -> io::Result<Ready> {
        let fds = |sockets: &[&Socket]| {
            sockets.iter().map(|socket| socket.descriptor()).collect::<Vec<_>>()
        };
        let (reading, writing) = (fds(read), fds(write));
        let syscall = Syscall::Select {
            except: FdList::default(),
            nfds: reading.iter().chain(&writing).max().map_or(0, |fd| fd + 1),
            read: Listed::of(reading.iter().copied()),
            write: Listed::of(writing.iter().copied()),
            timeout_us: timeout.and_then(|span| u64::try_from(sys::microseconds(span)).ok()),
        };
        let perform = || {
            let narrow = |fds: &[i64]| {
                fds.iter().map(|fd| i32::try_from(*fd).unwrap_or(-1)).collect::<Vec<_>>()
            };
            let (mut reading, mut writing) = (narrow(&reading), narrow(&writing));
            sys::select(&mut reading, &mut writing, timeout)?;
            let read = reading.into_iter().map(|fd| (i64::from(fd), sys::READABLE));
            let mut found: Vec<(i64, i16)> = read.collect();
            for fd in writing.into_iter().map(i64::from) {
                match found.iter_mut().find(|(known, _)| *known == fd) {
                    Some((_, bits)) => *bits |= sys::WRITABLE,
                    None => found.push((fd, sys::WRITABLE)),
                }
            }
            Ok(Ready { found })
        };
        // select(2) counts bits, not sockets: one that is ready for both counts twice.
        let tell = |ready: &Ready| {
            let bits = ready.found.iter().map(|(_, bits)| i64::from(bits.count_ones())).sum();
            (bits, ready.output(sys::poll_events).1)
        };
        self.ask(("select", sys::SELECT), (None, syscall), Location::caller(), perform, tell)
    }

    /// Waits until one of these sockets is ready, or until the timeout (`None`: indefinitely): poll(2). The list may have any
    /// length, and every call passes the whole of it.
    ///
    /// # Errors
    /// `EINTR` if a signal came; `EINVAL` for more sockets than the limit of descriptors.
    #[track_caller]
    pub fn poll(
        &self,
        watched: &[(&Socket, Interest)],
        timeout: Option<Duration>,
    ) -> io::Result<Ready> {
        let all = watched.iter().map(|(socket, interest)| (socket.descriptor(), interest.bits()));
        let syscall = Syscall::Poll {
            watched: poll_list(all),
            timeout_ms: i64::from(sys::milliseconds(timeout)),
        };
        let perform = || {
            let asked: Vec<_> =
                watched.iter().map(|(socket, interest)| (socket.bare(), interest.bits())).collect();
            let returned = sys::poll(&asked, timeout)?;
            let each = watched.iter().zip(returned).filter(|(_, bits)| *bits != 0);
            Ok(Ready {
                found: each.map(|((socket, _), bits)| (socket.descriptor(), bits)).collect(),
            })
        };
        let tell = |ready: &Ready| ready.output(sys::poll_events);
        self.ask(("poll", sys::POLL), (None, syscall), Location::caller(), perform, tell)
    }

    /// [`Actor::poll`] that watches something else too, for something to read: a keyboard, a pipe.
    #[track_caller]
    pub fn poll_also(
        &self,
        watched: &[(&Socket, Interest)],
        also: &[BorrowedInput<'_>],
        timeout: Option<Duration>,
    ) -> io::Result<Ready> {
        let sockets = watched
            .iter()
            .map(|(socket, interest)| (sys::borrow_socket(socket.bare()), interest.bits()));
        let asked: Vec<_> =
            sockets.chain(also.iter().map(|input| (*input, sys::READABLE))).collect();
        let all = asked.iter().map(|(one, bits)| (sys::input_number(*one), *bits));
        let all: Vec<_> = all.collect();
        let syscall = Syscall::Poll {
            watched: poll_list(all.iter().copied()),
            timeout_ms: i64::from(sys::milliseconds(timeout)),
        };
        let perform = || {
            let returned = sys::poll(&asked, timeout)?;
            let each = all.iter().zip(returned).filter(|(_, bits)| *bits != 0);
            Ok(Ready { found: each.map(|((fd, _), bits)| (*fd, bits)).collect() })
        };
        let tell = |ready: &Ready| ready.output(sys::poll_events);
        self.ask(("poll", sys::POLL), (None, syscall), Location::caller(), perform, tell)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::capture::{Lab, failed_with};
    use crate::trace::{EventKind, Outcome, SyscallKind};
    use socket2::{Domain, Type};

    /// Two connected ends on this machine.
    fn pair(lab: &Lab, actor: &Actor) -> (Socket, Socket) {
        let listener = actor.socket(Domain::IPV4, Type::STREAM, None).expect("socket");
        listener.bind(&lab.here(0)).and_then(|()| listener.listen(1)).expect("listen");
        let client = actor.socket(Domain::IPV4, Type::STREAM, None).expect("socket");
        client.connect(&listener.local_addr().expect("address")).expect("connect");
        (client, listener.accept().expect("accept").0)
    }

    fn last(lab: &Lab, actor: &str, kind: SyscallKind) -> crate::trace::Return {
        lab.last_call(actor, kind).expect("it was called").back
    }

    #[test]
    fn all_three_find_the_socket_that_has_bytes_and_no_other() {
        let lab = Lab::in_memory();
        let actor = lab.actor("server");
        let ((_quiet, there), (speaking, here)) = (pair(&lab, &actor), pair(&lab, &actor));
        speaking.send(b"x").expect("send");

        let ready = actor.select(&[&there, &here], &[], None).expect("select");
        assert!(ready.readable(&here) && !ready.readable(&there) && !ready.writable(&here));
        let ready =
            actor.poll(&[(&there, Interest::Read), (&here, Interest::Read)], None).expect("poll");
        assert!(ready.readable(&here) && !ready.readable(&there));
        assert_eq!(ready.descriptors().collect::<Vec<_>>(), [here.descriptor()]);
        let epoll = actor.epoll().expect("epoll");
        epoll
            .epoll_ctl_add(&there, Interest::Read)
            .and_then(|()| epoll.epoll_ctl_add(&here, Interest::Read))
            .expect("add");
        let ready = epoll.epoll_wait(8, None).expect("wait");
        assert!(ready.readable(&here) && !ready.readable(&there));
        assert!(
            failed_with("twice", &epoll.epoll_ctl_add(&here, Interest::Read), "EEXIST").holds()
        );
        epoll.epoll_ctl_modify(&here, Interest::Write).expect("modify");
        assert!(
            epoll
                .epoll_wait(8, None)
                .is_ok_and(|ready| ready.writable(&here) && ready.count() == 1)
        );
        epoll.epoll_ctl_delete(&here).expect("delete");
        let number = epoll.descriptor();
        drop(epoll);

        let wait = last(&lab, "server", SyscallKind::EpollWait);
        assert_eq!((&*wait.call.name, wait.outcome), (sys::EPOLL_WAIT.1, Outcome::Result(1)));
        assert_eq!(
            last(&lab, "server", SyscallKind::Close).call.fd,
            Some(number),
            "its descriptor is closed, and recorded so"
        );
        assert_eq!(last(&lab, "server", SyscallKind::Select).call.name, sys::SELECT);
    }

    #[test]
    fn no_wait_is_shorter_than_asked() {
        let (lab, asked) = (Lab::in_memory(), Duration::from_micros(2_300));
        let actor = lab.actor("server");
        let (_quiet, there) = pair(&lab, &actor);
        let epoll = actor.epoll().expect("epoll");
        epoll.epoll_ctl_add(&there, Interest::Read).expect("add");
        assert!(actor.select(&[&there], &[], Some(asked)).is_ok_and(|ready| ready.is_empty()));
        assert!(
            actor
                .poll(&[(&there, Interest::Read)], Some(asked))
                .is_ok_and(|ready| ready.is_empty())
        );
        assert!(epoll.epoll_wait(1, Some(asked)).is_ok_and(|ready| ready.is_empty()));
        for kind in [SyscallKind::Select, SyscallKind::Poll, SyscallKind::EpollWait] {
            let took = last(&lab, "server", kind).took_ns;
            assert!(u128::from(took) >= asked.as_nanos(), "{kind} took {took} ns");
        }
    }

    #[test]
    fn connect_in_progress_ends_well_or_badly_and_says_which() {
        let lab = Lab::in_memory();
        let actor = lab.actor("client");
        let listener = actor.socket(Domain::IPV4, Type::STREAM, None).expect("socket");
        listener.bind(&lab.here(0)).and_then(|()| listener.listen(1)).expect("listen");
        let address = listener.local_addr().expect("address");
        let connecting = || {
            let socket = actor.socket(Domain::IPV4, Type::STREAM, None).expect("socket");
            socket.set_nonblocking(true).expect("non-blocking");
            assert!(failed_with("connect", &socket.connect(&address), "EINPROGRESS").holds());
            assert!(actor.select(&[], &[&socket], None).expect("select").writable(&socket));
            socket
        };
        assert!(connecting().take_error().expect("SO_ERROR").is_none());
        listener.close().expect("close");
        let error =
            connecting().take_error().expect("SO_ERROR").map(|error| sys::error_name(&error));
        assert_eq!(error.as_deref(), Some("ECONNREFUSED"));
    }

    #[test]
    fn of_thousands_few_are_recorded() {
        let lab = Lab::in_memory();
        let actor = lab.actor("server");
        let (client, _server) = pair(&lab, &actor);
        let many = vec![(&client, Interest::Write); 500];
        assert_eq!(actor.poll(&many, None).expect("poll").count(), 500);
        let back = last(&lab, "server", SyscallKind::Poll);
        let recorded = serde_json::to_string(&EventKind::Return(back)).expect("JSON");
        assert!(recorded.contains("500 in all") && recorded.len() < 1000, "{recorded}");
    }

    #[test]
    fn select_refuses_what_its_bitmaps_cannot_hold() {
        let mut far = vec![i32::try_from(sys::SELECT_LIMIT).expect("it is 1024")];
        let error = sys::select(&mut far, &mut Vec::new(), None).expect_err("it cannot");
        assert_eq!(sys::error_name(&error), "EINVAL");
    }

    #[test]
    fn the_default_timeout_is_for_sockets_made_after_it() {
        let lab = Lab::in_memory();
        let actor = lab.actor("client");
        let before = actor.socket(Domain::IPV4, Type::STREAM, None).expect("socket");
        lab.set_default_timeout(Some(Duration::from_millis(200)));
        let (after, accepted) = pair(&lab, &actor);
        lab.set_default_timeout(None);
        let later = actor.socket(Domain::IPV4, Type::STREAM, None).expect("socket");
        let times = [&before, &after, &accepted, &later]
            .map(|socket| socket.read_timeout().expect("SO_RCVTIMEO").is_some());
        assert_eq!(times, [false, true, true, false]);
    }
}
