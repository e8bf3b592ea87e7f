//! The scenes: which programs talk under which rules, and what of it has to hold.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;

use socket_explorer::capture::Recorder;
use socket_explorer::capture::link::{Networks, Rules, Wire};
use socket_explorer::capture::sys;
use socket_explorer::reasons;
use socket_explorer::trace::packet::{End, Frame, LinkAction};
use socket_explorer::trace::rule::{Rule, words};
use socket_explorer::trace::{EventKind, Name, Need};

/// A scene, its programs, and the rules of the link.
pub struct Scene {
    pub name: &'static str,
    programs: &'static [&'static str],
    rules: fn() -> Vec<Rule>,
    play: fn(&Stage) -> Result<(), String>,
}

const TWO: &[&str] = &["server", "client"];

pub const SCENES: &[Scene] = &[
    Scene {
        name: "two programs talk TCP, by name, at their own addresses",
        programs: TWO,
        rules: Vec::new,
        play: tcp,
    },
    Scene {
        name: "the first SYN is lost",
        programs: TWO,
        rules: || vec![rule(words::drop, "first SYN")],
        play: first_syn,
    },
    Scene {
        name: "every third datagram is lost",
        programs: TWO,
        rules: || vec![rule(words::drop, "every third datagram")],
        play: third_datagram,
    },
    Scene {
        name: "a share of the datagrams is lost",
        programs: TWO,
        rules: || vec![rule(words::loss, "20% of datagrams")],
        play: share,
    },
    Scene {
        name: "every packet is late",
        programs: TWO,
        rules: || vec![rule(words::delay, "50ms")],
        play: delay,
    },
    Scene {
        name: "the link is cut after a while",
        programs: TWO,
        rules: || vec![rule(words::cut_after, "300ms")],
        play: cut,
    },
    Scene {
        name: "both may have the same port",
        programs: &["Alice", "bob's chat"],
        rules: Vec::new,
        play: same_port,
    },
    Scene {
        name: "127.0.0.1 does not leave its network",
        programs: TWO,
        rules: Vec::new,
        play: loopback,
    },
    Scene { name: "nobody has the address", programs: TWO, rules: Vec::new, play: nobody },
    Scene {
        name: "a complaint is of the conversation it complains of",
        programs: TWO,
        rules: Vec::new,
        play: complaint,
    },
    Scene {
        name: "three programs are three hosts",
        programs: &["echo_server.v2", "one", "two"],
        rules: Vec::new,
        play: three,
    },
];

fn rule<E: fmt::Display>(read: fn(&str) -> Result<Rule, E>, text: &str) -> Rule {
    read(text).unwrap_or_else(|error| panic!("{error}"))
}

/// What came of a scene.
pub enum Verdict {
    Held,
    NotChecked(String),
    Failed(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Held => f.write_str("ok"),
            Verdict::NotChecked(why) => write!(f, "not checked: {why}"),
            Verdict::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

/// Plays a scene, in a process made for it.
pub fn perform(scene: &Scene) -> Verdict {
    let programs: Vec<Name> = scene.programs.iter().map(|name| Name::from(*name)).collect();
    let mut networks = match Networks::lay(&programs) {
        Ok(networks) => networks,
        Err(missing) => return Verdict::NotChecked(reasons::lack(&missing.lack(Need::Link))),
    };
    let recorder = Arc::new(Recorder::new(sys::monotonic_ns()));
    let rules = Rules::from_iter((scene.rules)());
    let failed = |error: &std::io::Error| panic!("the link: {error}");
    let wire = networks.connect(&recorder, rules, failed).expect("a thread");
    let stage = Stage { networks, recorder, wire };
    match (scene.play)(&stage) {
        Ok(()) => Verdict::Held,
        Err(why) => Verdict::Failed(stage.frames().iter().fold(why, |why, frame| {
            format!("{why}\n  {}: {}", reasons::comment(frame), frame.layers)
        })),
    }
}

struct Stage {
    networks: Networks,
    recorder: Arc<Recorder>,
    wire: Wire,
}

/// A program that runs; it is ended when the scene no longer needs it.
struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Everything that it prints, to its end.
    fn finish(mut self) -> Result<String, String> {
        let mut text = String::new();
        self.output.read_to_string(&mut text).map_err(|error| error.to_string())?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(text) } else { Err(format!("{status}: {text}")) }
    }
}

impl Stage {
    /// Starts a program in the network of this number. A thread enters it, so that its child is born there.
    fn start(&self, host: usize, program: &str, args: &[&str]) -> Result<Program, String> {
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let spawn = || {
            self.networks.hosts[host].enter()?;
            let mut command = Command::new(&this);
            command.args(["program", program]).args(args).stdout(Stdio::piped()).spawn()
        };
        let spawned = thread::scope(|scope| scope.spawn(spawn).join());
        let mut child =
            spawned.map_err(|_| "panic")?.map_err(|error| format!("{program}: {error}"))?;
        let output = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        Ok(Program { child, output })
    }

    /// Starts a server, and waits until it is ready.
    fn serve(&self, host: usize, program: &str, args: &[&str]) -> Result<Program, String> {
        let mut server = self.start(host, program, args)?;
        let mut line = String::new();
        server.output.read_line(&mut line).map_err(|error| error.to_string())?;
        eq("the server's first line", line.trim(), "ready")?;
        Ok(server)
    }

    fn frames(&self) -> Vec<Arc<Frame>> {
        self.wire.settle();
        let events = self.recorder.events();
        let frames = events.iter().filter_map(|event| match &event.what {
            EventKind::Frame(frame) => Some(frame.clone()),
            _ => None,
        });
        frames.collect()
    }

    fn frames_of(&self, kind: &str) -> Result<Vec<Arc<Frame>>, String> {
        let kind = words::frames(kind).map_err(|error| error.to_string())?.kind;
        Ok(self.frames().into_iter().filter(|frame| kind.is(&frame.layers)).collect())
    }
}

fn eq<T: PartialEq + fmt::Debug>(what: &str, saw: T, expected: T) -> Result<(), String> {
    if saw == expected { Ok(()) } else { Err(format!("{what}: {saw:?}, expected {expected:?}")) }
}

/// The value of a line such as `connected 1003`.
fn told<'a>(output: &'a str, what: &str) -> Result<&'a str, String> {
    let mut lines = output.lines().filter_map(|line| line.strip_prefix(what)?.strip_prefix(' '));
    lines.next().ok_or_else(|| format!("nothing said of {what}: {output}"))
}

fn at_least_ms(what: &str, saw: &str, least: u64) -> Result<(), String> {
    let long = saw.parse().is_ok_and(|ms: u64| ms >= least);
    if long { Ok(()) } else { Err(format!("{what}: {saw} ms, expected {least} at least")) }
}

fn tcp(stage: &Stage) -> Result<(), String> {
    if let Some(missing) = &stage.networks.unnamed {
        return Err(format!("no names: {missing:?}"));
    }
    let _server = stage.serve(0, "tcp-server", &["10.9.0.2:5000"])?;
    let client = stage.start(1, "tcp-client", &["server:5000"])?.finish()?;
    eq("echo", told(&client, "echo")?, "hello")?;
    let local = told(&client, "local")?;
    eq("the client's address", local.split(':').next(), Some("10.9.0.3"))?;

    let arp = stage.frames_of("ARP")?;
    let asks = |frame: &Frame| frame.layers.arp.as_ref().map(|arp| arp.operation);
    eq("first an ARP question, and an answer", [asks(&arp[0]), asks(&arp[1])], [Some(1), Some(2)])?;
    eq("by the kernels", arp.iter().any(|frame| frame.by_lab), false)?;
    let names = |frame: &Frame| {
        [&frame.sender, &frame.receiver].map(|name| name.as_deref().map(str::to_owned))
    };
    let both = |one: &str, other: &str| [Some(one.to_owned()), Some(other.to_owned())];
    eq("who asks whom", names(&arp[0]), both("client", "server"))?;
    eq("who answers whom", names(&arp[1]), both("server", "client"))?;
    let mac = arp[1].layers.arp.as_ref().map(|arp| arp.sender_mac.to_string());
    eq("the server's MAC address", mac.as_deref(), Some("02:00:0a:09:00:02"))?;

    let syn_ack = stage.frames_of("SYN-ACK")?;
    let text = |address: &Option<socket_explorer::trace::Address>| {
        address.as_ref().map(ToString::to_string)
    };
    eq("its sender's address", text(&syn_ack[0].local), Some("10.9.0.2:5000".to_owned()))?;
    eq("its receiver's address", text(&syn_ack[0].peer), Some(local.to_owned()))?;
    eq(
        "who sent it",
        (syn_ack[0].sent_by, names(&syn_ack[0])),
        (End::Server, both("server", "client")),
    )?;
    eq("its flow", syn_ack[0].flow, Some(1))
}

fn first_syn(stage: &Stage) -> Result<(), String> {
    let _server = stage.serve(0, "tcp-server", &["0.0.0.0:5000"])?;
    let client = stage.start(1, "tcp-client", &["10.9.0.2:5000"])?.finish()?;
    // By the clock of ticks, which may be one tick behind (RFC 6298, section 2.1).
    at_least_ms("connect", told(&client, "connected")?, 980)?;
    let syns = stage.frames_of("SYN")?;
    let actions: Vec<_> = syns.iter().map(|syn| (syn.flow, syn.action())).collect();
    let expected = [(Some(1), Some(LinkAction::Dropped)), (Some(1), Some(LinkAction::Passed))];
    eq("SYNs", actions.get(..2), Some(&expected[..]))
}

fn third_datagram(stage: &Stage) -> Result<(), String> {
    let server = stage.serve(0, "udp-server", &["0.0.0.0:5000", "8"])?;
    stage.start(1, "udp-client", &["10.9.0.2:5000", "9"])?.finish()?;
    eq("arrived", told(&server.finish()?, "received")?, "1 2 4 5 7 8")
}

fn share(stage: &Stage) -> Result<(), String> {
    let _server = stage.serve(0, "udp-server", &["0.0.0.0:5000", "none"])?;
    stage.start(1, "udp-client", &["10.9.0.2:5000", "100"])?.finish()?;
    let datagrams = stage.frames_of("datagram")?;
    let lost = datagrams.iter().filter(|frame| frame.action() == Some(LinkAction::Dropped)).count();
    eq("sent, and lost with seed 1", (datagrams.len(), lost), (100, 16))
}

fn delay(stage: &Stage) -> Result<(), String> {
    let _server = stage.serve(0, "tcp-server", &["0.0.0.0:5000"])?;
    let client = stage.start(1, "tcp-client", &["10.9.0.2:5000"])?.finish()?;
    at_least_ms("there and back", told(&client, "connected")?, 100)?;
    let events = stage.recorder.events();
    let sent: HashMap<u64, u64> = events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Frame(frame) => Some((frame.frame, event.at_ns)),
            _ => None,
        })
        .collect();
    let times: Vec<u64> = events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Delivered { frame } => Some(event.at_ns - sent[frame]),
            _ => None,
        })
        .collect();
    let late = times.iter().filter(|ns| **ns >= 50_000_000).count();
    eq("deliveries, and late ones", (times.len() >= 3, late), (true, times.len()))
}

fn cut(stage: &Stage) -> Result<(), String> {
    let _server = stage.serve(0, "tcp-server", &["0.0.0.0:5000"])?;
    let client = stage.start(1, "ping-until-silence", &["10.9.0.2:5000"])?.finish()?;
    eq("in the end", client.trim(), "silence")?;
    let packets = stage.frames_of("packet")?;
    let cut: Vec<_> =
        packets.iter().filter(|frame| frame.action() == Some(LinkAction::Cut)).collect();
    let first = cut.first().ok_or("nothing was cut")?;
    let words = reasons::rules(first.rules());
    eq("why", words.as_deref(), Some("the wire is cut 300ms after its first packet"))?;
    let after = packets.iter().filter(|frame| frame.frame >= first.frame).count();
    eq("all from there on", cut.len(), after)
}

fn same_port(stage: &Stage) -> Result<(), String> {
    eq(
        "names of hosts",
        (stage.networks.hosts[0].name(), stage.networks.hosts[1].name()),
        ("alice".to_owned(), "bob-s-chat".to_owned()),
    )?;
    let called = stage.serve(0, "udp-peer", &["0.0.0.0:5000"])?;
    let caller = stage.start(1, "udp-peer", &["0.0.0.0:5000", "alice:5000"])?.finish()?;
    eq("who called", told(&called.finish()?, "from")?, "10.9.0.3:5000")?;
    eq("who answered", told(&caller, "from")?, "10.9.0.2:5000")?;
    let both: Vec<_> =
        stage.frames_of("datagram")?.iter().map(|one| (one.flow, one.sent_by)).collect();
    eq("one conversation", both, vec![(Some(1), End::Client), (Some(1), End::Server)])
}

fn loopback(stage: &Stage) -> Result<(), String> {
    let _server = stage.serve(0, "tcp-server", &["0.0.0.0:5000"])?;
    let client = stage.start(1, "connect", &["127.0.0.1:5000"])?.finish()?;
    eq("the client's own machine", client.trim(), "ConnectionRefused")?;
    let server = stage.start(0, "connect", &["127.0.0.1:5000"])?.finish()?;
    eq("the server's own machine", server.trim(), "connected")?;
    eq("frames", stage.frames_of("TCP")?.len(), 0)
}

fn nobody(stage: &Stage) -> Result<(), String> {
    let client = stage.start(1, "connect", &["10.9.0.99:5000"])?.finish()?;
    eq("connect", client.trim(), "HostUnreachable")?;
    let questions = stage.frames_of("ARP")?;
    let asked = |frame: &Frame| {
        frame.layers.arp.as_ref().map(|arp| (arp.operation, arp.target_ip.to_string()))
    };
    let all = questions.iter().all(|frame| asked(frame) == Some((1, "10.9.0.99".to_owned())));
    eq("only questions", (questions.is_empty(), all), (false, true))
}

fn complaint(stage: &Stage) -> Result<(), String> {
    let client = stage.start(1, "udp-to-nobody", &["10.9.0.2:5000"])?.finish()?;
    eq("recv", client.trim(), "ConnectionRefused")?;
    let icmp = stage.frames_of("ICMP")?;
    eq(
        "whose",
        (icmp[0].flow, icmp[0].sent_by, icmp[0].sender.as_deref()),
        (Some(1), End::Server, Some("server")),
    )
}

fn three(stage: &Stage) -> Result<(), String> {
    let _server = stage.serve(0, "tcp-server", &["0.0.0.0:5000"])?;
    for host in [1, 2] {
        let client = stage.start(host, "tcp-client", &["echo_server.v2:5000"])?.finish()?;
        eq("echo", told(&client, "echo")?, "hello")?;
    }
    let syns = stage.frames_of("SYN")?;
    let senders: Vec<_> =
        syns.iter().map(|syn| (syn.sender.as_deref(), syn.receiver.as_deref(), syn.flow)).collect();
    let server = Some("echo_server.v2");
    let expected = vec![(Some("one"), server, Some(1)), (Some("two"), server, Some(2))];
    eq("SYNs", senders, expected)
}
