//! Each rule in words: what the program did, what to do, and the lesson that shows it.

use std::borrow::Cow;

use crate::analysis::findings::{Holder, Lost, Nearby, Process, Readiness, Relation, Rule};
use crate::i18n::tr;
use crate::picture::span_of;
use crate::trace::{Address, FileType};
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
                "{who} got {messages} messages together in one recv() ({bytes} bytes), and then waited for the next.",
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
        Rule::NotClosed { sockets } => {
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
        Rule::FullBacklog { backlog, waited_ns } => {
            tr!(
                "{who} waited {span} in connect(): the queue of listen({backlog}) was full, and nobody called accept().",
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
                "A server calls listen() after bind(), and then accept(): it sends and receives on the socket that accept() returned."
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
                "Send an answer to the address that recvfrom() gave: a client's port is the one that its kernel chose."
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
        Rule::BrokenPipe => {
            tr!(
                "Ignore SIGPIPE, or send with MSG_NOSIGNAL; send() then fails with EPIPE, and the program can end the conversation."
            )
        }
        Rule::NotClosed { .. } => {
            tr!(
                "Close each connection when its recv() has returned 0; after fork() close it in the parent too. In the end accept() fails with EMFILE."
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

/// The lesson that shows it.
pub(super) fn lesson(rule: &Rule) -> Option<u8> {
    match rule {
        Rule::NobodyListens { .. }
        | Rule::AnsweredElsewhere { .. }
        | Rule::AddressInUse { holder: Holder::File(_), .. } => Some(3),
        Rule::AnsweredPart { .. }
        | Rule::LeftRest { .. }
        | Rule::ShortRead { .. }
        | Rule::JoinedMessages { .. }
        | Rule::DatagramCut { .. }
        | Rule::BrokenPipe => Some(4),
        Rule::ReadPastEnd { .. } | Rule::BusyWithoutCall { .. } => Some(5),
        Rule::ClosedUnread { .. }
        | Rule::ServerFailed { .. }
        | Rule::ConnectedElsewhere { .. }
        | Rule::NotClosed { .. }
        | Rule::AddressInUse { .. }
        | Rule::KeptOpen
        | Rule::ReuseAddressLate { .. }
        | Rule::NoReuseAddress { .. } => Some(6),
        Rule::NoTimeout { .. } => Some(7),
        Rule::AllSend { .. } | Rule::AllWait { .. } | Rule::AcceptInsteadOfRecv { .. } => Some(8),
        Rule::RestNotSent { .. }
        | Rule::Spin { .. }
        | Rule::ReadyIgnored { .. }
        | Rule::EdgeLeftUnread { .. }
        | Rule::NotReady { .. }
        | Rule::OneClientBlocks { .. } => Some(9),
        Rule::AllReceive { .. } | Rule::NoDatagram { .. } | Rule::FullBacklog { .. } => Some(11),
        Rule::ClosedWhileBlocked { .. } | Rule::UsedAfterClose { .. } => Some(12),
        Rule::AllAccept { .. }
        | Rule::NotListening
        | Rule::ListenerUsed { .. }
        | Rule::NotConnected { .. } => Some(1),
        Rule::DelayedAck { .. } | Rule::SelfConnect { .. } => None,
    }
}

/// The case of `explore why` that reproduces the trouble and cures it, by its slug.
pub(super) fn case(rule: &Rule) -> Option<&'static str> {
    match rule {
        Rule::AddressInUse { holder: Holder::File(_), .. } => Some("unix-socket-missing"),
        Rule::AddressInUse { holder: Holder::Inherited { .. }, .. } => Some("inherited-port"),
        Rule::AddressInUse { .. } | Rule::NoReuseAddress { .. } | Rule::ReuseAddressLate { .. } => {
            Some("address-in-use")
        }
        Rule::AnsweredPart { .. }
        | Rule::LeftRest { .. }
        | Rule::ShortRead { .. }
        | Rule::JoinedMessages { .. } => Some("part-of-a-message"),
        Rule::RestNotSent { .. } => Some("send-sent-part"),
        Rule::ReadPastEnd { .. } => Some("recv-returns-empty"),
        Rule::Spin { .. } => Some("would-block"),
        Rule::ClosedUnread { .. } => Some("connection-reset"),
        Rule::BrokenPipe => Some("broken-pipe"),
        Rule::AllSend { .. } => Some("both-hang-in-send"),
        Rule::FullBacklog { .. } => Some("backlog-full"),
        Rule::DelayedAck { .. } => Some("forty-milliseconds"),
        Rule::NotClosed { .. } => Some("close-wait"),
        Rule::KeptOpen => Some("inherited-port"),
        Rule::NoTimeout { .. } => Some("peer-vanished"),
        Rule::EdgeLeftUnread { .. } => Some("edge-triggered"),
        Rule::NobodyListens { .. } => Some("connection-refused"),
        Rule::NotListening | Rule::ListenerUsed { .. } | Rule::NotConnected { .. } => {
            Some("not-connected")
        }
        Rule::UsedAfterClose { .. } => Some("wrong-descriptor"),
        Rule::ClosedWhileBlocked { .. } => Some("close-in-another-thread"),
        Rule::SelfConnect { .. } => Some("connects-to-itself"),
        Rule::BusyWithoutCall { .. }
        | Rule::AllReceive { .. }
        | Rule::AllWait { .. }
        | Rule::AllAccept { .. }
        | Rule::AcceptInsteadOfRecv { .. }
        | Rule::OneClientBlocks { .. }
        | Rule::ReadyIgnored { .. }
        | Rule::NotReady { .. }
        | Rule::DatagramCut { .. }
        | Rule::AnsweredElsewhere { .. }
        | Rule::ServerFailed { .. }
        | Rule::ConnectedElsewhere { .. }
        | Rule::NoDatagram { .. } => None,
    }
}

fn at(address: &Address) -> String {
    safe(&wording::address(address))
}

fn in_use(who: &str, address: &Address, holder: &Holder) -> String {
    let address = at(address);
    match holder {
        Holder::Itself => {
            tr!(
                "{who} asked for {address}, which is in use: it has another socket there itself.",
                who,
                address
            )
        }
        Holder::Open(owner) => {
            let owner = wording::actor(owner);
            tr!(
                "{who} asked for {address}, which is in use: {owner} has a socket there.",
                who,
                address,
                owner
            )
        }
        Holder::Closed(owner) => {
            let owner = wording::actor(owner);
            tr!(
                "{who} asked for {address}, which is in use: {owner} had connections there, and closed them first.",
                who,
                address,
                owner
            )
        }
        Holder::Inherited { from, by } => {
            let from = wording::actor(from);
            let by = process(by);
            tr!(
                "{who} asked for {address}, which is in use: {by} inherited the socket that {from} had there, and has not closed it.",
                who,
                address,
                by,
                from
            )
        }
        Holder::Lingering { state, left_ns: Some(left_ns) } => {
            let (state, left) = (safe(state), span_of(*left_ns));
            tr!(
                "{who} asked for {address}, which is in use: a connection that was closed there stays in {state} for {left} more.",
                who,
                address,
                state,
                left
            )
        }
        Holder::Lingering { state, left_ns: None } => {
            let state = safe(state);
            tr!(
                "{who} asked for {address}, which is in use: a connection that was closed there is in {state}.",
                who,
                address,
                state
            )
        }
        Holder::Outside { process: it, relation: Relation::None } => {
            let process = process(it);
            tr!("{who} asked for {address}, which is in use by {process}.", who, address, process)
        }
        Holder::Outside { process: it, relation: Relation::Same } => {
            let process = it.number;
            tr!(
                "{who} asked for {address}, which is in use by PID {process}, which has the same command line: an earlier run has not ended, or has left a child that inherited the socket.",
                who,
                address,
                process
            )
        }
        Holder::Outside { process: it, relation: Relation::ChildOfSame } => {
            let process = process(it);
            tr!(
                "{who} asked for {address}, which is in use by {process}, a child of another run of {who}.",
                who,
                address,
                process
            )
        }
        Holder::Hidden(user) => {
            let process = process_of(*user);
            tr!("{who} asked for {address}, which is in use by {process}.", who, address, process)
        }
        Holder::File(FileType::Socket) => {
            tr!(
                "{who} asked for {address}, and a file of that name is there already, which a socket has left behind: nobody has that open.",
                who,
                address
            )
        }
        Holder::File(FileType::Other) => {
            tr!(
                "{who} asked for {address}, and a file of that name is there already, which is no socket.",
                who,
                address
            )
        }
        Holder::Unknown => {
            tr!(
                "{who} asked for {address}, which is in use, by nobody in this recording.",
                who,
                address
            )
        }
    }
}

/// A process of this user that cannot be looked into.
fn process_of(user: Option<u32>) -> String {
    let user = user.map_or_else(|| tr!("another user").to_owned(), |user| tr!("user {user}", user));
    tr!("a process of {user}, which cannot be looked into", user)
}

/// A process, by its name in the recording or by its command line.
fn process(process: &Process) -> String {
    match &process.actor {
        Some(actor) => wording::actor(actor),
        None => wording::command(&process.command, process.number),
    }
}

fn nobody_listens(who: &str, address: &Address, nearby: Option<&Nearby>) -> String {
    let address = at(address);
    match nearby {
        None => tr!("{who} asked for {address}, and nobody listens there.", who, address),
        Some(Nearby { who: owner, later_ns, .. }) if *later_ns > 0 => {
            let (owner, span) = (wording::actor(owner), span_of(*later_ns));
            tr!(
                "{who} asked for {address}, and nobody listened there yet: {owner} did so {span} later.",
                who,
                address,
                owner,
                span
            )
        }
        Some(Nearby { who: owner, address: there, .. }) => {
            let (owner, there) = (wording::actor(owner), at(there));
            tr!(
                "{who} asked for {address}, and nobody listens there; {owner} listens at {there}.",
                who,
                address,
                owner,
                there
            )
        }
    }
}
