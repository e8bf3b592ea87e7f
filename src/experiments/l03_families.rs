//! Lesson 3: the families AF_UNIX, AF_INET and AF_INET6. What changes with the family, and what does not.
//!
//! Where IPv6 is switched off, whatever needs none of it comes first and is checked all the same.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Instant;

use socket2::{Domain, SockAddr, Type};

use super::kit::receive;
use super::{Need, Stepping, Why, experiment};
use crate::capture::{self, Actor, Kind, Lab, Network, Parameter, Proof, Result, Socket};
use crate::capture::{at_least, eq, eq_between, failed_with, less, ne_between, succeeded};
use crate::i18n::Text;
use crate::trace::{
    Address, Data, EventKind, Label, Output, Return, Role, SyscallKind, Value, label,
};

experiment!(one_conversation_three_families, needs = &[Need::Ipv6, Need::Folder]);
fn one_conversation_three_families(lab: &Lab) -> Result<()> {
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    for (name, family, address) in families(lab, &NEED_UNIX)? {
        begin(lab, name)?;
        let listener = server.socket(family, Type::STREAM, None)?;
        listener.bind(&address)?;
        listener.listen(1)?;

        let caller = client.socket(family, Type::STREAM, None)?;
        caller.connect(&listener.local_addr()?)?;
        let (connection, _) = listener.accept()?;

        caller.send_all(b"hello")?;
        let bytes = receive(&connection, 5)?;
        connection.send_all(&bytes)?; // an echo: the same bytes, back
        receive(&caller, 5)?;
        compare_families(lab, name, &address);
    }
    Ok(())
}

/// What [`one_conversation_three_families`] cannot check without AF_UNIX.
const NEED_UNIX: [&str; 4] =
    ["unix-address-is-a-path", "unix-client-has-no-name", "same-bytes", "only-the-address-differs"];

/// The families, each with an address where a server can wait: a path, or port 0, for which the kernel puts a free one.
/// Where no path is to be had, AF_UNIX is left out and these claims are not checked.
fn families(
    lab: &Lab,
    need_unix: &[&'static str],
) -> Result<Vec<(&'static str, Domain, SockAddr)>> {
    let mut families = Vec::new();
    match lab.here_unix("server") {
        Ok(path) => families.push(("AF_UNIX", Domain::UNIX, path)),
        Err(capture::Error::Unavailable(why)) => {
            need_unix.iter().for_each(|claim| lab.not_checked(claim, why.clone()))
        }
        Err(error) => return Err(error),
    }
    families.push(("AF_INET", Domain::IPV4, lab.here(0)));
    families.push(("AF_INET6", Domain::IPV6, lab.here_v6(0)));
    Ok(families)
}

/// Begins a family's part of the experiment; the rest is not to be had if that is IPv6 and the machine has none.
fn begin(lab: &Lab, family: &'static str) -> Result<()> {
    if family == "AF_INET6" {
        lab.need_ipv6()?;
    }
    lab.part(family);
    Ok(())
}

/// Checks what was recorded of one family's conversation, beside that of a family before it.
fn compare_families(lab: &Lab, family: &'static str, asked: &SockAddr) {
    let calls = calls_of(lab, family);
    let at = address(&calls, SyscallKind::GetSockName);
    let from = address(&calls, SyscallKind::Accept);
    let back = received(&calls); // the last recv is the client's
    match family {
        "AF_UNIX" => {
            lab.claim("unix-address-is-a-path", eq("server.local", at, asked));
            lab.claim(
                "unix-client-has-no-name",
                eq("server.peer", from, Value::Address(Address::Unix(None))),
            );
        }
        "AF_INET" => {
            lab.claim(
                "inet-address-has-a-port",
                has_port("server's port", &at).and(has_port("client's port", &from)),
            );
            let unix = calls_of(lab, "AF_UNIX");
            if !unix.is_empty() {
                let first = eq("back over AF_UNIX", received(&unix), hello());
                lab.claim("same-bytes", first.and(eq("back over AF_INET", back, hello())));
                lab.claim(
                    "only-the-address-differs",
                    differs_in_address(("AF_UNIX calls", &unix), ("AF_INET calls", &calls)),
                );
            }
        }
        _ => {
            let inet = calls_of(lab, "AF_INET");
            let same_calls =
                differs_in_address(("AF_INET calls", &inet), ("AF_INET6 calls", &calls));
            lab.claim("same-over-ipv6", eq("back over AF_INET6", back, hello()).and(same_calls));
        }
    }
}

fn hello() -> Data {
    Data::of(b"hello")
}

/// What the program called in this part, in order; neither the instrument's calls nor the closing at its end.
fn calls_of(lab: &Lab, part: &str) -> Vec<Return> {
    lab.recorder().look(|events| {
        let mut inside = false;
        let mut calls = Vec::new();
        for event in events {
            match &event.what {
                EventKind::Part { part: begun } => inside = begun.text == part,
                EventKind::Return(back) if inside && back.call.role == Role::Program => {
                    calls.push(back.clone())
                }
                _ => {}
            }
        }
        calls
    })
}

/// The address that the kernel filled in at the last call of this kind.
fn address(calls: &[Return], kind: SyscallKind) -> Value {
    let call = calls.iter().rev().find(|call| call.call.kind() == kind);
    call.and_then(|call| call.out.address()).cloned().map_or("nothing".into(), Value::Address)
}

/// The bytes that the last recv gave.
fn received(calls: &[Return]) -> Value {
    let last = calls.iter().rev().find_map(|call| match &call.out {
        Output::Received { data, .. } => Some(data.clone()),
        _ => None,
    });
    last.map_or("nothing".into(), Value::Data)
}

fn has_port(what: &'static str, address: &Value) -> Proof {
    let port = match address {
        Value::Address(Address::Inet(at)) => at.port(),
        Value::Address(Address::Inet6(at)) => at.port(),
        _ => 0,
    };
    at_least(what, port.into(), 1)
}

/// The calls are the same in the same order, and their arguments differ in family and address alone.
fn differs_in_address(
    (first, ones): (&'static str, &[Return]),
    (second, others): (&'static str, &[Return]),
) -> Proof {
    let names = |calls: &[Return]| {
        calls.iter().map(|call| call.call.function()).collect::<Vec<_>>().join(" ")
    };
    let mut differing = BTreeSet::new();
    for (one, two) in ones.iter().zip(others) {
        let others = two.call.syscall.args();
        let args = one.call.syscall.args().0.into_iter();
        differing
            .extend(args.filter(|(name, it)| others.get(name) != Some(it)).map(|(name, _)| name));
    }
    let differing = Vec::from_iter(differing).join(", ");
    eq_between(first, names(ones), second, names(others)).and(eq(
        "arguments that differ",
        Label::from(differing),
        label!("address, domain"),
    ))
}

// On the host's own network the frames of other programs would be counted too.
experiment!(
    frames_on_lo,
    needs = &[Need::Ipv6, Need::Folder, Need::Proc],
    network = Network::Private
);
fn frames_on_lo(lab: &Lab) -> Result<()> {
    lab.part("frames that lo sent"); // lo leads to this machine itself
    let families = families(lab, &["no-frame-for-unix"])?;
    for (name, family, address) in families {
        if family == Domain::IPV6 {
            lab.need_ipv6()?;
        }
        let before = lab.frames_on_lo()?;
        let (caller, connection) = connected(lab, family, &address)?;
        caller.send_all(b"hello")?;
        receive(&connection, 5)?;
        let frames = lab.frames_on_lo()?.saturating_sub(before);
        lab.tally(name, frames, "/proc/net/dev");

        let some = at_least("frames", frames.try_into().unwrap_or(0), 4);
        let none = eq("frames", frames, 0_u64);
        match family {
            Domain::UNIX => lab.claim("no-frame-for-unix", none),
            Domain::IPV4 => lab.claim("frames-for-ipv4", some),
            _ => lab.claim("frames-for-ipv6", some),
        }
    }
    Ok(())
}

/// A client and a server's end, connected; the listening socket has done its work and is closed.
fn connected(lab: &Lab, family: Domain, address: &SockAddr) -> Result<(Socket, Socket)> {
    let listener = lab.actor("server").socket(family, Type::STREAM, None)?;
    listener.bind(address)?;
    listener.listen(1)?;
    let caller = lab.actor("client").socket(family, Type::STREAM, None)?;
    caller.connect(&listener.local_addr()?)?;
    let (connection, _) = listener.accept()?;
    Ok((caller, connection))
}

experiment!(a_file_that_is_a_socket, needs = &[Need::Folder]);
fn a_file_that_is_a_socket(lab: &Lab) -> Result<()> {
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let (address, path) = (lab.here_unix("door")?, lab.path("door")?);

    let listener = server.socket(Domain::UNIX, Type::STREAM, None)?;
    listener.bind(&address)?; // makes the file
    listener.listen(1)?;
    let kind = eq("file type", stat(&path)?, label!("socket"));
    lab.claim("stat-says-socket", kind);

    listener.close()?;
    let kind = eq("file type", stat(&path)?, label!("socket"));
    lab.claim("file-outlives-close", kind);
    let knock = connect_to(&client, &address);
    let refused = failed_with("connect", &knock, "ECONNREFUSED");
    lab.claim("nobody-behind-the-file", refused);

    let again = server.socket(Domain::UNIX, Type::STREAM, None)?;
    let answer = again.bind(&address);
    let refused = failed_with("bind", &answer, "EADDRINUSE");
    lab.claim("bind-again-fails", refused);
    server.deed("unlink …/door", || fs::remove_file(&path))?;
    let answer = again.bind(&address);
    lab.claim("unlink-frees-the-path", succeeded("bind", &answer));
    let knock = connect_to(&client, &address); // before listen()
    let refused = failed_with("connect", &knock, "ECONNREFUSED");
    lab.claim("bound-is-not-yet-listening", refused);

    let (plain, path) = (lab.here_unix("plain")?, lab.path("plain")?);
    server.deed("write …/plain", || fs::write(&path, "a plain file"))?;
    let knock = connect_to(&client, &plain);
    let refused = failed_with("connect", &knock, "ECONNREFUSED");
    lab.claim("a-plain-file-refuses-too", refused);
    Ok(())
}

/// A new client's call of connect.
#[track_caller]
fn connect_to(client: &Actor, address: &SockAddr) -> io::Result<()> {
    client.socket(address.domain(), Type::STREAM, None)?.connect(address)
}

experiment!(who_may_connect, needs = &[Need::Folder]);
fn who_may_connect(lab: &Lab) -> Result<()> {
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let (address, path) = (lab.here_unix("door")?, lab.path("door")?);
    let listener = server.socket(Domain::UNIX, Type::STREAM, None)?;
    // The umask is what a new file does not allow: nothing, to anybody.
    with_umask(&server, 0o777, || listener.bind(&address))?;
    lab.claim("umask-decides", eq("the file's mode", mode(&path)?, "000"));
    listener.listen(1)?;
    let knock = connect_to(&client, &address);
    let refused = failed_with("connect", &knock, "EACCES");
    lab.claim("without-permission", refused);

    chmod(&server, &path, 0o400)?; // its owner may read
    let knock = connect_to(&client, &address);
    let refused = failed_with("connect", &knock, "EACCES");
    lab.claim("reading-is-not-enough", refused);
    chmod(&server, &path, 0o200)?; // its owner may write
    let caller = client.socket(Domain::UNIX, Type::STREAM, None)?;
    let answer = caller.connect(&address);
    lab.claim("writing-is-enough", succeeded("connect", &answer));
    answer?;

    let (connection, _) = listener.accept()?;
    caller.send_all(b"hello")?; // nobody has received it yet
    let length = fs::metadata(&path)?.len();
    let size = eq("bytes in the file", length, 0);
    chmod(&server, &path, 0o600)?; // its owner may read and write
    let opened = client.deed("open …/door", || fs::File::open(&path));
    let opened = failed_with("open", &opened, "ENXIO");
    let came = eq("received", Data::of(&receive(&connection, 5)?), hello());
    lab.claim("file-holds-no-bytes", size.and(opened).and(came));
    Ok(())
}

/// What stat(2) says that the path is.
#[cfg(unix)]
fn stat(path: &Path) -> Result<Label> {
    use std::os::unix::fs::FileTypeExt;
    let kind = fs::symlink_metadata(path)?.file_type();
    Ok(if kind.is_socket() { label!("socket") } else { label!("something else") })
}

/// Sets who may read, write and execute: chmod(2).
#[cfg(unix)]
fn chmod(who: &Actor, path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::Permissions::from_mode(mode);
    let deed = label!("chmod {mode} …/door", mode = format!("{:03o}", mode.mode()));
    Ok(who.deed(deed, || fs::set_permissions(path, mode))?)
}

/// Who may read, write and execute it, as three digits.
#[cfg(unix)]
fn mode(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::PermissionsExt;
    Ok(format!("{:03o}", fs::symlink_metadata(path)?.permissions().mode() & 0o777))
}

/// Does something under this umask, and puts back the one before: umask(2).
#[cfg(unix)]
fn with_umask(who: &Actor, mask: u16, play: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    use nix::sys::stat::{Mode, umask};
    let set = |mask: Mode| {
        let deed = label!("umask {mask}", mask = format!("{:03o}", mask.bits()));
        who.deed(deed, || Ok(umask(mask)))
    };
    let before = set(Mode::from_bits_truncate(mask.into()))?;
    let answer = play();
    set(before)?;
    answer
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Result<String> {
    Err(crate::trace::Feature::FilePermissions.lack().into())
}

#[cfg(not(unix))]
fn with_umask(_: &Actor, _: u16, _: impl FnOnce() -> io::Result<()>) -> Result<()> {
    Err(crate::trace::Feature::FilePermissions.lack().into())
}

#[cfg(not(unix))]
fn stat(_: &Path) -> Result<Label> {
    Err(crate::trace::Feature::FileTypes.lack().into())
}

#[cfg(not(unix))]
fn chmod(_: &Actor, _: &Path, _: u32) -> Result<()> {
    Err(crate::trace::Feature::FilePermissions.lack().into())
}

experiment!(an_address_of_another_family, needs = &[Need::Ipv6]);
fn an_address_of_another_family(lab: &Lab) -> Result<()> {
    let open = |name, of| lab.actor(name).socket(of, Type::STREAM, None);
    let listener = open("server", Domain::IPV4)?;
    listener.bind(&lab.here(0))?;
    listener.listen(1)?;
    let at = listener.local_addr()?; // somebody does listen there
    let v6 = lab.here_v6(port_of(&at)?);
    let path = SockAddr::unix("/tmp/echo-server.socket")?;

    let ipv4 = open("ipv4", Domain::IPV4)?;
    let answer = ipv4.connect(&v6);
    let refused = failed_with("connect", &answer, "EAFNOSUPPORT");
    lab.claim("ipv4-takes-no-ipv6", refused);
    let answer = ipv4.connect(&path);
    let refused = failed_with("connect", &answer, "EAFNOSUPPORT");
    lab.claim("ipv4-takes-no-path", refused);

    let unix = open("unix", Domain::UNIX)?;
    let answer = unix.connect(&at);
    let refused = failed_with("connect", &answer, "EINVAL");
    lab.claim("unix-takes-no-ipv4", refused);

    lab.need_ipv6()?;
    let ipv6 = open("ipv6", Domain::IPV6)?;
    let answer = ipv6.connect(&at);
    let refused = failed_with("connect", &answer, "EINVAL");
    let (given, wider) = (length(&at), length(&v6));
    let short = less("bytes given", given, "an IPv6 address has", wider);
    lab.claim("ipv6-takes-no-ipv4", refused.and(short));
    // The same IPv4 address once more, in as many bytes as an IPv6 one.
    let answer = ipv6.connect(&padded(&at, &v6));
    let refused = failed_with("connect", &answer, "EAFNOSUPPORT");
    lab.claim("length-comes-first", refused);
    Ok(())
}

/// An address, followed by zeros until it is as long as another.
fn padded(address: &SockAddr, other: &SockAddr) -> SockAddr {
    // SAFETY: the storage is initialised beyond the address, with zeros, and longer than any address.
    unsafe { SockAddr::new(address.clone().as_storage(), other.len()) }
}

fn length(address: &SockAddr) -> usize {
    usize::try_from(address.len()).unwrap_or(usize::MAX)
}

fn port_of(address: &SockAddr) -> Result<u16> {
    let port = address.as_socket().map(|at| at.port());
    port.ok_or_else(|| capture::Error::assertion("an internet address has a port"))
}

experiment!(dual_stack, needs = &[Need::Ipv6]);
fn dual_stack(lab: &Lab) -> Result<()> {
    lab.need_ipv6()?;
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let listener = server.socket(Domain::IPV6, Type::STREAM, None)?;
    listener.set_only_v6(false)?; // systems start out differently: say it
    listener.bind(&every_address())?;
    listener.listen(1)?;

    let ipv4 = lab.here(port_of(&listener.local_addr()?)?); // 127.0.0.1
    let caller = client.socket(Domain::IPV4, Type::STREAM, None)?;
    caller.connect(&ipv4)?;
    let (_connection, peer) = listener.accept()?;

    let it = as_ipv6(&caller.local_addr()?);
    let seen = eq_between("server.peer", &peer, "client.local, mapped", it);
    lab.claim("server-sees-mapped", seen);
    let seen = eq("client.peer", &caller.peer_addr()?, &ipv4);
    lab.claim("client-sees-plain-ipv4", seen);

    let second = server.socket(Domain::IPV4, Type::STREAM, None)?;
    let answer = second.bind(&ipv4);
    let refused = failed_with("IPv4 bind", &answer, "EADDRINUSE");
    lab.claim("ipv4-port-is-taken-too", refused);
    Ok(())
}

/// `[::]:0`: every address of this machine, on a port that the kernel chooses.
fn every_address() -> SockAddr {
    SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into()
}

/// The IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) of an IPv4 address; any other stays as it is.
fn as_ipv6(address: &SockAddr) -> SockAddr {
    match address.as_socket_ipv4() {
        Some(ipv4) => SocketAddr::from((ipv4.ip().to_ipv6_mapped(), ipv4.port())).into(),
        None => address.clone(),
    }
}

experiment!(ipv6_client_ipv4_server, needs = &[Need::Ipv6]);
fn ipv6_client_ipv4_server(lab: &Lab) -> Result<()> {
    lab.need_ipv6()?;
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let listener = server.socket(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&lab.here(0))?;
    listener.listen(1)?;
    let at = listener.local_addr()?;

    let caller = client.socket(Domain::IPV6, Type::STREAM, None)?;
    caller.set_only_v6(false)?;
    let answer = caller.connect(&as_ipv6(&at)); // ::ffff:127.0.0.1
    lab.claim("mapped-leads-to-ipv4", succeeded("connect", &answer));
    answer?;
    let (_connection, peer) = listener.accept()?;
    let local = caller.local_addr()?;
    let same = eq_between("server.peer, mapped", as_ipv6(&peer), "client.local", &local);
    let plain = ne_between("server.peer", &peer, "client.local", &local);
    lab.claim("server-sees-plain-ipv4", same.and(plain));

    let only_v6 = client.socket(Domain::IPV6, Type::STREAM, None)?;
    only_v6.set_only_v6(true)?;
    let answer = only_v6.connect(&as_ipv6(&at));
    lab.claim("not-with-v6only", failed_with("connect", &answer, "ENETUNREACH"));

    // UDP, and the address as IPv4 has it: 127.0.0.1.
    let hearer = server.socket(Domain::IPV4, Type::DGRAM, None)?;
    hearer.bind(&lab.here(0))?;
    let sender = client.socket(Domain::IPV6, Type::DGRAM, None)?;
    let answer = sender.connect(&hearer.local_addr()?);
    let mut takes = succeeded("connect", &answer);
    if answer.is_ok() {
        sender.send(b"hello")?;
        takes = takes.and(eq("received", Data::of(&receive(&hearer, 5)?), hello()));
    }
    lab.claim("ipv6-udp-takes-ipv4", takes);
    Ok(())
}

experiment!(ipv6_only, needs = &[Need::Ipv6]);
fn ipv6_only(lab: &Lab) -> Result<()> {
    lab.need_ipv6()?;
    let (server, client) = (lab.actor("server"), lab.actor("client"));
    let mut tries = 0;
    let (listener, ipv4, second, bound) = loop {
        let listener = server.socket(Domain::IPV6, Type::STREAM, None)?;
        listener.set_only_v6(true)?;
        listener.bind(&every_address())?;
        listener.listen(1)?;
        let ipv4 = lab.here(port_of(&listener.local_addr()?)?);
        let second = server.socket(Domain::IPV4, Type::STREAM, None)?;
        let bound = second.bind(&ipv4);
        tries += 1;
        // Another program may hold this port in IPv4: then try another.
        if bound.is_ok() || tries == 10 {
            break (listener, ipv4, second, bound);
        }
    };
    lab.claim("ipv4-port-stays-free", succeeded("IPv4 bind", &bound));
    let knock = connect_to(&client, &ipv4); // nobody listens in IPv4 yet
    let refused = failed_with("connect", &knock, "ECONNREFUSED");
    lab.claim("ipv4-client-is-refused", refused);

    second.listen(1)?;
    let welcome = connect_to(&client, &ipv4);
    lab.claim("one-port-two-listeners", succeeded("connect", &welcome));
    let late = listener.set_only_v6(false);
    let late = failed_with("set_only_v6", &late, "EINVAL");
    lab.claim("too-late-after-bind", late);
    Ok(())
}

experiment!(
    family_race,
    needs = &[Need::Ipv6, Need::Folder],
    stepping = Stepping::Whole(Why::Many),
    parameters = &[Parameter {
        name: "rounds",
        default: "100",
        kind: Kind::Count(1, 10_000),
        help: Text("how many round trips each family makes"),
    }]
);
fn family_race(lab: &Lab) -> Result<()> {
    let rounds = lab.count("rounds")?;
    let families = families(lab, &["unix-rounds-came-back"])?;
    for (name, family, address) in families {
        begin(lab, name)?;
        let (caller, connection) = connected(lab, family, &address)?;
        let mut back = 0;
        for _ in 0..rounds {
            let start = Instant::now();
            caller.send_all(b"ping")?;
            connection.send_all(&receive(&connection, 4)?)?;
            let bytes = receive(&caller, 4)?;
            lab.measure("round trip", name, start.elapsed());
            back += usize::from(bytes == b"ping");
        }
        let all = eq("rounds that came back", back, rounds);
        match family {
            Domain::UNIX => lab.claim("unix-rounds-came-back", all),
            Domain::IPV4 => lab.claim("ipv4-rounds-came-back", all),
            _ => lab.claim("ipv6-rounds-came-back", all),
        }
    }
    Ok(())
}
