//! The cable at work on a real kernel: each thing that a plan can say, and what comes out at the other end.
//!
//! It has a main of its own: without arguments it runs itself once for each scene, for a private network has to be entered
//! before a process has threads; the test harness has some already.

use socket_explorer::reasons;
use socket_explorer::trace::SyscallKind;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use socket_explorer::capture::child::Job;
use socket_explorer::capture::link::{
    Anything, Arp, Data, Icmp, Server, Syn, Udp, every, first, nth, share,
};
use socket_explorer::capture::{
    self, Lab, Network, Result, Run, Socket, eq, eq_between, failed_with, waited_at_least,
};
use socket_explorer::trace::recording;
use socket_explorer::trace::{Ending, EventKind, Verdict};
use socket2::{Domain, Protocol, SockAddr, Type};

type Scene = (&'static str, fn(&Lab) -> Result<()>);

const SCENES: &[Scene] = &[
    ("icmp crosses, and is of the conversation it complains of", icmp),
    ("what is delayed holds nobody else up", delay),
    ("both ways delayed is twice delayed", both_ways),
    ("a duplicate arrives twice", duplicate),
    ("the next one overtakes", reorder),
    ("a share is lost, the same ones again", lose),
    ("fragments cross, and belong together", fragments),
    ("a cut wire loses data until it is plugged in", cut),
    ("no answer to ARP is no host", no_arp),
    ("the same ports again are another conversation", again),
];

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("scene") {
        let Some((name, play)) =
            args.next().and_then(|name| SCENES.iter().find(|(known, _)| **known == *name))
        else {
            return ExitCode::FAILURE;
        };
        let job = Job { name: (*name).to_owned(), ..Job::default() };
        let run = Run { job, network: Network::Wire, ..Run::default() };
        return capture::perform(&run, *play);
    }
    let broken = SCENES.iter().filter(|(name, _)| !holds(name)).count();
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn holds(name: &str) -> bool {
    let this = std::env::current_exe().expect("this program");
    let mut child = Command::new(this)
        .args(["scene", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program runs");
    let control = child.stdin.take();
    let output = child.wait_with_output().expect("its output");
    drop(control);
    let contents = recording::read(&output.stdout[..]);
    let Some(run) = contents.recordings.first().filter(|_| contents.damage.is_none()) else {
        println!("{name} ... FAILED: {:?}", contents.damage);
        return false;
    };
    let broken: Vec<_> = run.claims().filter(|claim| claim.verdict != Verdict::Held).collect();
    match run.ending() {
        Some(Ending::Finished) if broken.is_empty() && run.claims().count() > 0 => {
            println!("{name} ... ok")
        }
        Some(Ending::Unavailable { why }) => println!("{name} ... not checked: {why:?}"),
        other => {
            println!("{name} ... FAILED: {other:?}\n{broken:#?}");
            run.events().iter().for_each(|event| {
                if let EventKind::Frame(frame) = &event.what {
                    println!("  {:>12} {}: {}", event.at_ns, reasons::comment(frame), frame.layers);
                }
            });
            return false;
        }
    }
    true
}

fn udp(lab: &Lab, actor: &str) -> Result<Socket> {
    let socket = lab.actor(actor).socket(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&lab.near(0))?;
    Ok(socket)
}

fn across(lab: &Lab, to: &Socket) -> Result<SockAddr> {
    Ok(lab.far(to.local_addr()?.as_socket().map_or(0, |at| at.port())))
}

/// A connected pair, and the listening socket.
fn tcp(lab: &Lab) -> Result<(Socket, Socket, Socket)> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listener.bind(&lab.near(0))?;
    listener.listen(5)?;
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    client.connect(&across(lab, &listener)?)?;
    let (server, _) = listener.accept()?;
    Ok((client, server, listener))
}

fn text(socket: &Socket) -> Result<String> {
    let mut buffer = [0; 100];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn icmp(lab: &Lab) -> Result<()> {
    let (client, gone) = (udp(lab, "client")?, udp(lab, "server")?);
    client.connect(&across(lab, &gone)?)?;
    gone.close()?;
    client.send(b"anybody?")?;
    let complaint = lab.wire()?.until(Icmp);
    lab.claim("refused", failed_with("recv", &client.recv(&mut [0; 100]), "ECONNREFUSED"));
    let number = |flow: Option<u32>| flow.map_or(-1, i64::from);
    lab.claim("by-the-server", eq("sent by", complaint.sent_by.to_string(), "server"));
    lab.claim(
        "same-flow",
        eq_between("ICMP", number(complaint.flow), "UDP", number(lab.wire()?.until(Udp).flow)),
    );
    Ok(())
}

fn delay(lab: &Lab) -> Result<()> {
    let (client, server) = (udp(lab, "client")?, udp(lab, "server")?);
    lab.wire()?.delay(first(Udp), Duration::from_millis(200));
    let to = across(lab, &server)?;
    client.send_to(b"first", &to)?;
    client.send_to(b"second", &to)?;
    lab.claim(
        "order",
        eq("first to arrive", text(&server)?, "second").and(eq("then", text(&server)?, "first")),
    );
    let delivered =
        |event: &&socket_explorer::trace::Event| matches!(event.what, EventKind::Delivered { .. });
    let events = lab.recorder().events();
    let (told, sent) =
        (events.iter().filter(delivered).collect::<Vec<_>>(), lab.wire()?.until(Udp));
    lab.claim("delivery-is-told", eq("deliveries", told.len(), 1));
    let late = Duration::from_nanos(told.first().map_or(0, |event| event.at_ns - sent.at_ns));
    lab.claim("late", waited_at_least("on the way", late, Duration::from_millis(200)));
    Ok(())
}

fn both_ways(lab: &Lab) -> Result<()> {
    lab.wire()?.delay(every(Anything), Duration::from_millis(30));
    let (client, _server, _listener) = tcp(lab)?;
    let connect = lab.last_call("client", SyscallKind::Connect)?;
    lab.claim("connect", waited_at_least("connect", connect.took(), Duration::from_millis(60)));
    client.close()?;
    let fin = lab.wire()?.until(every(socket_explorer::capture::link::Fin));
    lab.wire()?.settle();
    let after = lab.recorder().events().into_iter().filter(
        |event| matches!(&event.what, EventKind::Delivered { frame } if *frame == fin.frame.frame),
    );
    lab.claim("settled", eq("deliveries of the FIN", after.count(), 1));
    Ok(())
}

fn duplicate(lab: &Lab) -> Result<()> {
    let (client, server) = (udp(lab, "client")?, udp(lab, "server")?);
    lab.wire()?.duplicate(first(Udp));
    client.send_to(b"one", &across(lab, &server)?)?;
    lab.claim("twice", eq("first", text(&server)?, "one").and(eq("second", text(&server)?, "one")));
    Ok(())
}

fn reorder(lab: &Lab) -> Result<()> {
    let (client, server) = (udp(lab, "client")?, udp(lab, "server")?);
    lab.wire()?.reorder(first(Udp));
    let to = across(lab, &server)?;
    client.send_to(b"one", &to)?;
    client.send_to(b"two", &to)?;
    lab.claim(
        "overtaken",
        eq("first", text(&server)?, "two").and(eq("second", text(&server)?, "one")),
    );
    Ok(())
}

fn lose(lab: &Lab) -> Result<()> {
    let (client, server) = (udp(lab, "client")?, udp(lab, "server")?);
    lab.wire()?.drop(share(20, Udp, 1));
    let to = across(lab, &server)?;
    for number in 0..100 {
        client.send_to(format!("{number}").as_bytes(), &to)?;
    }
    lab.wire()?.settle();
    server.set_nonblocking(true)?;
    let mut arrived = Vec::new();
    while let Ok(number) = text(&server) {
        arrived.push(number);
    }
    let passed = lab.wire()?.seen(Udp).iter().filter(|seen| !seen.is_lost()).count();
    lab.claim(
        "counted",
        eq_between("received", arrived.len(), "passed", passed).and(eq(
            "lost with seed 1",
            100 - passed,
            16,
        )),
    );
    Ok(())
}

fn fragments(lab: &Lab) -> Result<()> {
    let (client, server) = (udp(lab, "client")?, udp(lab, "server")?);
    client.send_to(&[b'x'; 4000], &across(lab, &server)?)?;
    lab.claim("whole", eq("bytes", server.recv(&mut [0; 5000])?, 4000));
    let parts = lab.wire()?.seen(Udp);
    lab.claim("fragments", eq("fragments", parts.len(), 3));
    lab.claim(
        "together",
        eq("of flow 1", parts.iter().filter(|part| part.flow == Some(1)).count(), 3),
    );
    Ok(())
}

fn cut(lab: &Lab) -> Result<()> {
    let (client, server, _listener) = tcp(lab)?;
    let wire = lab.wire()?;
    wire.cut();
    client.send(b"hello")?;
    let (one, two) = (wire.until(Data), wire.until(nth(2, Data)));
    lab.claim(
        "lost",
        eq("first", reasons::rules(one.rules()).unwrap_or_default(), "the wire is cut"),
    );
    lab.claim("again", eq_between("seq", two.tcp()?.seq, "seq", one.tcp()?.seq));
    wire.plug_in();
    lab.claim("arrives", eq("text", text(&server)?, "hello"));
    server.send(b"yes")?;
    lab.claim("from-the-server", eq("data", wire.until(Data.from(Server)).layers.payload_bytes, 3));
    Ok(())
}

fn no_arp(lab: &Lab) -> Result<()> {
    lab.wire()?.drop(every(Arp));
    let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    lab.claim("unreachable", failed_with("connect", &client.connect(&lab.far(9)), "EHOSTUNREACH"));
    lab.claim("no-syn", eq("SYNs", lab.wire()?.seen(Syn).len(), 0));
    Ok(())
}

fn again(lab: &Lab) -> Result<()> {
    let listener = lab.actor("server").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    listener.bind(&lab.near(0))?;
    listener.listen(5)?;
    let mut port = 0;
    for _ in 0..2 {
        let client = lab.actor("client").socket(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        client.bind(&lab.near(port))?;
        port = client.local_addr()?.as_socket().map_or(0, |at| at.port());
        client.set_linger(Some(Duration::ZERO))?; // ends with RST, so that nothing lingers in TIME_WAIT
        client.connect(&across(lab, &listener)?)?;
        listener.accept()?.0.close()?;
        client.close()?;
    }
    let syns = lab.wire()?.seen(Syn);
    let flows: Vec<_> = syns.iter().map(|syn| format!("{:?}", syn.flow)).collect();
    lab.claim("two", eq("flows", flows.join(" "), "Some(1) Some(2)"));
    Ok(())
}
