//! How two sides meet: who serves, who waits, who is refused, and what is reported when nobody is there.

use socket2::{Domain, SockAddr, Socket, Type};

use super::{STYLES, Side, addresses, end_both, path, peer};

#[test]
fn a_second_client_is_refused() {
    for (style, address) in STYLES
        .into_iter()
        .flat_map(|style| addresses("second").into_iter().map(move |address| (style, address)))
    {
        let (mut server, at) = Side::server(&address, &["--style", style]);
        let first = peer(&at);
        assert!(server.note().starts_with("connected from: "));
        let (_, notes, code) = Side::client(&at, &[]).wait();
        assert!(notes.contains("no server listens there"), "{notes}");
        assert_eq!(code, Some(3));
        first.send(b"still here\n").expect("send");
        server.shows("Jack: still here\n");
        drop(first);
        assert_eq!(server.end().2, Some(0));
    }
}

#[test]
fn a_client_in_the_backlog_is_reset_when_another_is_accepted() {
    for (style, address) in STYLES
        .into_iter()
        .flat_map(|style| addresses("backlog").into_iter().map(move |address| (style, address)))
    {
        let (mut server, at) = Side::server(&address, &["--style", style]);
        let process = nix::unistd::Pid::from_raw(server.child.id().cast_signed());
        // While it is stopped, the kernel takes both calls for it.
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGSTOP).expect("kill");
        let first = peer(&at);
        let mut second = Side::client(&at, &[]);
        assert!(second.note().starts_with("connected to: "));
        nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGCONT).expect("kill");
        assert!(server.note().starts_with("connected from: "));
        let (_, notes, code) = second.wait();
        assert!(
            notes.contains("the peer has reset the connection") && notes.contains("ECONNRESET"),
            "{address}: {notes}"
        );
        assert_eq!(code, Some(1), "{address}");
        first.send(b"still here\n").expect("send");
        server.shows("Jack: still here\n");
        drop(first);
        assert_eq!(server.end().2, Some(0), "{address}");
    }
}

#[test]
fn ten_thousand_connections_are_one_chat_and_refusals() {
    let (mut server, at) = Side::server("127.0.0.1:0", &[]);
    let first = peer(&at);
    assert!(server.note().starts_with("connected from: "));
    let to: SockAddr = at.parse::<std::net::SocketAddr>().expect("an address").into();
    for _ in 0..10_000 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        let error = socket.connect(&to).expect_err("nobody listens any more");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    first.send("还在\n".as_bytes()).expect("send");
    server.shows("Jack: 还在\n");
    drop(first);
    assert_eq!(server.end().2, Some(0));
}

#[test]
fn the_first_to_come_serves() {
    let file = path("first");
    let address = format!("unix:{}", file.display());
    let mut one = Side::start(&["--address", &address]);
    assert_eq!(one.note(), "waiting for connection...");
    let mut other = Side::start(&["--address", &address, "--style", "poll"]);
    assert!(other.note().starts_with("connected to: "));
    // Nobody asked to be the client.
    let joined = other.note();
    let whom = format!("(PID {})", one.child.id());
    assert!(joined.starts_with("a server was listening there already"), "{joined}");
    let advice = "choose another address: explore chat --style poll --address ";
    assert!(joined.contains(advice), "{joined}");
    if cfg!(target_os = "linux") {
        assert!(joined.contains(" chat --address unix:") && joined.contains(&whom), "{joined}");
    }
    other.types("hello\n");
    one.shows("Jack: hello\n");
    let (one, other) = end_both(one, other);
    assert_eq!((one.2, other.2), (Some(0), Some(0)));
}

#[test]
fn a_stale_file_is_replaced_and_one_in_use_is_not() {
    let file = path("stale");
    let address = format!("unix:{}", file.display());
    let left = Socket::new(Domain::UNIX, Type::STREAM, None).expect("socket");
    left.bind(&SockAddr::unix(&file).expect("short")).expect("bind");
    drop(left);
    let (mut server, at) = Side::server(&address, &[]);
    let (_, notes, code) = Side::start(&["server", "--address", &address]).wait();
    assert!(notes.contains("EADDRINUSE"), "{notes}");
    assert_eq!(code, Some(3));
    // Having been asked about, the first still waits for its caller.
    let socket = peer(&at);
    socket.send(b"hello\n").expect("send");
    server.shows("Jack: hello\n");
    drop(socket);
    assert_eq!(server.end().2, Some(0));

    std::fs::write(&file, "a file that is no socket").expect("written");
    assert_eq!(Side::start(&["server", "--address", &address]).wait().2, Some(3));
    assert!(file.exists(), "what is not ours is left alone");
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn of_many_servers_that_find_a_stale_file_one_listens() {
    for round in 0..5 {
        let file = path(&format!("stale-for-all-{round}"));
        let left = Socket::new(Domain::UNIX, Type::STREAM, None).expect("socket");
        left.bind(&SockAddr::unix(&file).expect("short")).expect("bind");
        drop(left);
        let address = format!("unix:{}", file.display());
        let mut servers: Vec<Side> =
            (0..8).map(|_| Side::start(&["server", "--address", &address])).collect();
        let notes: Vec<String> = servers.iter_mut().map(Side::note).collect();
        assert_eq!(
            notes.iter().filter(|note| *note == "waiting for connection...").count(),
            1,
            "{notes:?}"
        );
        assert_eq!(notes.iter().filter(|note| note.contains("EADDRINUSE")).count(), 7, "{notes:?}");
        drop(peer(&address));
        let mut codes: Vec<_> = servers.into_iter().map(|server| server.end().2).collect();
        codes.sort_unstable();
        assert_eq!(codes, [&[Some(0)][..], &[Some(3); 7]].concat());
        assert!(!file.exists());
    }
}

#[test]
fn a_signal_removes_the_file() {
    use nix::sys::signal::Signal;
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGINT, 130)] {
        let file = path(signal.as_str());
        let (server, _) = Side::server(&format!("unix:{}", file.display()), &[]);
        assert!(file.exists());
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.child.id().cast_signed()), signal)
            .expect("kill");
        assert_eq!(server.wait().2, Some(code), "{signal}");
        assert!(!file.exists(), "{signal}");
    }
}

#[test]
fn a_missing_server_is_reported_after_all_retries() {
    let (_, notes, code) =
        Side::client(&format!("unix:{}", path("nobody").display()), &["--retries", "2"]).wait();
    assert_eq!(notes.matches("again in").count(), 2, "{notes}");
    assert!(notes.contains("0.2 s") && notes.contains("0.4 s"), "{notes}");
    assert_eq!(
        notes.matches("no server listens").count(),
        1,
        "what would help is said once, at the end: {notes}"
    );
    assert_eq!(code, Some(3));
}

#[test]
fn a_client_that_comes_too_early_tries_again() {
    let address = format!("unix:{}", path("early").display());
    let mut client = Side::client(&address, &["--retries", "30"]);
    assert!(client.note().contains("again in 0.2 s"));
    let (mut server, _) = Side::server(&address, &[]);
    while !client.note().starts_with("connected to: ") {}
    client.types("hello\n");
    server.shows("Jack: hello\n");
    let (client, server) = end_both(client, server);
    assert_eq!((client.2, server.2), (Some(0), Some(0)));
}

/// Others drop a call that finds the backlog full, too, but count what it holds in other ways.
#[test]
#[cfg(target_os = "linux")]
fn a_connect_without_an_answer_ends_at_its_timeout() {
    let full = std::net::Ipv4Addr::LOCALHOST;
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    listener.bind(&std::net::SocketAddr::from((full, 0)).into()).expect("bind");
    listener.listen(0).expect("listen");
    let at = listener.local_addr().expect("an address").as_socket().expect("IPv4").to_string();
    let _first = peer(&at);
    let (_, notes, code) = Side::client(&at, &["--timeout", "300ms", "--retries", "1"]).wait();
    assert_eq!(notes.matches("no answer in 0.3 s").count(), 2, "{notes}");
    assert!(notes.contains(&format!("connect to {at}")) && notes.contains("--timeout"), "{notes}");
    assert_eq!(code, Some(3));
}

#[test]
fn every_error_says_what_failed_where_and_what_to_do() {
    let long = "x".repeat(200);
    let folder = std::env::temp_dir();
    let (in_use, at) = Side::server("127.0.0.1:0", &[]);
    let told = |side: &str, address: &str| {
        let (shown, notes, code) =
            Side::start(&[side, "--address", address, "--timeout", "1s"]).wait();
        assert_eq!(shown, "");
        (notes, code)
    };
    for (side, address, remedy, code) in [
        ("client", "nonsense", "write HOST:PORT", 2),
        ("client", "127.0.0.1:99999", "write HOST:PORT", 2),
        ("client", "::1:5", "needs brackets", 2),
        ("server", "unix:", "unix:/path", 2),
        ("server", "unix:@", "unix:/path", 2),
        ("client", "127.0.0.1:0", "name the port", 2),
        ("client", "[zz]:5", "write HOST:PORT", 2),
        ("client", "[fe80::1]:5", "as in [fe80::1%eth0]:5", 2),
        ("server", "[fe80::1%nosuch0]:5", "`ip link` shows the interfaces", 3),
        // No label of a name is so long (RFC 1035).
        ("client", &format!("{}:5", "x".repeat(64)), "check the name", 3),
        ("server", &format!("unix:/{long}"), "choose a shorter name", 3),
        (
            "client",
            &format!("unix:@{long}"),
            if cfg!(target_os = "linux") { "choose a shorter name" } else { "only Linux" },
            if cfg!(target_os = "linux") { 3 } else { 2 },
        ),
        ("server", "unix:/tmp/no-such-folder/x", "create it first", 3),
        ("server", "unix:/etc/passwd/x", "choose another path", 3),
        ("server", &format!("unix:{}", folder.display()), "not a socket; choose another path", 3),
        ("client", &format!("unix:{}", folder.display()), "not a socket; choose another path", 3),
        ("client", "unix:/tmp/no-such-socket", "start `explore chat server", 3),
        ("server", &at, &format!("join it with `explore chat client --address {at}`"), 3),
        ("server", "192.0.2.1:21567", "listen at one of its own", 3),
    ] {
        let (notes, ended) = told(side, address);
        assert!(notes.contains(address) && notes.contains(remedy), "{side} {address}: {notes}");
        assert_eq!(ended, Some(code), "{side} {address}: {notes}");
    }
    // Root may listen at any port, and on some machines everybody may.
    let first = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 1));
    let (notes, code) = match Socket::new(Domain::IPV4, Type::STREAM, None)
        .and_then(|socket| socket.bind(&first.into()))
    {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            told("server", "127.0.0.1:1")
        }
        _ => return in_use.kill(),
    };
    assert!(notes.contains("EACCES") && notes.contains("choose a higher one"), "{notes}");
    assert_eq!(code, Some(3));
    in_use.kill();
}

#[test]
fn listening_beyond_this_machine_warns() {
    let mut server = Side::start(&["server", "--address", "0.0.0.0:0"]);
    assert!(server.note().contains("neither encrypted nor authenticated"));
    server.kill();
}

#[test]
fn whom_a_chat_has_joined_is_said_over_tcp_too() {
    let (mut one, at) = Side::server("127.0.0.1:0", &[]);
    let mut other = Side::start(&["--address", &at]);
    assert!(one.note().starts_with("connected from: "));
    assert!(other.note().starts_with("connected to: "));
    let joined = other.note();
    if cfg!(target_os = "linux") {
        assert!(joined.contains(&format!("(PID {})", one.child.id())), "{joined}");
    }
    let (one, other) = end_both(one, other);
    assert_eq!((one.2, other.2), (Some(0), Some(0)));
}

#[test]
fn a_connection_to_oneself_is_refused() {
    let Some(mut command) = crate::support::require("unshare") else { return };
    // With one port to choose from, the kernel gives the client the one to which it connects.
    let script = "ip link set lo up && echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range && exec \"$0\" chat client --address 127.0.0.1:40000";
    command.args(["--user", "--map-root-user", "--net", "sh", "-c", script]);
    command
        .arg(env!("CARGO_BIN_EXE_explore"))
        .env("LC_ALL", "C.UTF-8")
        .stdin(std::process::Stdio::null());
    let output = command.output().expect("it runs");
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    if notes.contains("unshare: ") || notes.contains("Cannot open netlink") {
        println!("not tried: no network of one's own here: {notes}");
        return;
    }
    assert!(notes.contains("connected it to itself"), "{notes}");
    assert!(!notes.contains("connected to:"), "{notes}");
    assert_eq!(output.status.code(), Some(3), "{notes}");
}
