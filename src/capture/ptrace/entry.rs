//! A thread is about to make a call that the filter has picked.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::calls::{self, Sys};
use super::decode::{self, Made};
use super::descriptors::Opened;
use super::filter::OTHER_ARCHITECTURE;
use super::lines::Line;
use super::stage::Object;
use super::threads::Open;
use super::tracer::Tracer;
use crate::capture::sys::Memory;
use crate::capture::sys::ptrace::{ARCHITECTURE, entry};
use crate::trace::{
    Address, Call, Domain, EventKind, Note, Role, Site, SocketId, SocketType, Syscall,
};

/// How the thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The call is of no interest.
    Freely,
    /// Its return is of interest too.
    ToReturn,
    /// It is held before it is made.
    Hold,
}

/// What a call is made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Socket(SocketId),
    Epoll,
    /// Standard input: whoever reads it waits for a person.
    Keyboard,
    /// A number that was a socket's, which has been closed.
    ClosedSocket,
    /// A file, or nothing that is open.
    Nothing,
}

impl Tracer {
    /// A thread is about to make a call.
    pub(super) fn entered(&mut self, id: u32) -> Next {
        let Some(entry) = entry(id) else { return Next::Freely };
        if entry.architecture != ARCHITECTURE || entry.data == OTHER_ARCHITECTURE {
            self.descriptors.remember_none();
            self.note_other_architecture(id);
            return Next::Freely;
        }
        if let Some(next) = self.widens(id, &entry) {
            return next;
        }
        let Some((sys, name)) = calls::find(entry.number) else { return Next::Freely };
        let made = Made { sys, name, args: entry.args };
        if let Some(next) = self.goes_on(id, &made, entry.at) {
            return next;
        }
        match sys {
            Sys::Exec => {
                self.remember_sockets(id, &made);
                return Next::Freely;
            }
            Sys::IoUringSetup => {
                self.descriptors.remember_none();
                if let Some(thread) = self.threads.get_mut(&id) {
                    thread.asks_for_ring = true;
                }
                return Next::ToReturn;
            }
            Sys::Seccomp | Sys::Prctl => {
                self.descriptors.remember_none();
                return Next::Freely;
            }
            Sys::Restart => return Next::Freely,
            _ => {}
        }
        let Some(process) = self.threads.get(&id).map(|thread| thread.process) else {
            return Next::Freely;
        };
        let Some((subject, fd)) = self.subject(id, process, &made) else { return Next::Freely };
        let closes = self.closed_besides(id, process, &made);
        let is_close = sys == Sys::Close && matches!(subject, Subject::Socket(_));
        if is_close || sys == Sys::CloseRange || !closes.is_empty() {
            self.descriptors.close_begins(id);
        }
        if let Subject::Socket(socket) = subject
            && self.stage.is_hidden(socket)
        {
            return Next::Freely;
        }
        let besides = closes.iter().map(|(fd, _)| *fd);
        self.sockets.closing(process, is_close.then_some(made.fd(0)).into_iter().chain(besides));
        let may_be_on_files = matches!(sys, Sys::Dup | Sys::DupOnto | Sys::Fcntl | Sys::CloseRange);
        if may_be_on_files && subject == Subject::Nothing && closes.is_empty() {
            return Next::Freely;
        }
        self.enter(id, process, made, subject, fd, closes, entry.at)
    }

    /// What a call is made on, and its descriptor; `None` if it is of no interest.
    fn subject(&mut self, id: u32, process: u32, made: &Made) -> Option<(Subject, Option<i64>)> {
        let fd = made.fd(0);
        let mut on = |fd| match self.opened(id, process, fd) {
            Some(Opened::Socket(socket)) => Subject::Socket(socket),
            Some(Opened::Epoll) => Subject::Epoll,
            Some(Opened::Stream) if fd == 0 => Subject::Keyboard,
            None if self.was_socket(id, process, fd) => Subject::ClosedSocket,
            _ => Subject::Nothing,
        };
        let is_socket = |subject: &Subject| matches!(subject, Subject::Socket(_));
        let is_or_was_socket =
            |subject: &Subject| is_socket(subject) || *subject == Subject::ClosedSocket;
        match made.sys {
            Sys::Socket
            | Sys::SocketPair
            | Sys::EpollCreate
            | Sys::Poll
            | Sys::Select
            | Sys::Sleep => Some((Subject::Nothing, None)),
            Sys::EpollCtl | Sys::EpollWait => Some((Subject::Epoll, Some(fd))),
            Sys::Read | Sys::ReadV => {
                let subject = on(fd);
                let is_read = is_or_was_socket(&subject) || subject == Subject::Keyboard;
                is_read.then_some((subject, Some(fd)))
            }
            Sys::Close => {
                let subject = on(fd);
                (is_socket(&subject) || subject == Subject::Epoll).then_some((subject, Some(fd)))
            }
            Sys::Write | Sys::WriteV | Sys::SendFile => {
                Some((on(fd), Some(fd))).filter(|(subject, _)| is_or_was_socket(subject))
            }
            Sys::Ioctl => Some((on(fd), Some(fd))).filter(|(subject, _)| is_socket(subject)),
            Sys::Fcntl | Sys::Dup | Sys::DupOnto | Sys::CloseRange => {
                let subject = if made.sys == Sys::CloseRange { Subject::Nothing } else { on(fd) };
                let subject = if is_socket(&subject) { subject } else { Subject::Nothing };
                Some((subject, Some(fd)))
            }
            Sys::Splice => {
                let ends = [made.fd(0), made.fd(2)].map(|fd| (on(fd), Some(fd)));
                ends.into_iter().find(|(subject, _)| is_or_was_socket(subject))
            }
            _ => Some((on(fd), Some(fd))).map(|(subject, fd)| match subject {
                Subject::Socket(_) => (subject, fd),
                _ => (Subject::Nothing, fd),
            }),
        }
    }

    /// A call that a signal has cut short goes on if the same call is made at the same place: the kernel repeats it. `None` if
    /// this is another.
    fn goes_on(&mut self, id: u32, made: &Made, instruction: u64) -> Option<Next> {
        let cut = self.threads.get_mut(&id)?.cut.take()?;
        let is_same = cut.open.made == *made && cut.open.instruction == instruction;
        let thread = self.threads.get_mut(&id)?;
        if is_same || made.sys == Sys::Restart {
            thread.open = Some(cut.open);
            if matches!(made.sys, Sys::Close | Sys::DupOnto | Sys::CloseRange) {
                self.descriptors.close_begins(id);
            }
            return Some(Next::ToReturn);
        }
        thread.cut = Some(cut);
        self.cut_short(id);
        None
    }

    fn note_other_architecture(&mut self, id: u32) {
        let process = self.threads.get(&id).map(|thread| thread.process);
        let Some(process) = process.and_then(|process| self.processes.get_mut(&process)) else {
            return;
        };
        if !std::mem::replace(&mut process.is_foreign, true) {
            let at_ns = self.stage.now_ns();
            self.tell(id, at_ns, EventKind::Note { note: Note::OtherArchitecture }, None);
        }
    }

    /// Of a program that may not be looked into, calls are numbers.
    fn note_closed_to_us(&mut self, id: u32, process: u32) {
        let Some(process) = self.processes.get_mut(&process) else { return };
        if !std::mem::replace(&mut process.is_told_closed, true) {
            let at_ns = self.stage.now_ns();
            self.tell(id, at_ns, EventKind::Note { note: Note::NotReadable }, None);
        }
    }

    /// The thread reads standard input: if another program has read the same, they take each other's lines.
    fn note_shared_keyboard(&mut self, id: u32, process: u32) {
        let program = self.processes.get(&process).and_then(|it| it.program);
        let keyboard = fs::read_link(format!("/proc/{id}/fd/0"));
        let (Some(program), Ok(keyboard)) = (program, keyboard) else { return };
        if keyboard == Path::new("/dev/null") {
            return;
        }
        let readers = self.keyboards.entry(keyboard).or_default();
        if readers.len() == 2 || readers.contains(&program) {
            return;
        }
        readers.push(program);
        if let [first, _] = readers[..] {
            let note = Note::SharedKeyboard { with: self.programs.name(first).into() };
            let at_ns = self.stage.now_ns();
            self.tell(id, at_ns, EventKind::Note { note }, None);
        }
    }

    /// The process may begin another program, which closes some of its sockets.
    fn remember_sockets(&mut self, id: u32, made: &Made) {
        if let Some(number) = self.threads.get(&id).map(|thread| thread.process)
            && let Some(process) = self.processes.get_mut(&number)
        {
            process.before_exec = self.sockets.of_thread(id, number);
            let path = made.args[if made.name == "execveat" { 1 } else { 0 }];
            let path = Memory::of(id).c_string(path).map(OsString::from_vec);
            process.next_file = path.map(PathBuf::from);
        }
    }

    /// The sockets whose descriptors this call closes though it is no close(2).
    fn closed_besides(&mut self, id: u32, process: u32, made: &Made) -> Vec<(i64, SocketId)> {
        match made.sys {
            Sys::DupOnto if made.fd(0) != made.fd(1) => {
                let socket = self.socket(id, process, made.fd(1));
                socket.map(|socket| (made.fd(1), socket)).into_iter().collect()
            }
            Sys::CloseRange if made.args[2] == 0 => {
                let (first, last) = (made.args[0], made.args[1] & 0xffff_ffff);
                let is_in =
                    |fd: i64| u64::try_from(fd).is_ok_and(|fd| (first..=last).contains(&fd));
                self.sockets
                    .of_thread(id, process)
                    .into_iter()
                    .filter(|(fd, _)| is_in(*fd))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn enter(
        &mut self,
        id: u32,
        process: u32,
        made: Made,
        subject: Subject,
        fd: Option<i64>,
        closes: Vec<(i64, SocketId)>,
        instruction: u64,
    ) -> Next {
        let (site, is_import) = match self.line(id, process) {
            Some(line) => (Some(self.named_from_here(line.site)), line.is_import),
            None => (None, false),
        };
        if self.is_actor(id)
            && let Some(note) = self.lines.why_none(process)
        {
            let at_ns = self.stage.now_ns();
            self.tell(id, at_ns, EventKind::Note { note }, None);
        }
        if self.is_actor(id) && self.sockets.is_closed_to_us(process) {
            self.note_closed_to_us(id, process);
        }
        if made.sys == Sys::Sleep && site.is_none() && self.lines.is_go(process) {
            return Next::Freely; // the scheduler's: what a program in Go asks for is no system call
        }
        let is_on_no_socket = subject == Subject::Keyboard
            || made.sys == Sys::Sleep
            || (matches!(subject, Subject::Nothing | Subject::ClosedSocket) && fd.is_some());
        if is_on_no_socket && site.is_none() && !self.is_actor(id) {
            return Next::Freely; // a shell, a launcher
        }
        if subject == Subject::Keyboard {
            self.note_shared_keyboard(id, process);
        }
        let rewritten = self.rewrite(id, process, &made);
        let memory = Memory::of(id);
        let syscall = match made.sys {
            Sys::Splice => decode::spliced(&made, fd == Some(made.fd(2))),
            _ => decode::call(&made, memory),
        };
        let on = match subject {
            Subject::Socket(socket) => Some(socket),
            _ => None,
        };
        if self.watches_only_hidden(id, &syscall) {
            return Next::Freely;
        }
        if made.sys == Sys::EpollCtl {
            self.remember_interest(id, process, &made);
        }
        let object = self.object(process, &made, on);
        if let Some(object) = object {
            self.use_object(id, object, &made, &syscall);
        }
        if on.is_some_and(|socket| self.stage.is_hidden(socket)) {
            return Next::Freely;
        }
        let Some(number) = self.processes.get_mut(&process).map(|it| it.number_call()) else {
            return Next::Freely;
        };
        let call = Arc::new(Call {
            id: number,
            syscall,
            name: made.name.into(),
            api: api(&made).map(Into::into),
            fd,
            socket: on,
            site,
            role: Role::Program,
        });
        let is_unsaid = matches!(made.sys, Sys::Socket | Sys::SocketPair | Sys::EpollCreate);
        let is_told = made.sys != Sys::CloseRange;
        let is_librarys_own =
            asks_for_udp(&call.syscall) && self.lines.is_librarys_own(process, id);
        let is_held =
            is_told && !(is_import || is_librarys_own) && self.is_to_be_held(id, &call, object);
        if is_held {
            self.read_terminals(true); // what was printed came before
        }
        let at_ns = self.stage.now_ns();
        if is_held {
            self.holding.is_any(at_ns, true);
            self.tell(id, at_ns, EventKind::Held(call.clone()), object);
        } else if is_told && !is_unsaid {
            self.tell(id, at_ns, EventKind::Enter(call.clone()), object);
        }
        if let (Some(socket), Some(fd)) = (on, fd) {
            self.introduce(id, process, socket, fd);
        }
        if let Some(thread) = self.threads.get_mut(&id) {
            let open = Open {
                made,
                call,
                at_ns,
                instruction,
                object,
                closes,
                rewritten,
                is_unsaid,
                is_librarys_own,
                was_held: is_held,
            };
            (thread.open, thread.is_held) = (Some(open), is_held);
        }
        if is_held { Next::Hold } else { Next::ToReturn }
    }

    /// True for a poll(2) that waits for the answer of a service of the system.
    fn watches_only_hidden(&mut self, id: u32, syscall: &Syscall) -> bool {
        let Syscall::Poll { watched, .. } = syscall else { return false };
        let mut is_hidden =
            |fd| self.descriptors.socket(id, fd).is_some_and(|socket| self.stage.is_hidden(socket));
        watched.count > 0 && watched.shown.iter().all(|(fd, _)| is_hidden(*fd))
    }

    /// The line of source that makes the call.
    fn line(&mut self, id: u32, process: u32) -> Option<Line> {
        let mut line = self.lines.line(process, id)?;
        if let Some(thread) = self.threads.get_mut(&id) {
            thread.function = thread.function.take().or(line.function.take());
        }
        Some(line)
    }

    /// The site with its file named from the current folder, if it is below that.
    fn named_from_here(&self, site: Site) -> Site {
        match Path::new(&*site.file).strip_prefix(&self.here) {
            Ok(file) => Site { file: file.to_string_lossy().into_owned().into(), line: site.line },
            Err(_) => site,
        }
    }

    /// What the call is made on, if that may never be used.
    fn object(&self, process: u32, made: &Made, on: Option<SocketId>) -> Option<Object> {
        match made.sys {
            Sys::EpollCtl | Sys::EpollWait => Some(Object::Epoll(process, made.fd(0))),
            Sys::Close if on.is_none() => Some(Object::Epoll(process, made.fd(0))),
            _ => on.map(Object::Socket),
        }
    }

    fn is_librarys_udp(&mut self, object: Object) -> bool {
        let Object::Socket(socket) = object else { return false };
        let known = self.sockets.get(socket);
        known.is_udp && known.is_librarys_own
    }

    /// What has been held back is recorded when the object is used: when a socket gets an address, a peer, or data, and an epoll a
    /// socket to watch.
    fn use_object(&mut self, id: u32, object: Object, made: &Made, syscall: &Syscall) {
        if let (Object::Socket(socket), Some(address)) = (object, syscall.address())
            && is_of_the_system(address)
        {
            return self.stage.hide(socket);
        }
        let is_use = match made.sys {
            Sys::EpollCtl => match self.descriptors.socket(id, made.fd(2)) {
                Some(watched) if self.stage.is_held_back(Object::Socket(watched)) => {
                    self.stage.watch(object, Object::Socket(watched));
                    false
                }
                watched => watched.is_some_and(|watched| !self.stage.is_hidden(watched)),
            },
            Sys::EpollWait
            | Sys::Close
            | Sys::SetSockOpt
            | Sys::GetSockOpt
            | Sys::GetSockName
            | Sys::GetPeerName
            | Sys::Fcntl
            | Sys::Ioctl => false,
            // So a library looks which address of its own the kernel would choose, and sends nothing.
            Sys::Connect => !self.is_librarys_udp(object),
            _ => true,
        };
        if is_use {
            self.stage.show(object);
        }
    }
}

/// True if this asks for a UDP socket.
fn asks_for_udp(syscall: &Syscall) -> bool {
    let Syscall::Socket { domain, kind, .. } = syscall else { return false };
    matches!(domain, Domain::Inet | Domain::Inet6) && *kind == SocketType::Datagram
}

/// True for the sockets of services that libraries ask behind a program's back: names, logs.
fn is_of_the_system(address: &Address) -> bool {
    let Address::Unix(Some(path)) = address else { return false };
    ["/var/run/nscd/", "/run/nscd/", "/run/systemd/", "/dev/log"]
        .iter()
        .any(|service| path.starts_with(service))
}

/// True for families that are no network to a learner: what the kernel itself is asked by.
pub(super) fn is_for_the_kernel(domain: &Domain) -> bool {
    matches!(domain, Domain::Other(name) if name != "AF_PACKET")
}

/// What a program is likely to have called it: send(3) is made as sendto(2).
fn api(made: &Made) -> Option<&'static str> {
    Some(match made.name {
        "sendto" if made.args[4] == 0 => "send",
        "recvfrom" if made.args[4] == 0 => "recv",
        "accept4" => "accept",
        "pselect6" => "select",
        "ppoll" => "poll",
        "clock_nanosleep" | "nanosleep" => "sleep",
        _ => return None,
    })
}
