//! Lesson 7: what happens when time runs out, for the kernel and for the program.
//!
//! What only silence shows plays on loopback; what needs a frame lost or a cable cut plays on the wire. Requests that are sent
//! twice are in `l07_requests`, peers that are not there in `l07_nobody_there`.

use std::collections::BTreeSet;
use std::time::Duration;

use socket2::{Domain, Type};

use super::kit::{
    connection, listening_on_the_wire, receive_exactly, recv_gave, tcp_socket, transferred,
};
use super::{Need, experiment};
use crate::capture::link::{CapturedFrame, FrameKind, Syn, first, first_few, nth};
use crate::capture::{
    Kind, Lab, Measured, Network, Parameter, Proof, Result, Seen, Socket, TIMED_OUT, TcpInfo,
    at_least, at_least_duration, eq, eq_between, eq_duration, failed_with, in_ticks, ne_between,
    succeeded, sys, waited_at_least,
};
use crate::i18n::Text;
use crate::trace::{Failure, Feature, Lack, Return, SyscallKind, label};

const fn limit(help: Text) -> Parameter {
    Parameter { name: "timeout", default: "100ms", kind: Kind::Span(1, 60_000), help }
}

experiment!(
    lost_syn,
    network = Network::Wire,
    parameters = &[Parameter {
        name: "drop",
        default: "1",
        kind: Kind::Count(1, 5),
        help: Text("how many SYNs the wire loses"),
    }]
);
fn lost_syn(lab: &Lab) -> Result<()> {
    let (wire, lost) = (lab.wire()?, lab.count("drop")?);
    let (server, address) = listening_on_the_wire(lab)?;
    wire.drop(first_few(lost, Syn));

    let client = tcp_socket(lab, "client")?;
    let answer = client.connect(&address); // waits for the handshake

    let early = wire.until(first(Syn)).tcp()?.seq;
    let last = wire.until(nth(lost + 1, Syn)).tcp()?.seq;
    let syns = at_least("SYNs sent", wire.seen(Syn).len(), lost + 1);
    let same = eq_between("first SYN's seq", early, "last SYN's seq", last);
    lab.claim("the-kernel-sends-it-again", syns.and(same));

    server.accept()?;
    let once = eq("calls of connect", calls(lab, SyscallKind::Connect).len(), 1);
    let ok = succeeded("connect", &answer);
    lab.claim("one-connect-is-enough", ok.and(once));

    // The kernel waits a second or more before it sends a SYN again.
    let seconds = Duration::from_secs(lost as u64);
    let call = lab.last_call("client", SyscallKind::Connect)?;
    let took = call.took_in_ticks();
    let waited = at_least_duration("connect", took, "a second each", seconds);
    lab.claim("connect-waits-for-it", waited);
    Ok(())
}

experiment!(
    handshake_times_out,
    needs = &[Need::Proc],
    network = Network::Wire,
    parameters = &[Parameter {
        name: "timeout",
        default: "2500ms",
        kind: Kind::Span(1500, 600_000),
        help: Text("the program's time limit for connect()"),
    }]
);
fn handshake_times_out(lab: &Lab) -> Result<()> {
    let (wire, limit) = (lab.wire()?, lab.span("timeout")?);
    let settings = SynSettings::of_this_kernel(lab)?;
    let (_server, address) = listening_on_the_wire(lab)?;
    wire.cut();

    let client = tcp_socket(lab, "client")?;
    client.set_write_timeout(Some(limit))?; // on Linux for connect() too
    let answer = client.connect(&address);
    let info = tcp_info(&client)?; // how is the socket now?

    let call = lab.last_call("client", SyscallKind::Connect)?;
    let (nearer, errno) = settings.nearer_limit(limit);
    let ended = failed_with("connect", &answer, errno);
    let took = waited_at_least("connect", call.took_in_ticks(), nearer);
    lab.claim("the-nearer-limit-ends-it", ended.and(took));

    let _second = wire.until(nth(2, Syn)); // we may see it late
    let kept = settings.kept_by(&wire.seen(Syn), &call);
    lab.claim("syns-keep-to-the-settings", kept);
    let sent_again = info.total_retrans.ok_or(Feature::TcpInfo.lack())?;
    let next = settings.wait_after(1 + sent_again);
    let same = eq_duration("TCP_INFO", rto(&info)?, "by the settings", next);
    lab.claim("the-next-wait-too", same);

    if errno == "EINPROGRESS" {
        let state = eq("client's state", info.state, "SYN_SENT");
        lab.claim("giving-up-stops-nothing", state);
    } else {
        lab.not_checked("giving-up-stops-nothing", Lack::KernelWasFirst);
    }
    Ok(())
}

/// How this kernel spaces its SYNs, by its own settings (Linux `Documentation/networking/ip-sysctl.rst`): the first wait
/// is a second (RFC 6298); so many more are a second as well; from then on each is twice the last.
struct SynSettings {
    /// `tcp_syn_retries`: how often it tries again, those that are a second apart not counted.
    retries: u32,
    /// `tcp_syn_linear_timeouts`: how many more waits are a second.
    linear: u32,
    /// `tcp_rto_max_ms`: no wait is longer.
    longest: Duration,
}

impl SynSettings {
    fn of_this_kernel(lab: &Lab) -> Result<SynSettings> {
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let name = "net.ipv4.tcp_syn_retries";
        let retries = lab.sysctl(name).ok_or(Lack::Sysctl { name: name.into() })?;
        // Linux has the second since 6.5, and the third since 6.15; before, no other wait was a second, and the longest was two minutes.
        let linear = lab.sysctl("net.ipv4.tcp_syn_linear_timeouts").unwrap_or(0);
        let longest = lab.sysctl("net.ipv4.tcp_rto_max_ms").unwrap_or(120_000);
        Ok(SynSettings {
            retries: small(retries),
            linear: small(linear),
            longest: Duration::from_millis(longest),
        })
    }

    /// How long the kernel waits after that SYN, counted from 1.
    fn wait_after(&self, syn: u32) -> Duration {
        let doublings = syn.saturating_sub(1 + self.linear).min(20);
        self.longest.min(Duration::from_secs(1 << doublings))
    }

    /// How long after the first that SYN is sent.
    fn due(&self, syn: u32) -> Duration {
        (1..syn).map(|earlier| self.wait_after(earlier)).sum()
    }

    /// Which limit comes first, the program's or the kernel's own; and how connect() then ends.
    fn nearer_limit(&self, program: Duration) -> (Duration, &'static str) {
        let syns = 1 + self.linear + self.retries;
        let kernel = self.due(syns + 1);
        if program < kernel { (program, "EINPROGRESS") } else { (kernel, "ETIMEDOUT") }
    }

    /// No SYN left sooner than the settings say, counted from the call of connect().
    fn kept_by(&self, syns: &[CapturedFrame], connect: &Seen) -> Proof {
        let again = syns.iter().zip(1..).skip(1);
        again.fold(at_least("SYNs", syns.len(), 2), |proof, (syn, number)| {
            let (name, due) = (label!("SYN {number}", number), self.due(number));
            let after = since(connect, syn.at_ns);
            proof.and(at_least_duration(name, after, "by the settings", due))
        })
    }
}

experiment!(read_times_out, parameters = &[limit(Text("the client's time limit for recv()"))]);
fn read_times_out(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    let limit = lab.span("timeout")?;
    let mut buffer = [0; 1024];

    client.set_read_timeout(Some(limit))?;
    let answer = client.recv(&mut buffer); // and the server is silent
    lab.claim("recv-gives-up", failed_with("recv", &answer, TIMED_OUT));
    let recv = lab.last_call("client", SyscallKind::Recv)?;
    let took = recv.took_in_ticks();
    lab.claim("not-before-its-time", waited_at_least("recv", took, limit));

    server.send_all(b"here I am")?;
    client.set_read_timeout(None)?; // no limit any more
    let n = client.recv(&mut buffer)?;
    let gave = recv_gave(&buffer[..n], b"here I am");
    lab.claim("the-connection-lives-on", gave);
    Ok(())
}

experiment!(not_only_recv, parameters = &[limit(Text("how long each call may wait"))]);
fn not_only_recv(lab: &Lab) -> Result<()> {
    let limit = lab.span("timeout")?;
    let listener = tcp_socket(lab, "server")?;
    listener.bind(&lab.here(0))?;
    listener.listen(5)?;
    listener.set_read_timeout(Some(limit))?;
    if sys::has(Feature::ConnectTimeout) {
        let answer = listener.accept(); // nobody calls
        let call = lab.last_call("server", SyscallKind::Accept)?;
        let gave_up = failed_with("accept", &answer, TIMED_OUT);
        let waited = waited_at_least("accept", call.took_in_ticks(), limit);
        lab.claim("accept-gives-up", gave_up.and(waited));
    } else {
        lab.not_checked("accept-gives-up", Feature::ConnectTimeout.lack());
    }

    let client = tcp_socket(lab, "client")?;
    client.connect(&listener.local_addr()?)?;
    client.set_write_timeout(Some(limit))?;
    let megabyte = vec![0; 1 << 20];
    let answer = loop {
        let answer = client.send(&megabyte); // nobody receives
        if answer.is_err() {
            break answer;
        }
    };
    let call = lab.last_call("client", SyscallKind::Send)?;
    let gave_up = failed_with("send", &answer, TIMED_OUT);
    let waited = waited_at_least("send", call.took_in_ticks(), limit);
    lab.claim("send-gives-up", gave_up.and(waited));
    Ok(())
}

experiment!(
    the_wire_is_cut,
    network = Network::Wire,
    parameters = &[Parameter {
        name: "timeout",
        default: "1s",
        kind: Kind::Span(1000, 60_000),
        help: Text("TCP_USER_TIMEOUT: how long sent bytes may stay unacknowledged"),
    }]
);
fn the_wire_is_cut(lab: &Lab) -> Result<()> {
    let (wire, limit) = (lab.wire()?, lab.span("timeout")?);
    let (listener, address) = listening_on_the_wire(lab)?;
    let client = tcp_socket(lab, "client")?;
    client.connect(&address)?;
    let (server, _) = listener.accept()?;
    client.set_tcp_user_timeout(Some(limit))?;
    let before = tcp_info(&client)?;
    wire.cut();

    let sent = client.send(b"hello");
    lab.claim("send-notices-nothing", transferred("send", &sent, 5));
    let answer = client.recv(&mut [0; 1024]); // with no limit of its own

    let copies = wire.seen(FrameKind::Data);
    lab.claim("the-same-bytes-again", sent_again(&copies)?);
    let start = lab.last_call("client", SyscallKind::Send)?;
    let timeouts = (rto(&before)?, rto(&tcp_info(&client)?)?);
    let slower = backed_off(&copies, &start, timeouts);
    lab.claim("each-wait-is-longer", slower);

    let end = lab.last_call("client", SyscallKind::Recv)?.returned_ns;
    let waited = waited_at_least("send to error", span(end - start.entered_ns), limit);
    let gave_up = failed_with("recv", &answer, "ETIMEDOUT");
    lab.claim("the-kernel-gives-up", gave_up.and(waited));
    let state = tcp_info(&server)?.state;
    let state = eq("server's state", state, "ESTABLISHED");
    lab.claim("the-server-knows-nothing", state);
    Ok(())
}

/// The same segment was sent at least twice more: same bytes, same sequence number.
fn sent_again(copies: &[CapturedFrame]) -> Result<Proof> {
    let seqs: BTreeSet<u32> =
        copies.iter().map(|copy| Ok(copy.tcp()?.seq)).collect::<Result<_>>()?;
    let bytes: BTreeSet<usize> = copies.iter().map(|copy| copy.layers.payload_bytes).collect();
    let times = at_least("times sent", copies.len(), 3);
    Ok(times.and(eq("different seqs", seqs.len(), 1)).and(eq("different lengths", bytes.len(), 1)))
}

/// The kernel's own timeout has at least doubled, and no copy came sooner than doubling allows. The first copy may be a
/// probe, sent before the timeout (RFC 8985, section 7); so the 2nd is due after 1 timeout, the 3rd after 1 + 2.
fn backed_off(
    copies: &[CapturedFrame],
    send: &Seen,
    (before, after): (Duration, Duration),
) -> Proof {
    let doubled = at_least_duration("timeout after", after, "twice the one before", before * 2);
    copies.iter().skip(2).zip(1..).fold(doubled, |proof, (copy, number)| {
        let name = label!("copy {number}", number = number + 1);
        let due = before * (2_u32.pow(number) - 1);
        proof.and(at_least_duration(name, since(send, copy.at_ns), "with doubling", due))
    })
}

experiment!(
    retry_with_backoff,
    network = Network::Wire,
    parameters = &[
        limit(Text("the program's time limit for each connect()")),
        Parameter {
            name: "pause",
            default: "100ms",
            kind: Kind::Span(1, 10_000),
            help: Text("the first pause; each is twice the last"),
        },
    ]
);
fn retry_with_backoff(lab: &Lab) -> Result<()> {
    let (wire, limit) = (lab.wire()?, lab.span("timeout")?);
    let (server, address) = listening_on_the_wire(lab)?;
    wire.cut();

    let (program, mut pause) = (lab.actor("client"), lab.span("pause")?);
    let mut failures = 0;
    let client = loop {
        let client = program.socket(Domain::IPV4, Type::STREAM, None)?;
        client.set_write_timeout(Some(limit))?;
        match client.connect(&address) {
            Ok(()) => break client,
            Err(error) if failures == 5 => return Err(error.into()),
            Err(_) => failures += 1,
        }
        client.close()?; // or the kernel goes on trying
        if failures == 2 {
            wire.plug_in(); // somebody has found the cable
        }
        lab.wait(pause, "before the next try");
        pause *= 2;
    };
    client.send_all(b"hello")?;
    let (connection, _) = server.accept()?;
    let mut buffer = [0; 5];
    receive_exactly(&connection, &mut buffer)?;
    check_tries(lab, recv_gave(&buffer, b"hello"))
}

/// Looks at what was recorded of the tries.
fn check_tries(lab: &Lab, arrived: Proof) -> Result<()> {
    let (limit, pause) = (lab.span("timeout")?, lab.span("pause")?);
    let tries = calls(lab, SyscallKind::Connect);
    let [(_, one), (_, two), .., (_, last)] = &tries[..] else {
        return Err(Failure::TooFew { what: "tries".into(), count: tries.len() as u64 }.into());
    };
    let failed = |name, back: &Return| {
        eq(name, back.outcome.to_string(), "EINPROGRESS").and(waited_at_least(
            name,
            in_ticks(back, back.took()),
            limit,
        ))
    };
    lab.claim("the-first-tries-fail", failed("1st connect", one).and(failed("2nd connect", two)));

    // From the return of one to the entry of the next.
    let apart =
        |n: usize| span((tries[n + 1].0 - tries[n + 1].1.took_ns).saturating_sub(tries[n].0));
    lab.claim(
        "each-pause-is-longer",
        waited_at_least("1st pause", apart(0), pause).and(waited_at_least(
            "2nd pause",
            apart(1),
            pause * 2,
        )),
    );
    lab.claim("then-it-succeeds", eq("last connect", last.outcome.to_string(), "0").and(arrived));

    let syns = lab.wire()?.seen(Syn);
    let seq = |syn: Option<&CapturedFrame>| {
        syn.and_then(|syn| Some(syn.layers.tcp.as_ref()?.seq)).unwrap_or(0)
    };
    lab.claim(
        "a-try-is-a-new-connection",
        ne_between("first SYN's seq", seq(syns.first()), "last SYN's seq", seq(syns.last())),
    );
    Ok(())
}

/// What TCP_INFO says; every Linux has it.
fn tcp_info(socket: &Socket) -> Result<TcpInfo> {
    Ok(socket.tcp_info()?.ok_or(Feature::TcpInfo.lack())?)
}

/// How long the kernel waits for an acknowledgment, by TCP_INFO: the retransmission timeout.
fn rto(info: &TcpInfo) -> Result<Duration> {
    Ok(Duration::from_micros(info.rto_us.ok_or(Feature::TcpInfo.lack())?.into()))
}

/// The client's calls of this function, each with the time of its return.
fn calls(lab: &Lab, kind: SyscallKind) -> Vec<(u64, Return)> {
    let all = lab.calls("client").into_iter();
    all.filter(|(_, back)| back.call.kind() == kind)
        .map(|(event, back)| (event.at_ns, back))
        .collect()
}

/// From the entry of a call to this time of the run, a span that the kernel counts in ticks.
fn since(call: &Seen, at_ns: u64) -> Measured {
    in_ticks(&call.back, span(at_ns.saturating_sub(call.entered_ns)))
}

fn span(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_mean_what_the_kernel_documents() {
        let waits = |linear| {
            let settings = SynSettings { retries: 6, linear, longest: Duration::from_secs(120) };
            let waits: Vec<u64> = (1..=8).map(|syn| settings.wait_after(syn).as_secs()).collect();
            (
                waits,
                settings.due(settings.retries + linear + 2).as_secs(),
                settings.due(1).as_secs(),
            )
        };
        // Documentation/networking/ip-sysctl.rst: 1, 1, 1, 1, 1, 2, 4 with four linear ones, and 127 seconds in all with none.
        assert_eq!(waits(4), (vec![1, 1, 1, 1, 1, 2, 4, 8], 131, 0));
        assert_eq!(waits(0), (vec![1, 2, 4, 8, 16, 32, 64, 120], 127, 0));
    }

    #[test]
    fn the_nearer_limit_is_the_one_that_counts() {
        let settings = SynSettings { retries: 1, linear: 0, longest: Duration::from_secs(120) };
        assert_eq!(
            settings.nearer_limit(Duration::from_secs(2)),
            (Duration::from_secs(2), "EINPROGRESS")
        );
        assert_eq!(
            settings.nearer_limit(Duration::from_secs(4)),
            (Duration::from_secs(3), "ETIMEDOUT")
        );
    }
}
