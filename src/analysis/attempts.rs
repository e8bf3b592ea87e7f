//! How connects ended that had only begun when they returned (EINPROGRESS): the kernel tells it later, to whoever asks.

use super::address::plain;
use super::calls::of_linux;
use super::{Analysis, CallSpan};
use crate::trace::{Outcome, Output, SockOpt, Syscall, SyscallKind, Value};

impl Analysis<'_> {
    pub(super) fn follow_attempts(&mut self) {
        let attempts: Vec<usize> =
            (0..self.calls.len()).filter(|&index| self.calls[index].is_under_way()).collect();
        if attempts.is_empty() {
            return;
        }
        let mut on: Vec<Vec<usize>> = vec![Vec::new(); self.sockets.len()];
        for (index, span) in self.calls.iter().enumerate() {
            span.socket.into_iter().for_each(|socket| on[socket].push(index));
        }
        for attempt in attempts {
            let Some(socket) = self.calls[attempt].socket else { continue };
            let later = &on[socket][on[socket].partition_point(|index| *index <= attempt)..];
            let next = later.iter().position(|&index| self.calls[index].is_under_way());
            let ended = self.end_of(attempt, socket, &later[..next.unwrap_or(later.len())]);
            if matches!(ended, Some(Outcome::Errno(_))) {
                self.sockets[socket].has_failed_to_connect(attempt);
            }
            self.sockets[socket].connecting = ended.is_none();
            self.calls[attempt].ended = ended;
        }
    }

    /// How the attempt ended, by what came after it on its socket; `None` if nothing tells.
    fn end_of(&self, attempt: usize, at: usize, later: &[usize]) -> Option<Outcome> {
        let (span, socket) = (&self.calls[attempt], &self.sockets[at]);
        let connected = || Some(Outcome::Result(0));
        if socket.other_end.is_some() && socket.connects.last().is_some_and(|it| it.0 == attempt) {
            return connected();
        }
        let until_ns = later.last().map_or(u64::MAX, |&index| self.calls[index].returned_ns());
        let meanwhile = span.returned_ns()..=until_ns;
        let mut states = socket.tcp_states.iter().filter(|it| meanwhile.contains(&it.at_ns));
        let state = states.find(|report| report.state != "SYN_SENT");
        let mut failed = match state {
            Some(report) if report.state != "CLOSE" => return connected(),
            state => state.is_some(),
        };
        if let Some(outcome) = later.iter().find_map(|&index| tells(&self.calls[index])) {
            return Some(outcome);
        }
        if !failed {
            let from = self.calls.partition_point(|other| other.entered_ns < span.entered_ns);
            let asked = self.calls[from..].iter().take_while(|other| other.entered_ns < until_ns);
            match asked.filter(|other| other.process == span.process).find_map(|it| ready(it, span))
            {
                Some(true) => return connected(),
                told => failed = told.is_some(),
            }
        }
        // On one machine nothing but a reset ends it so.
        let is_local = span.call.syscall.address().and_then(plain);
        (failed && is_local.is_some_and(|to| to.ip().is_loopback()))
            .then(|| Outcome::Errno("ECONNREFUSED".into()))
    }
}

/// What this call, which was made on the socket later, tells of the attempt.
fn tells(span: &CallSpan) -> Option<Outcome> {
    let connected = Some(Outcome::Result(0));
    let transfers = span.receives() || span.is(SyscallKind::Send);
    match (&span.call.syscall, span.error()) {
        (Syscall::GetOption { option: SockOpt::Error }, None) => {
            let Some(Output::Value(Value::Text(errno))) = span.exit.as_ref().map(|it| &it.out)
            else {
                return None;
            };
            // Only a connection can be reset or broken.
            let broken = matches!(of_linux(errno, false), "ECONNRESET" | "EPIPE");
            if broken { connected } else { Some(Outcome::Errno(errno.clone())) }
        }
        (Syscall::GetPeerName, None) => connected,
        (Syscall::Connect { .. }, None | Some("EISCONN")) => connected,
        // A second attempt whose first has failed, and was told so.
        (Syscall::Connect { .. }, Some("EALREADY" | "ECONNABORTED" | "EINTR")) => None,
        (Syscall::Connect { .. }, Some(_)) => Some(span.exit.as_ref()?.outcome.clone()),
        (_, None) if transfers && span.result().is_some_and(|bytes| bytes > 0) => connected,
        (_, Some("ECONNREFUSED" | "ETIMEDOUT" | "EHOSTUNREACH" | "ENETUNREACH")) if transfers => {
            Some(span.exit.as_ref()?.outcome.clone())
        }
        _ => None,
    }
}

/// True if poll() or epoll told that the attempt of this connect() has succeeded, false if it told that it has failed; `None` if
/// it told nothing of it. (select() tells neither from the other.)
fn ready(span: &CallSpan, attempt: &CallSpan) -> Option<bool> {
    let Output::Ready(list) = &span.exit.as_ref()?.out else { return None };
    let of_it = |(fd, _): &&(i64, _)| Some(*fd) == attempt.call.fd;
    let (_, events) = list.shown.iter().find(of_it)?;
    if matches!(span.call.syscall, Syscall::Select { .. }) {
        return None;
    }
    let failed = events.contains("ERR") || events.contains("HUP");
    (failed || events.contains("OUT")).then_some(!failed)
}

#[cfg(test)]
mod tests {
    use crate::analysis::script::{Script, at, here};
    use crate::analysis::{Analysis, SocketUse};
    use crate::trace::{Fact, Outcome, TcpInfo};

    type Tells<'t> = &'t dyn Fn(&mut Script);

    /// A connect() has begun; what follows may tell how it ended. Returns what the socket is then used for, with the error.
    fn after(to: &str, tells: Tells) -> (SocketUse, Option<String>) {
        let mut script = Script::new();
        script.socket("client", 1, "AF_INET", "SOCK_STREAM");
        script.fails("client", 1, "connect", &[("address", at(to))], "EINPROGRESS");
        script.located("client", 1, here(40001));
        tells(&mut script);
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let socket = &analysis.sockets[0];
        let errno = socket.failures.first().and_then(|one| analysis.calls[one.call].failure());
        (socket.usage(), errno.map(str::to_owned))
    }

    fn asks_error(script: &mut Script, value: &'static str) {
        let args = [("level", "SOL_SOCKET".into()), ("option", "SO_ERROR".into())];
        let call = script.enter("client", 1, "getsockopt", &args);
        let value = if value.is_empty() { 0.into() } else { value.into() };
        script.leave("client", &call, Outcome::Result(0), &[("value", value)]);
    }

    fn polls(script: &mut Script, ready: &'static str) {
        let args = [("fds", "[3: POLLOUT]".into()), ("nfds", 1.into()), ("timeout", (-1).into())];
        let call = script.enter("client", 0, "poll", &args);
        script.leave("client", &call, Outcome::Result(1), &[("ready", ready.into())]);
    }

    fn connects_again(script: &mut Script, errno: &str) {
        let address = [("address", at("127.0.0.1:5000"))];
        if errno.is_empty() {
            script.call("client", 1, "connect", &address, 0);
        } else {
            script.fails("client", 1, "connect", &address, errno);
        }
    }

    fn is_in(script: &mut Script, state: &'static str) {
        let info = TcpInfo { state: state.into(), ..TcpInfo::default() };
        script.observed("client", 1, Fact::TcpInfo(info));
    }

    #[test]
    fn an_attempt_ends_as_the_program_or_the_instrument_is_told() {
        let refused = (SocketUse::Unused, Some("ECONNREFUSED".to_owned()));
        let connected = (SocketUse::Connected, None);
        let here = "127.0.0.1:5000";
        let says: [(Tells, _); 10] = [
            (&|script| asks_error(script, "ECONNREFUSED"), &refused),
            (&|script| connects_again(script, "ECONNREFUSED"), &refused),
            (&|script| polls(script, "[3: POLLOUT|POLLERR|POLLHUP]"), &refused),
            (&|script| is_in(script, "CLOSE"), &refused),
            (
                &|script| {
                    script.fails("client", 1, "recv", &[("size", 9.into())], "ECONNREFUSED");
                },
                &refused,
            ),
            (&|script| is_in(script, "ESTABLISHED"), &connected),
            (&|script| polls(script, "[3: POLLOUT]"), &connected),
            (&|script| connects_again(script, "EISCONN"), &connected),
            (&|script| connects_again(script, ""), &connected),
            (
                &|script| {
                    script.sends("client", 1, "hello");
                },
                &connected,
            ),
        ];
        for (number, (tells, expected)) in says.into_iter().enumerate() {
            assert_eq!(&after(here, tells), expected, "{number}");
        }
    }

    #[test]
    fn an_attempt_of_which_nothing_tells_goes_on() {
        let far = "192.0.2.1:80";
        let says: [Tells; 3] =
            [&|_| (), &|script| asks_error(script, ""), &|script| is_in(script, "SYN_SENT")];
        for tells in says {
            assert_eq!(after(far, tells), (SocketUse::Connecting, None));
        }
        let late = after(far, &|script| asks_error(script, "EHOSTUNREACH"));
        assert_eq!(late, (SocketUse::Unused, Some("EHOSTUNREACH".to_owned())));
    }

    #[test]
    fn a_second_connect_that_tells_of_the_first_is_no_other_connection() {
        let mut script = Script::new();
        script.socket("server", 1, "AF_INET", "SOCK_STREAM");
        script.call("server", 1, "bind", &[("address", here(5000))], 0);
        script.call("server", 1, "listen", &[("backlog", 5.into())], 0);
        script.socket("client", 2, "AF_INET", "SOCK_STREAM");
        let address = [("address", here(5000))];
        script.fails("client", 2, "connect", &address, "EINPROGRESS");
        script.located("client", 2, here(40001));
        script.accepts("server", 1, 3, here(40001)).located("server", 3, here(5000));
        script.call("client", 2, "connect", &address, 0);
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        assert_eq!(analysis.connections.len(), 1);
        assert_eq!(analysis.sockets[1].connects.len(), 1);
        assert_eq!(analysis.deliveries.len(), 1);
    }
}
