//! Each rule in words: what the program did.

use super::addresses::{at, in_use, nobody_listens, process, process_of};
use crate::analysis::findings::{Holder, Lost, Readiness, Rule};
use crate::i18n::tr;
use crate::picture::span_of;
use crate::trace::ExitStatus;
use crate::views::wording::{self, bytes, safe};

/// What was done by this actor; `other` is who made the second call that shows it.
pub(super) fn does(rule: &Rule, who: &str, other: &str) -> String {
    match rule {
        Rule::AnsweredPart { got, of } => {
            tr!(
                "{who} answered after one recv() that had got {got} of the {of} bytes of a message.",
                who,
                got,
                of
            )
        }
        Rule::LeftRest { got, of } => {
            tr!(
                "{who} closed the connection after one recv() that had got {got} of the {of} bytes of a message. The rest was lost.",
                who,
                got,
                of
            )
        }
        Rule::ShortRead { got, asked } => {
            tr!(
                "{who} asked recv() for {asked} bytes, got {got}, and went on as if it had them all.",
                who,
                asked,
                got
            )
        }
        Rule::JoinedMessages { messages, bytes } => {
            tr!(
                "{who} got {messages} messages together in one recv() ({bytes} bytes): a stream does not keep them apart.",
                who,
                messages,
                bytes
            )
        }
        Rule::DatagramCut { got, of } => {
            tr!(
                "{who} gave recv() room for {got} bytes, and the datagram had {of}: the rest of it is lost.",
                who,
                got,
                of
            )
        }
        Rule::RestNotSent { taken, of } => {
            tr!(
                "{who} handed {of} bytes to send(), which took {taken}, and did not send the rest.",
                who,
                of,
                taken
            )
        }
        Rule::ReadPastEnd { times } => {
            tr!(
                "{who} called recv() again after it had returned 0: it returned 0 {times} times.",
                who,
                times
            )
        }
        Rule::ClosedUnread { unread } => {
            tr!(
                "{who} closed a connection on which {bytes} had come that it had not read. The peer got a reset, which can destroy what was sent to it before.",
                who,
                bytes = bytes(*unread)
            )
        }
        Rule::ClosedWhileSending { lost } => {
            tr!(
                "{who} closed the connection while {other} was still sending. What came then was answered with a reset: a call of {other} failed by it, and the last {bytes} that {who} had sent were never received.",
                who,
                other,
                bytes = bytes(*lost)
            )
        }
        Rule::BrokenPipe => {
            tr!(
                "{who} sent on a connection that its peer had closed, and the signal SIGPIPE ended it.",
                who
            )
        }
        Rule::KeptOpen => {
            tr!(
                "{who} accepted a connection that another process has served and closed, and still has it open: so it does not end, and {other} waits for the end.",
                who,
                other
            )
        }
        Rule::ReuseAddressLate { address } => {
            tr!(
                "{who} set SO_REUSEADDR after bind() to {address}: for that bind() it comes too late.",
                who,
                address = at(address)
            )
        }
        Rule::EdgeLeftUnread { unread } => {
            tr!(
                "{who} watches a connection with EPOLLET, and waits in epoll_wait() although {bytes} are unread there: it is told only of what comes after.",
                who,
                bytes = bytes(*unread)
            )
        }
        Rule::AnsweredElsewhere { to, from } => {
            tr!(
                "{who} got a datagram from {from}, and sent the next to {to}, where nobody is. Whoever had asked heard nothing.",
                who,
                from = at(from),
                to = at(to)
            )
        }
        Rule::NotListening => {
            tr!(
                "{who} called accept() on a socket on which listen() had not been called: it fails with EINVAL, and nobody can connect to it.",
                who
            )
        }
        Rule::ListenerUsed { function } => {
            tr!(
                "{who} called {function}() on its listening socket, which has no peer: it only brings connections.",
                who,
                function = safe(function)
            )
        }
        Rule::NotConnected { function, has_address: true } => {
            tr!(
                "{who} called {function}() on a socket that has an address and no peer, and does not listen: nobody can connect to it.",
                who,
                function = safe(function)
            )
        }
        Rule::NotConnected { function, has_address: false } => {
            tr!(
                "{who} called {function}() on a socket that had not been connected.",
                who,
                function = safe(function)
            )
        }
        Rule::UsedAfterClose { function } => {
            tr!(
                "{who} went on using a socket that {other} had closed: {function}() fails with EBADF.",
                who,
                other,
                function = safe(function)
            )
        }
        Rule::NotClosed { sockets, .. } => {
            tr!(
                "{who} went on without closing {sockets} connections whose peers had closed them. Each stays in CLOSE_WAIT, and keeps a descriptor.",
                who,
                sockets
            )
        }
        Rule::ClosedWhileBlocked { blocked_ns } => {
            tr!(
                "{who} closed a socket while another thread was blocked on it. That did not wake the thread: it was still blocked {span} later.",
                who,
                span = span_of(*blocked_ns)
            )
        }
        Rule::Spin { times, span_ns } => {
            tr!(
                "{who} asked {times} times in {span} for what was not there yet, and never waited: the loop uses a whole processor.",
                who,
                times,
                span = span_of(*span_ns)
            )
        }
        Rule::BusyWithoutCall { cpu_ns } => {
            tr!(
                "{who} was still running when the run was stopped: it had used a processor for {span} since its last call.",
                who,
                span = span_of(*cpu_ns)
            )
        }
        Rule::ReadyIgnored { times, events: Readiness::Reading } => {
            tr!(
                "{who} was told {times} times in a row that a socket can be read, and did nothing with it: the loop spins.",
                who,
                times
            )
        }
        Rule::ReadyIgnored { times, events: Readiness::Writing } => {
            tr!(
                "{who} was told {times} times in a row that a socket can be written, and had nothing to write: the loop spins.",
                who,
                times
            )
        }
        Rule::NotReady { waited_ns } => {
            tr!(
                "{who} was blocked for {span} on a socket that had not been said to be ready.",
                who,
                span = span_of(*waited_ns)
            )
        }
        Rule::DelayedAck { times, waited_ns } => {
            tr!(
                "{who} sent a message in two small pieces and waited for the answer. {times} times the second piece waited for an acknowledgment of the first: {span} in all.",
                who,
                times,
                span = span_of(*waited_ns)
            )
        }
        Rule::AddressInUse { address, holder } => in_use(who, address, holder),
        Rule::NoReuseAddress { address } => {
            tr!(
                "{who} closed a connection before its client did, and had not set SO_REUSEADDR: for the next minute bind() to {address} fails with EADDRINUSE.",
                who,
                address = at(address)
            )
        }
        Rule::NobodyListens { address, nearby } => nobody_listens(who, address, nearby.as_ref()),
        Rule::ServerFailed { address, server } => {
            tr!(
                "{who} asked for {address}, and nobody listens there, because bind() had failed for {server}.",
                who,
                address = at(address),
                server = wording::actor(server)
            )
        }
        Rule::ServerEnded { address, server, status } => {
            let (address, server) = (at(address), wording::actor(server));
            match status {
                ExitStatus::Code(code) => tr!(
                    "{who} asked for {address}, and nobody listens there: {server} had ended with exit code {code}, before it listened.",
                    who,
                    address,
                    server,
                    code
                ),
                ExitStatus::Signal(signal) => tr!(
                    "{who} asked for {address}, and nobody listens there: {signal} had ended {server} before it listened.",
                    who,
                    address,
                    server,
                    signal = safe(signal)
                ),
            }
        }
        Rule::ConnectedElsewhere { address, server, holder } => {
            let holder = match holder {
                Holder::Outside { process: it, .. } => process(it),
                Holder::Hidden(user) => process_of(*user),
                _ => tr!("another process").to_owned(),
            };
            tr!(
                "{who} is connected to {address}, where {server} was to be and bind() had failed: at the other end is {holder}, which is none of these programs.",
                who,
                address = at(address),
                server = wording::actor(server),
                holder
            )
        }
        Rule::SelfConnect { address } => {
            tr!(
                "{who} connected a socket to itself: the kernel had given it {address}, the very address that it asked for.",
                who,
                address = at(address)
            )
        }
        Rule::AllReceive { waiting } if *waiting == 2 => {
            tr!(
                "{who} and {other} each wait for the other to send: nothing is on its way.",
                who,
                other
            )
        }
        Rule::AllReceive { waiting } => {
            tr!(
                "{waiting} threads, {who} first, each wait for another of them to send: nothing is on its way.",
                waiting,
                who
            )
        }
        Rule::AllSend { waiting } if *waiting == 2 => {
            tr!(
                "{who} and {other} each wait in send() for the other to receive: all buffers between them are full.",
                who,
                other
            )
        }
        Rule::AllSend { waiting } | Rule::AllWait { waiting } => {
            tr!(
                "{waiting} threads, {who} first, wait for one another, and none of them can go on.",
                waiting,
                who
            )
        }
        Rule::AllAccept { waiting } => {
            tr!(
                "All {waiting} programs wait in accept(), {who} first: nobody connects.",
                waiting,
                who
            )
        }
        Rule::NoDatagram { waiting } if *waiting == 2 => {
            tr!("{who} and {other} each wait for a datagram, and none is on its way.", who, other)
        }
        Rule::NoDatagram { waiting } => {
            tr!(
                "All {waiting} programs wait for a datagram, {who} first, and none is on its way.",
                waiting,
                who
            )
        }
        Rule::AcceptInsteadOfRecv { unread } => {
            tr!(
                "{who} waits in accept() for another client, while {other} waits for an answer to {bytes} that {who} has not read.",
                who,
                other,
                bytes = bytes(*unread)
            )
        }
        Rule::OneClientBlocks { waited_ns } => {
            tr!(
                "{who} waited for one client, and so long {other}, which had connected, was not accepted: {span}.",
                who,
                other,
                span = span_of(*waited_ns)
            )
        }
        Rule::SleepBlocks { slept_ns } => {
            tr!(
                "{who} slept for {span} before it answered one client, and so long left unanswered what {other} had sent on another connection.",
                who,
                other,
                span = span_of(*slept_ns)
            )
        }
        Rule::FullBacklog { backlog, waited_ns } => {
            tr!(
                "{who} waited {span} for its connection: the queue of listen({backlog}) was full, and nobody called accept().",
                who,
                span = span_of(*waited_ns),
                backlog
            )
        }
        Rule::NoTimeout { waited_ns, lost: Lost::Question } => {
            tr!(
                "{who} had waited {span} without any limit for an answer when the run was stopped: what it had sent was lost on the wire.",
                who,
                span = span_of(*waited_ns)
            )
        }
        Rule::NoTimeout { waited_ns, lost: Lost::Answer } => {
            tr!(
                "{who} had waited {span} without any limit for an answer when the run was stopped: the answer was lost on the wire.",
                who,
                span = span_of(*waited_ns)
            )
        }
        Rule::NoTimeout { waited_ns, lost: Lost::Nothing } => {
            tr!(
                "{who} had waited {span} without any limit for a peer that said nothing when the run was stopped.",
                who,
                span = span_of(*waited_ns)
            )
        }
    }
}
