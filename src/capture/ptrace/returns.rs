//! A call has returned.

use std::sync::Arc;

use super::calls::Sys;
use super::decode::{self, Message, word_of_interest};
use super::descriptors::End;
use super::entry::is_for_the_kernel;
use super::stage::Object;
use super::threads::{Cut, Open};
use super::tracer::Tracer;
use crate::capture::sys::Memory;
use crate::capture::sys::ptrace::returned;
use crate::errno;
use crate::trace::{
    Address, Data, Domain, EventKind, Fact, Listed, Note, Observation, Outcome, Output, Return,
    SocketId, SocketType, Syscall,
};

/// Errors that only a tracer sees: the kernel makes the call again, or lets it fail with `EINTR`, as the signal that comes decides
/// (linux/errno.h).
const REPEATED: std::ops::RangeInclusive<i64> = 512..=516;

impl Tracer {
    /// A thread stands behind the call that it has entered.
    pub(super) fn returned(&mut self, id: u32) {
        let at_ns = self.stage.now_ns();
        let Some(result) = returned(id) else { return };
        if self.threads.get_mut(&id).is_some_and(|it| std::mem::take(&mut it.asks_for_ring)) {
            let note = match i32::try_from(-result) {
                Ok(errno @ 1..=4095) => Note::IoUringRefused { errno: errno::name(errno) },
                _ => Note::IoUring,
            };
            return self.tell(id, at_ns, EventKind::Note { note }, None);
        }
        let Some(mut open) = self.threads.get_mut(&id).and_then(|thread| thread.open.take()) else {
            return;
        };
        let is_eintr = -result == i64::from(libc::EINTR);
        if is_eintr || REPEATED.contains(&-result) {
            if let Some(thread) = self.threads.get_mut(&id) {
                thread.cut = Some(Cut { open, at_ns, is_eintr, by: None });
            }
            return;
        }
        if let Some(rewritten) = open.rewritten.take() {
            rewritten.restore(id);
        }
        let Some(process) = self.threads.get(&id).map(|thread| thread.process) else { return };
        let out = if result < 0 { Output::None } else { self.output(id, process, &open, result) };
        for socket in out.new_sockets() {
            self.sockets.get(*socket).is_introduced = true;
        }
        if open.is_unsaid {
            open.object = self.new_object(process, &open, &out, result);
            if !open.was_held {
                self.tell(id, open.at_ns, EventKind::Enter(open.call.clone()), open.object);
            }
        }
        let outcome = match i32::try_from(-result) {
            Ok(errno @ 1..=4095) => Outcome::Errno(errno::name(errno)),
            _ => Outcome::Result(result),
        };
        let is_told = open.made.sys != Sys::CloseRange;
        let took_ns = at_ns.saturating_sub(open.at_ns);
        let (outcome, out, rest) = self.messages(id, process, &open, outcome, out, result);
        let still_open = match out {
            Output::Closed { still_open } => Some(still_open),
            _ => None,
        };
        let failed = result < 0;
        if is_told {
            let call = open.call.clone();
            let back = Return { call, outcome, out, took_ns, lag_ns: None };
            self.tell(id, at_ns, EventKind::Return(back), open.object);
        }
        for (call, outcome, out) in rest {
            let back = Return { call: Arc::new(call), outcome, out, took_ns: 0, lag_ns: None };
            self.tell(id, at_ns, EventKind::Return(back), open.object);
        }
        if !failed {
            for (fd, socket) in std::mem::take(&mut open.closes) {
                let cause = if open.made.sys == Sys::CloseRange { "close_range" } else { "dup2" };
                self.closes_unasked(id, cause, fd, socket);
            }
            self.learn(process, &open, result, still_open);
            self.learn_server(process, &open);
        }
        let on_nothing_yet = open.object.is_some_and(|object| self.stage.is_held_back(object));
        let syscall = &open.call.syscall;
        let waits = syscall.may_block() || syscall.sleeps();
        if waits && !on_nothing_yet && self.is_before_next(id) {
            self.before.gets_in_touch(at_ns);
        }
        self.ask(id, process, &open, result);
    }

    /// What the call has filled in.
    fn output(&mut self, id: u32, process: u32, open: &Open, result: i64) -> Output {
        let (made, memory) = (&open.made, Memory::of(id));
        match made.sys {
            Sys::Socket => {
                let new = self.new_socket(id, process, result);
                new.map_or(Output::None, |socket| Output::Opened { socket })
            }
            Sys::SocketPair => {
                let fd =
                    |at: u64| memory.u32(made.args[3] + at).map(|fd| i64::from(fd.cast_signed()));
                let mut pair = || {
                    let fds = [fd(0)?, fd(4)?];
                    let [one, other] = fds.map(|fd| self.new_socket(id, process, fd));
                    Some(Output::Pair { fds, sockets: [one?, other?] })
                };
                pair().unwrap_or_default()
            }
            Sys::Accept => {
                let Some(new) = self.new_socket(id, process, result) else {
                    return Output::None;
                };
                // Where the program does not ask who called, the instrument does.
                let asked = decode::accepted(made, memory);
                match asked.or_else(|| self.sockets.address(process, result, new, End::Peer)) {
                    Some(peer) => Output::Accepted { socket: new, peer },
                    None => Output::Opened { socket: new },
                }
            }
            Sys::Close => match open.call.socket {
                Some(socket) => {
                    self.sockets.remove_descriptor(process, made.fd(0));
                    let processes = self.processes.keys().copied();
                    Output::Closed { still_open: self.sockets.descriptors(socket, processes) }
                }
                None => Output::None,
            },
            Sys::EpollWait => {
                let count = usize::try_from(result).unwrap_or(0);
                let words = decode::ready_words(made, memory, count).into_iter();
                let fd = |word: u64| {
                    let known = self.interests.get(&(process, made.fd(0), word));
                    known.copied().unwrap_or((word & 0xffff_ffff) as i64)
                };
                let ready: Vec<_> = words.map(|(word, events)| (fd(word), events.into())).collect();
                if ready.is_empty() {
                    Output::None
                } else {
                    Output::Ready(Listed::of(ready.into_iter()))
                }
            }
            Sys::Splice => match &open.call.syscall {
                Syscall::Recv { .. } => {
                    let bytes = usize::try_from(result).unwrap_or(0);
                    Output::Received { data: Data { bytes, kept: Vec::new() }, from: None }
                }
                _ => Output::None,
            },
            _ => decode::output(made, memory, result),
        }
    }

    /// sendmmsg(2) and recvmmsg(2) count messages: each is a return of its own, with the bytes of it.
    fn messages(
        &mut self,
        id: u32,
        process: u32,
        open: &Open,
        outcome: Outcome,
        out: Output,
        result: i64,
    ) -> (Outcome, Output, Vec<(crate::trace::Call, Outcome, Output)>) {
        let made = &open.made;
        if !matches!(made.sys, Sys::SendMessages | Sys::RecvMessages) || result <= 0 {
            return (outcome, out, Vec::new());
        }
        let memory = Memory::of(id);
        let one = |place: u64| {
            let (message, bytes) = Message::of_several(memory, made.args[1], place);
            let outcome = Outcome::Result(i64::try_from(bytes).unwrap_or(i64::MAX));
            let mut call = (*open.call).clone();
            let out = match &mut call.syscall {
                Syscall::Send { data, to, .. } => {
                    *data = message.buffer.data(memory, message.buffer.size());
                    *to = message.address(memory);
                    Output::None
                }
                _ => decode::received(&message, memory, bytes),
            };
            (call, outcome, out)
        };
        let (_, outcome, out) = one(0);
        let count = result.unsigned_abs().min(1024);
        let mut rest: Vec<_> = (1..count).map(one).collect();
        if let Some(process) = self.processes.get_mut(&process) {
            rest.iter_mut().for_each(|(call, ..)| call.id = process.number_call());
        }
        (outcome, out, rest)
    }

    /// What a new socket or epoll is held back by, if it may never be used.
    fn new_object(
        &mut self,
        process: u32,
        open: &Open,
        out: &Output,
        result: i64,
    ) -> Option<Object> {
        if result < 0 {
            return None;
        }
        if open.made.sys == Sys::EpollCreate {
            let object = Object::Epoll(process, result);
            self.stage.forget(object);
            self.stage.hold_back(object);
            return Some(object);
        }
        if let Output::Pair { sockets, .. } = out {
            self.stage.hold_back_pair(*sockets);
            return Some(Object::Socket(sockets[0]));
        }
        let (Syscall::Socket { domain, kind, .. }, Output::Opened { socket }) =
            (&open.call.syscall, out)
        else {
            return None;
        };
        let known = self.sockets.get(*socket);
        let is_inet = matches!(domain, Domain::Inet | Domain::Inet6);
        known.is_tcp = is_inet && *kind == SocketType::Stream;
        known.is_udp = is_inet && *kind == SocketType::Datagram;
        known.is_librarys_own = open.is_librarys_own;
        let object = Object::Socket(*socket);
        if is_for_the_kernel(domain) {
            self.stage.hide(*socket);
        } else if open.call.site.is_none() || open.is_librarys_own || *domain == Domain::Unix {
            self.stage.hold_back(object);
        }
        Some(object)
    }

    /// What the call means for descriptors.
    fn learn(&mut self, process: u32, open: &Open, result: i64, still_open: Option<u32>) {
        let (epoll, on) = (open.made.fd(0), open.call.socket);
        match (&open.call.syscall, on) {
            (Syscall::Dup { .. }, Some(socket)) => {
                self.sockets.get(socket).shared = true;
                self.sockets.add_descriptor(process, result, socket);
            }
            (Syscall::Listen { .. }, Some(socket)) => {
                self.sockets.get(socket).listener = Some(process);
            }
            (Syscall::Close, Some(socket)) => match still_open {
                Some(0) => self.stage.forget(Object::Socket(socket)),
                Some(_) => self.left_open(socket, process, false),
                None => {}
            },
            (Syscall::Close, None) => {
                self.interests.retain(|(owner, of, _), _| (*owner, *of) != (process, epoll));
                self.stage.forget(Object::Epoll(process, epoll));
            }
            _ => {}
        }
        let starts = match open.call.syscall {
            Syscall::Listen { .. } => true,
            Syscall::Bind { .. } => on.is_some_and(|socket| self.sockets.get(socket).is_udp),
            _ => false,
        };
        let program = self.processes.get(&process).and_then(|process| process.program);
        if starts && program.is_some_and(|program| self.programs.next() == Some(program + 1)) {
            self.start_next();
        }
    }

    /// What the kernel knows of a socket that no call tells: the address that it has chosen, the state of its connection.
    fn ask(&mut self, id: u32, process: u32, open: &Open, result: i64) {
        if result == -i64::from(libc::EADDRINUSE) {
            return self.find_holders(id, process, open);
        }
        if result < 0 && result != -i64::from(libc::EINPROGRESS) {
            return;
        }
        let (fd, socket, asks_state) = match (&open.call.syscall, open.call.socket) {
            (Syscall::Bind { .. }, Some(socket)) => (open.made.fd(0), socket, false),
            (Syscall::Connect { .. }, Some(socket)) => (open.made.fd(0), socket, true),
            (Syscall::Send { to: Some(_), .. }, Some(socket)) => (open.made.fd(0), socket, false),
            (Syscall::Accept { .. }, Some(listener)) => {
                let Some(new) = self.socket(id, process, result) else { return };
                let listener = self.sockets.get(listener).clone();
                let known = self.sockets.get(new);
                (known.is_tcp, known.is_udp) = (listener.is_tcp, listener.is_udp);
                if !listener.is_tcp
                    && let Some(peer) = self.sockets.unix_peer(new)
                {
                    self.observe(id, new, result, Fact::UnixPeer(peer));
                }
                (result, new, true)
            }
            (Syscall::Recv { .. }, Some(_)) if open.made.sys == Sys::RecvMsg => {
                return self.received_descriptors(id, process, open);
            }
            _ => return,
        };
        let known = self.sockets.get(socket);
        let (is_located, is_tcp) = (std::mem::replace(&mut known.is_located, true), known.is_tcp);
        if !is_located || asks_state {
            let own = self.sockets.address(process, fd, socket, End::Own);
            let own = own.filter(|own| !is_located && *own != Address::Unix(None));
            if let Some(own) = own {
                self.observe(id, socket, fd, Fact::Getsockname(own));
            }
        }
        if asks_state
            && is_tcp
            && let Some(info) = self.sockets.tcp_info(process, fd, socket)
        {
            self.observe(id, socket, fd, Fact::TcpInfo(info));
        }
    }

    /// Descriptors that have come in a message are further ones for sockets of others (unix(7), `SCM_RIGHTS`).
    fn received_descriptors(&mut self, id: u32, process: u32, open: &Open) {
        let memory = Memory::of(id);
        for fd in Message::at(memory, open.made.args[1]).descriptors(memory) {
            let Some(new) = self.new_socket(id, process, fd) else { continue };
            self.sockets.get(new).shared = true;
            if let Some(own) = self.sockets.address(process, fd, new, End::Own) {
                self.observe(id, new, fd, Fact::Getsockname(own));
            }
        }
    }

    pub(super) fn observe(&mut self, id: u32, socket: SocketId, fd: i64, fact: Fact) {
        let at_ns = self.stage.now_ns();
        let observation = Observation { socket: Some(socket), fd: Some(fd), fact };
        self.tell(id, at_ns, EventKind::Observed(observation), Some(Object::Socket(socket)));
    }

    /// Remembers the word under which an epoll will tell of a descriptor. It is read at the entry: the program may change it.
    pub(super) fn remember_interest(&mut self, id: u32, process: u32, made: &decode::Made) {
        if let Some(word) = word_of_interest(made, Memory::of(id)) {
            self.interests.insert((process, made.fd(0), word), made.fd(2));
        }
    }
}
