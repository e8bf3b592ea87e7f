//! What to do about it.

use std::borrow::Cow;

use crate::analysis::findings::{Holder, Readiness, Rule};
use crate::i18n::tr;
use crate::trace::{Address, FileType};

/// What to do.
pub(super) fn advice(rule: &Rule) -> Cow<'static, str> {
    if let Rule::AddressInUse { holder: Holder::Lingering { left_ns: Some(left_ns), .. }, .. } =
        rule
    {
        return Cow::Owned(tr!(
            "Wait {left}, or set SO_REUSEADDR before bind(), as every server does: if the run before had set it too, bind() succeeds at once.",
            left = whole_seconds(*left_ns)
        ));
    }
    Cow::Borrowed(always(rule))
}

/// A time in whole seconds, rounded up.
fn whole_seconds(ns: u64) -> String {
    format!("{} s", ns.div_ceil(1_000_000_000))
}

/// The same, where it is the same whatever the numbers are.
fn always(rule: &Rule) -> &'static str {
    match rule {
        Rule::AnsweredPart { .. } | Rule::LeftRest { .. } => {
            tr!(
                "A stream has no messages. Let your protocol say where each ends (its length in front, or a mark such as a newline), and call recv() until it is whole."
            )
        }
        Rule::ShortRead { .. } => {
            tr!(
                "recv() returns what is there, at most what was asked for. Call it again for the rest until all has come, or until it returns 0."
            )
        }
        Rule::JoinedMessages { .. } => {
            tr!(
                "A stream has no messages. Let your protocol say where each ends, keep what comes after the end, and look there before calling recv() again."
            )
        }
        Rule::DatagramCut { .. } => {
            tr!(
                "Give room for the largest datagram that your protocol has: what does not fit cannot be read later."
            )
        }
        Rule::KeptOpen => {
            tr!(
                "After fork(), close the accepted socket in the parent: a connection ends when its last descriptor is closed, whichever process has that."
            )
        }
        Rule::ReuseAddressLate { .. } => {
            tr!("Set it between socket() and bind(), which looks at it.")
        }
        Rule::NotListening => {
            tr!("Call listen() between bind() and accept().")
        }
        Rule::ListenerUsed { .. } => {
            tr!(
                "Send and receive on the socket that accept() returned: each connection has its own."
            )
        }
        Rule::NotConnected { has_address: true, .. } => {
            tr!(
                "A server calls listen() after bind(), and then accept(): it sends and receives on the socket that accept() returned. A client calls connect() first."
            )
        }
        Rule::NotConnected { has_address: false, .. } => {
            tr!("Call connect() first, and go on only if it has succeeded.")
        }
        Rule::UsedAfterClose { .. } => {
            tr!(
                "Let one thread close the socket, when no other uses it any more: shutdown() ends their recv(), and then they can be joined. The number of a closed descriptor soon stands for another file, which they would use next."
            )
        }
        Rule::NoDatagram { .. } => {
            tr!(
                "Agree on who sends first, and to which address. Set a limit to how long recvfrom() waits: a datagram may get lost."
            )
        }
        Rule::EdgeLeftUnread { .. } => {
            tr!("With EPOLLET call recv() until it fails with EAGAIN, or leave EPOLLET out.")
        }
        Rule::AnsweredElsewhere { .. } => {
            tr!(
                "Send an answer to the address that recvfrom() tells of the question: a client's port is the one that its kernel chose."
            )
        }
        Rule::RestNotSent { .. } => {
            tr!(
                "Look at what send() returns, and send the rest when there is room (Python: sendall() on a blocking socket)."
            )
        }
        Rule::ReadPastEnd { .. } => {
            tr!(
                "0 bytes mean that the peer has ended the stream. Leave the loop, and close the socket."
            )
        }
        Rule::ClosedUnread { .. } => {
            tr!(
                "Read until recv() returns 0 before you close, or agree in your protocol on who speaks last."
            )
        }
        Rule::ClosedWhileSending { .. } => {
            tr!(
                "After the answer call shutdown(SHUT_WR), receive until recv() returns 0 (set a limit), and then close."
            )
        }
        Rule::BrokenPipe => {
            tr!(
                "Ignore SIGPIPE, or send with MSG_NOSIGNAL; send() then fails with EPIPE, and the program can end the conversation."
            )
        }
        Rule::NotClosed { is_shared: true, .. } => {
            tr!(
                "Close each connection when its recv() has returned 0; after fork() close it in the parent too. In the end accept() fails with EMFILE."
            )
        }
        Rule::NotClosed { is_shared: false, .. } => {
            tr!(
                "Close each connection when its recv() has returned 0, on every path that leaves its handler. In the end accept() fails with EMFILE."
            )
        }
        Rule::ClosedWhileBlocked { .. } => {
            tr!(
                "Call shutdown() first, which wakes whoever is blocked; let that thread end, and close the socket then."
            )
        }
        Rule::Spin { .. } => {
            tr!(
                "Wait for it: in a blocking call, or in select(), poll() or epoll with all sockets that may become ready."
            )
        }
        Rule::BusyWithoutCall { .. } => {
            tr!(
                "A loop that only goes round takes the processor from all others, its own threads too. To wait for threads, call join(); for something else, wait in a call, on a lock or on a condition. (If it computes, that is its work.)"
            )
        }
        Rule::ReadyIgnored { events: Readiness::Reading, .. } => {
            tr!(
                "Receive or accept on every socket that is reported; take it out of the list when it is at its end."
            )
        }
        Rule::ReadyIgnored { events: Readiness::Writing, .. } => {
            tr!(
                "A socket can almost always be written. Watch for that only while something waits to be sent."
            )
        }
        Rule::NotReady { .. } => {
            tr!("Call recv() and accept() on the sockets that were reported, and on no other.")
        }
        Rule::DelayedAck { .. } => {
            tr!(
                "Put the pieces together and send them with one call (or sendmsg()); if you cannot, set TCP_NODELAY."
            )
        }
        Rule::AddressInUse { holder: Holder::Closed(_), .. } => {
            tr!(
                "Set SO_REUSEADDR before bind(): the address is in TIME_WAIT, and is free again after a minute."
            )
        }
        Rule::AddressInUse { holder: Holder::Itself, .. } => {
            tr!("Close the other socket first, or take another port.")
        }
        Rule::AddressInUse { holder: Holder::Lingering { .. }, .. } => {
            tr!(
                "Set SO_REUSEADDR before bind(), in each run: where the run before had set it too, bind() succeeds at once, and else when the time is over."
            )
        }
        Rule::AddressInUse { holder: Holder::Inherited { .. }, .. } => {
            tr!(
                "Let the child close what it does not need, or let exec close it (SOCK_CLOEXEC, which Python sets by itself); and end the child."
            )
        }
        Rule::AddressInUse { holder: Holder::Outside { .. }, .. } => {
            tr!("End that process with `kill` and its number, or take another port.")
        }
        Rule::AddressInUse { holder: Holder::File(FileType::Socket), .. } => {
            tr!(
                "Remove the file before bind(), with unlink(): it outlives its socket, and SO_REUSEADDR does not help."
            )
        }
        Rule::AddressInUse { holder: Holder::File(FileType::Other), .. } => {
            tr!("Take another path.")
        }
        Rule::AddressInUse { .. } => {
            tr!(
                "End who holds it, or take another port. `ss -tulpn` lists who listens; if nobody does, it is in TIME_WAIT, and SO_REUSEADDR before bind() helps."
            )
        }
        Rule::NoReuseAddress { .. } => {
            tr!("Set SO_REUSEADDR before bind(), as every server does.")
        }
        Rule::NobodyListens { nearby: Some(nearby), .. } if nearby.later_ns > 0 => {
            tr!("Start the server first, and connect when it listens; or let the client try again.")
        }
        Rule::NobodyListens { address: Address::Unix(_), .. } => {
            tr!(
                "Start the server first, and let both name the same path: a file that is there may have been left by a socket that is gone, and a relative path begins at each program's own folder."
            )
        }
        Rule::NobodyListens { .. } => {
            tr!(
                "Let both name the same family, address and port. 127.0.0.1 and ::1 are two addresses; 0.0.0.0 stands for all of IPv4, and on Linux :: for both families unless IPV6_V6ONLY is set."
            )
        }
        Rule::ServerFailed { .. } => {
            tr!("Mend that first: the other finding says who has the address.")
        }
        Rule::ServerEnded { .. } => {
            tr!("Mend that program first: what it has printed may say why it ended.")
        }
        Rule::ConnectedElsewhere { .. } => {
            tr!(
                "End that process, or take another port for both; what it answers is not your server's answer."
            )
        }
        Rule::SelfConnect { .. } => {
            tr!(
                "Nobody listened there, and the port lies in the range from which clients get theirs. Let servers use a port below it."
            )
        }
        Rule::AllReceive { .. } => {
            tr!(
                "Agree on who speaks first and where a message ends, so that always one of them sends; set a limit to how long recv() waits."
            )
        }
        Rule::AllSend { .. } | Rule::AllWait { .. } => {
            tr!(
                "Let one of them receive while it sends: in another thread, or with poll() for both directions."
            )
        }
        Rule::AllAccept { .. } => {
            tr!("One listens, the other connects.")
        }
        Rule::AcceptInsteadOfRecv { .. } => {
            tr!(
                "Receive from a client until recv() returns 0, and accept the next then; for several at once a thread each, or poll()."
            )
        }
        Rule::OneClientBlocks { .. } => {
            tr!("Give each client a thread, or watch all sockets with select(), poll() or epoll.")
        }
        Rule::SleepBlocks { .. } => {
            tr!(
                "Nothing may wait in a thread that serves several clients. Give each client a thread; with asyncio, `await asyncio.sleep()`, and asyncio.to_thread() for calls that wait."
            )
        }
        Rule::FullBacklog { .. } => {
            tr!(
                "Call accept() all the time, in a thread that does nothing else if need be; a longer backlog only gains time."
            )
        }
        Rule::NoTimeout { .. } => {
            tr!(
                "Set a limit (Python: settimeout(); C: SO_RCVTIMEO or poll()), and decide what to do when it has passed."
            )
        }
    }
}
