//! The chat as two people have it, each at a terminal of their own (openpty(3)): every style with every family.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::termios::LocalFlags;
use socket2::{Domain, SockAddr, Socket, Type};

use vt100::Screen;

use crate::person::Person;

const STYLES: [&str; 3] = ["threads", "turns", "poll"];
/// Those that hear while they type.
const BOTH_AT_ONCE: [&str; 2] = ["threads", "poll"];

/// Sits down at a chat.
fn sits_down(args: &[&str]) -> Person {
    Person::sits_down(80, 24, Command::new(env!("CARGO_BIN_EXE_explore")).arg("chat").args(args))
}

/// The families of addresses that this machine has.
fn families() -> Vec<&'static str> {
    let mut families = vec!["127.0.0.1", "unix:/path"];
    let any: std::net::SocketAddr = "[::1]:0".parse().expect("an address");
    match Socket::new(Domain::IPV6, Type::STREAM, None).and_then(|socket| socket.bind(&any.into()))
    {
        Ok(()) => families.push("[::1]"),
        Err(error) => println!("not tried: [::1], which this machine does not have ({error})"),
    }
    if cfg!(target_os = "linux") {
        families.push("unix:@name");
    } else {
        println!("not tried: unix:@name, which only Linux has");
    }
    families
}

/// Every one of these styles with every family.
fn every(styles: &[&'static str]) -> impl Iterator<Item = (&'static str, &'static str)> {
    styles.iter().flat_map(|style| families().into_iter().map(|family| (*style, family)))
}

/// An address of this family that no other test has.
fn address(family: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name =
        format!("explore-terminal-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    match family {
        "unix:/path" => format!("unix:/tmp/{name}"),
        "unix:@name" => format!("unix:@{name}"),
        host => format!("{host}:0"),
    }
}

/// A server that waits, and where.
fn server(style: &str, family: &str) -> (Person, String) {
    let mut at = address(family);
    let mut one = sits_down(&["server", "--address", &at, "--style", style]);
    if at.ends_with(":0") {
        one.sees("listening at: ");
        at = one.sees("\r\n");
    }
    one.sees("waiting for connection...");
    (one, at)
}

/// Two people who have met; the second has called the first, and has been asked to type.
fn two(style: &str, family: &str) -> (Person, Person) {
    let (mut one, at) = server(style, family);
    let mut other = sits_down(&["client", "--address", &at, "--style", style]);
    one.sees("connected from: ");
    other.sees("connected to: ");
    other.sees("send message> ");
    (one, other)
}

#[test]
fn a_chat_begins_with_how_to_leave_and_which_side_one_is_in_every_language() {
    let texts = [
        (
            "en",
            "/quit or Ctrl-C leaves the chat, /help tells more",
            "you are the server; the client is shown as Jack",
            "you are the client; the server is shown as Jack",
        ),
        (
            "zh",
            "\u{8f93}\u{5165} /quit \u{6216}\u{6309} Ctrl-C",
            "\u{4f60}\u{662f}\u{670d}\u{52a1}\u{5668}",
            "\u{4f60}\u{662f}\u{5ba2}\u{6237}\u{7aef}",
        ),
    ];
    for (language, leave, server, client) in texts {
        let at = address("unix:/path");
        let mut one = sits_down(&["server", "--address", &at, "--lang", language]);
        one.sees(leave);
        one.sees("waiting for connection...");
        let mut other = sits_down(&["client", "--address", &at, "--lang", language]);
        other.sees(leave);
        other.sees(client);
        one.sees(server);
        other.types("/quit\r");
        for mut person in [one, other] {
            assert_eq!(person.leaves().0, Some(0));
        }
    }
}

/// True if this has been typed after the prompt, and the cursor stands so many columns after the prompt.
fn types_at(screen: &Screen, typed: &str, columns: usize) -> bool {
    let (row, column) = screen.cursor_position();
    let line = screen.rows(0, screen.size().1).nth(row.into()).unwrap_or_default();
    line.trim_end() == format!("send message> {typed}")
        && usize::from(column) == "send message> ".len() + columns
}

/// A plain socket that calls this address.
fn calls(at: &str) -> Socket {
    let to: SockAddr = match at.strip_prefix("unix:") {
        Some(name) => SockAddr::unix(name.replace('@', "\0")).expect("short"),
        None => at.parse::<std::net::SocketAddr>().expect("an address").into(),
    };
    let socket = Socket::new(to.domain(), Type::STREAM, None).expect("socket");
    socket.connect(&to).expect("it listens");
    socket
}

/// A plain socket that has called a person.
fn one_and_a_socket(style: &str, family: &str) -> (Person, Socket) {
    let (mut one, at) = server(style, family);
    let socket = calls(&at);
    one.sees("connected from: ");
    socket.send(b"hello\n").expect("send");
    one.sees("Jack: hello\r\n");
    one.sees("send message> ");
    (one, socket)
}

#[test]
fn two_people_talk() {
    for (style, family) in every(&STYLES) {
        let (mut one, mut other) = two(style, family);
        other.types("你好\r");
        one.sees("Jack: 你好\r\n");
        one.sees("send message> ");
        one.types("你也好啊\r");
        other.sees("Jack: 你也好啊\r\n");
        other.sees("send message> ");
        other.types("/quit\r");
        one.sees("the peer has left");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(0)), "{style} {family}");
    }
}

#[test]
fn a_line_is_edited_character_by_character_however_wide() {
    for (style, family) in every(&STYLES) {
        let (mut one, mut other) = two(style, family);
        // Back over 好, which is two columns wide.
        other.types("你好\x1b[D");
        other.sees_screen(|screen| types_at(screen, "你好", 2));
        other.types("们\x05！x\x7f\r");
        one.sees("Jack: 你们好！\r\n");
        one.sees("send message> ");
        one.types("\u{1f44d}🏽是\r");
        other.sees("Jack: \u{1f44d}🏽是\r\n");
        // Up: the line before, to be sent again.
        other.sees("send message> ");
        other.types("\x1b[A\r");
        one.sees("Jack: 你们好！\r\n");
        one.is_killed();
        assert_eq!(other.leaves().0, Some(0), "{style} {family}");
    }
}

#[test]
fn what_is_typed_is_kept_and_drawn_anew_when_messages_arrive() {
    for (style, family) in every(&BOTH_AT_ONCE) {
        let (mut one, mut other) = two(style, family);
        one.sees("send message> ");
        let mut typed = String::new();
        for (number, part) in ["我正在", "写一句", "很长的", "话"].iter().enumerate() {
            one.types(part);
            typed.push_str(part);
            other.types(&format!("message {number}\r"));
            one.sees(&format!("Jack: message {number}\r\n"));
            let columns = 2 * typed.chars().count();
            one.sees_screen(|screen| types_at(screen, &typed, columns));
        }
        one.types("\r");
        other.sees("Jack: 我正在写一句很长的话\r\n");
        other.types("two lines\rin one go\r");
        one.sees("Jack: two lines\r\n");
        one.sees("Jack: in one go\r\n");
        other.types("and goodbye\r/quit\r");
        one.sees("Jack: and goodbye\r\n");
        one.sees("the peer has left");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(0)), "{style} {family}");
    }
}

#[test]
fn by_turns_what_is_typed_too_early_waits_for_its_turn() {
    for (style, family) in every(&["turns"]) {
        let (mut one, mut other) = two(style, family);
        // It is not one's turn: the terminal itself echoes the line, and keeps it.
        until_it_echoes(&one);
        one.types("太早了\r");
        one.sees("太早了\r\n");
        other.types("first\r");
        one.sees("Jack: first\r\n");
        other.sees("Jack: 太早了\r\n");
        other.sees("send message> ");
        other.types("/quit\r");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(0)), "{family}");
    }
}

/// Waits until the terminal itself shows what is typed.
fn until_it_echoes(person: &Person) {
    while !person.mode().local_flags.contains(LocalFlags::ECHO) {
        std::thread::yield_now();
    }
}

#[test]
fn by_turns_a_ctrl_d_that_is_typed_too_early_waits_for_its_turn() {
    let (mut one, mut other) = two("turns", "127.0.0.1");
    until_it_echoes(&one);
    one.types("\u{4}");
    other.types("first\r");
    one.sees("Jack: first\r\n");
    other.sees("the peer sends nothing more, but still receives");
    other.types("second\r");
    one.sees("Jack: second\r\n");
    other.types("/quit\r");
    one.sees("the peer has left");
    assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(0)));
}

#[test]
fn by_turns_what_is_said_too_early_is_heard_when_it_is_its_turn() {
    for (style, family) in every(&["turns"]) {
        let (mut one, mut socket) = one_and_a_socket(style, family);
        one.types("never");
        socket.send(b"too early\n").expect("send");
        one.types(" mind\r");
        let screen = one.sees("Jack: too early\r\n");
        assert!(screen.contains("mind"), "{screen:?}");
        let mut said = [0; 11];
        socket.read_exact(&mut said).expect("read");
        assert_eq!(&said, b"never mind\n");
        drop(socket);
        assert_eq!(one.leaves().0, Some(0), "{family}");
    }
}

#[test]
fn ctrl_c_leaves() {
    for (style, family) in every(&STYLES) {
        let (mut one, mut other) = two(style, family);
        other.types("half a li\u{3}");
        one.sees("the peer has left");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(130)), "{style} {family}");
        // The one who has been called, too; by turns it waits in recv.
        let (mut one, mut other) = two(style, family);
        one.types("\u{3}");
        other.sees("the peer has left");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(130), Some(0)), "{style} {family}");
        // And one whom nobody has called: its file is removed.
        let (mut alone, at) = server(style, family);
        alone.types("\u{3}");
        assert_eq!(alone.leaves().0, Some(130), "{style} {family}");
        assert!(!std::path::Path::new(at.trim_start_matches("unix:")).exists(), "{style} {family}");
    }
}

#[test]
fn ctrl_d_ends_speaking_and_goes_on_listening() {
    for (style, family) in every(&STYLES) {
        let (mut one, mut socket) = one_and_a_socket(style, family);
        one.types("\u{4}");
        one.sees("after Ctrl-D nothing more is sent; /quit or Ctrl-C quits");
        assert_eq!(socket.read(&mut [0; 9]).expect("the end"), 0, "{style} {family}");
        for said in ["still", "here", "and here"] {
            socket.send(format!("{said}\n").as_bytes()).expect("send");
            one.sees(&format!("Jack: {said}\r\n"));
        }
        drop(socket);
        one.sees("the peer has left");
        assert_eq!(one.leaves().0, Some(0), "{style} {family}");
    }
}

#[test]
fn after_ctrl_d_the_other_goes_on_talking_until_it_ends_too() {
    for (style, family) in every(&STYLES) {
        if family.starts_with("unix") && !has_urgent_data() {
            println!("not tried: {family}, which has no urgent data on this system");
            continue;
        }
        let (mut one, mut other) = two(style, family);
        other.types("hello\r");
        one.sees("Jack: hello\r\n");
        one.sees("send message> ");
        if style == "turns" {
            one.types("your turn\r");
            other.sees("Jack: your turn\r\n");
            other.sees("send message> ");
        }
        other.types("\u{4}");
        one.sees("the peer sends nothing more, but still receives");
        for said in ["still", "here", "and here"] {
            one.sees("send message> ");
            one.types(&format!("{said}\r"));
            other.sees(&format!("Jack: {said}\r\n"));
        }
        one.sees("send message> ");
        one.types("\u{4}");
        for mut person in [one, other] {
            let (code, screen) = person.leaves();
            assert!(screen.contains("the chat has ended"), "{style} {family}: {screen:?}");
            assert!(!screen.contains("still receives"), "nobody is asked to go on: {screen:?}");
            assert_eq!(code, Some(0), "{style} {family}");
        }
        // Or until the one who only listens leaves, and is taken for gone when it is spoken to.
        let (mut one, mut other) = two(style, family);
        other.types("\u{4}");
        one.sees("the peer sends nothing more, but still receives");
        one.types("/quit\r");
        other.sees("the peer has left");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(0)), "{style} {family}");
    }
}

/// Whether AF_UNIX has urgent data here: Linux since 5.15, if it was built so.
fn has_urgent_data() -> bool {
    let (one, _other) = Socket::pair(Domain::UNIX, Type::STREAM, None).expect("a pair");
    one.send_out_of_band(b"x").is_ok()
}

#[test]
fn a_stranger_that_sends_no_more_is_taken_for_gone() {
    for (style, family) in every(&STYLES) {
        let (mut one, socket) = one_and_a_socket(style, family);
        socket.shutdown(std::net::Shutdown::Write).expect("shutdown");
        one.sees("the peer has left");
        assert_eq!(one.leaves().0, Some(0), "{style} {family}");
    }
}

#[test]
fn names_are_told_between_two_of_ours() {
    for (style, family) in every(&STYLES).filter(|(_, family)| !family.starts_with("unix")) {
        let mut one = sits_down(&[
            "server",
            "--address",
            &address(family),
            "--style",
            style,
            "--name",
            "Ann\u{1b}[2J",
        ]);
        one.sees("listening at: ");
        let at = one.sees("\r\n");
        let mut other = sits_down(&[
            "client",
            "--address",
            &at,
            "--style",
            style,
            "--name",
            "\u{674e}\u{96f7}",
        ]);
        other.sees("send message> ");
        // The first lines may be on their way before it is known that the peer takes names.
        let says = |from: &mut Person, to: &mut Person, name: &str| {
            loop {
                from.types("hello\r");
                let (which, _) =
                    to.sees_one_of(&[&format!("{name}: hello\r\n"), "Jack: hello\r\n"]);
                to.sees("send message> ");
                if style == "turns" {
                    to.types("and hello\r");
                    from.sees(": and hello\r\n");
                    from.sees("send message> ");
                }
                if which == 0 {
                    return;
                }
            }
        };
        says(&mut other, &mut one, "\u{674e}\u{96f7}");
        if style == "turns" {
            other.types("now you\r");
            one.sees("\u{674e}\u{96f7}: now you\r\n");
            one.sees("send message> ");
        }
        says(&mut one, &mut other, r"Ann\u{1b}[2J");
        other.is_killed();
        one.leaves();
    }
}

#[test]
fn a_name_of_ones_own_for_the_peer_comes_first() {
    for style in BOTH_AT_ONCE {
        let (mut one, at) = {
            let args =
                ["server", "--address", "127.0.0.1:0", "--style", style, "--peer-name", "Rose"];
            let mut one = sits_down(&args);
            one.sees("listening at: ");
            let at = one.sees("\r\n");
            (one, at)
        };
        let mut other = sits_down(&["client", "--address", &at, "--name", "Ann"]);
        other.sees("send message> ");
        for _ in 0..3 {
            other.types("hello\r");
            let before = one.sees("Rose: hello\r\n");
            assert!(!before.contains("Ann"), "{before:?}");
        }
        other.types("/quit\r");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(0)), "{style}");
    }
}

#[test]
fn a_stranger_gets_what_was_typed_and_nothing_else() {
    for (style, family) in every(&STYLES) {
        let mut at = address(family);
        let mut one = sits_down(&["server", "--address", &at, "--style", style, "--name", "Ann"]);
        if at.ends_with(":0") {
            one.sees("listening at: ");
            at = one.sees("\r\n");
        }
        one.sees("waiting for connection...");
        let mut socket = calls(&at);
        one.sees("connected from: ");
        socket.send(b"hello\n").expect("send");
        one.sees("Jack: hello\r\n");
        one.sees("send message> ");
        one.types("hello you\r");
        if style != "turns" {
            one.types("and you\r");
        }
        one.types("\u{4}");
        let mut got = String::new();
        if style == "turns" {
            socket.send(b"and now?\n").expect("send");
        }
        socket.read_to_string(&mut got).expect("UTF-8");
        let expected = if style == "turns" { "hello you\n" } else { "hello you\nand you\n" };
        assert_eq!(got, expected, "{style} {family}");
        drop(socket);
        assert_eq!(one.leaves().0, Some(0), "{style} {family}");
    }
}

#[test]
fn a_terminal_that_cannot_draw_lines_anew_takes_and_shows_plain_lines() {
    for (style, term) in STYLES
        .iter()
        .flat_map(|style| [&["TERM=dumb"][..], &["--unset=TERM"]].map(|term| (*style, term)))
    {
        let sits_down = |args: &[&str]| {
            let mut command = Command::new("env");
            command.args(term).arg(env!("CARGO_BIN_EXE_explore")).arg("chat").args(args);
            Person::sits_down(80, 24, command.args(["--style", style]))
        };
        let two = || {
            let mut one = sits_down(&["server", "--address", "127.0.0.1:0"]);
            one.sees("listening at: ");
            let at = one.sees("\r\n");
            one.sees("waiting for connection...");
            let mut other = sits_down(&["client", "--address", &at]);
            one.sees("connected from: ");
            other.sees("connected to: ");
            (one, other)
        };
        let turn = |person: &mut Person| {
            if style == "turns" {
                person.sees("send message> ");
            }
        };
        let (mut one, mut other) = two();
        turn(&mut other);
        other.types("/help\r");
        other.sees("//word sends /word");
        turn(&mut other);
        other.types("/qiut\r");
        other.sees("/qiut is no command, and was not sent");
        turn(&mut other);
        other.types("\u{4f60}\u{597d}\r");
        one.sees("Jack: \u{4f60}\u{597d}\r\n");
        turn(&mut one);
        one.types("hello\r");
        let seen = other.sees("Jack: hello\r\n");
        assert!(!seen.contains('\u{1b}'), "{style}: {seen:?}");
        turn(&mut other);
        other.types("/quit\r");
        one.sees("the peer has left");
        for mut person in [one, other] {
            let (code, seen) = person.leaves();
            assert!(!seen.contains('\u{1b}'), "{style}: {seen:?}");
            assert_eq!(code, Some(0), "{style}");
        }
        // What is half typed is not sent, and no command of the shell.
        let (mut one, mut other) = two();
        turn(&mut other);
        other.types("touch x");
        other.sees("touch x");
        one.types("\u{3}");
        other.sees("the peer has left");
        other.sees("not sent (Enter ends the chat): touch x");
        other.types("\r");
        assert_eq!((one.leaves().0, other.leaves().0), (Some(130), Some(0)), "{style}");
    }
}

#[test]
fn what_a_joiner_joins_is_sent_and_edited_as_one() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    for style in STYLES {
        let (mut one, mut other) = two(style, "127.0.0.1");
        other.types(&format!("{family}{family}"));
        // Back over one, and that one away; then the one before.
        other.types("\x1b[D\x7f");
        other.types("\x05!\r");
        one.sees(&format!("Jack: {family}!\r\n"));
        one.sees("send message> ");
        one.types(&format!("{family}\x7fnobody\r"));
        other.sees("Jack: nobody\r\n");
        one.is_killed();
        assert_eq!(other.leaves().0, Some(0), "{style}");
    }
}

#[test]
fn pasted_text_may_begin_with_a_byte_order_mark() {
    for style in STYLES {
        let (mut one, mut other) = two(style, "127.0.0.1");
        other.types("\x1b[200~\u{feff}hello\x1b[201~\r");
        one.sees("Jack: hello\r\n");
        one.is_killed();
        assert_eq!(other.leaves().0, Some(0), "{style}");
    }
}

#[test]
fn when_the_peer_is_killed_the_chat_ends_without_a_key() {
    for (style, family) in every(&STYLES) {
        let (mut one, mut other) = two(style, family);
        other.types("hello\r");
        one.sees("Jack: hello\r\n");
        one.sees("send message> ");
        other.is_killed();
        one.sees("the peer has left");
        assert_eq!(one.leaves().0, Some(0), "{style} {family}");
        // The server is killed; by turns the client has the word.
        let (mut one, mut other) = two(style, family);
        one.is_killed();
        other.sees("the peer has left");
        assert_eq!(other.leaves().0, Some(0), "{style} {family}");
    }
}

#[test]
fn a_half_typed_line_waits_for_enter_when_the_peer_leaves_and_is_no_command_of_the_shell() {
    for (style, family) in every(&STYLES) {
        let (mut one, mut other) = two(style, family);
        other.types("ok I will do it; touch 好");
        other.sees_screen(|screen| screen.contents().contains("touch 好"));
        one.types("\u{3}");
        other.sees("the peer has left");
        other.sees("not sent (Enter ends the chat): ");
        other.types(" x\x7fy\r");
        // What comes with it is not for the shell either.
        let (code, screen) = other.leaves();
        assert_eq!(code, Some(0), "{style} {family}");
        assert!(other.screen().contents().contains(": ok I will do it; touch 好 y"), "{screen:?}");
    }
}

#[test]
fn by_turns_what_was_typed_too_early_is_not_left_to_the_shell() {
    for (style, family) in every(&["turns"]) {
        for (typed, half) in [("two\rlines\r", false), ("a line\rand half a li", true)] {
            let (mut one, mut other) = two(style, family);
            // It is not one's turn.
            until_it_echoes(&one);
            one.types(typed);
            one.sees(typed.rsplit('\r').find(|line| !line.is_empty()).expect("a line"));
            other.is_killed();
            one.sees("the peer has left");
            one.sees("not sent: ");
            if half {
                one.sees("not sent (Enter ends the chat): ");
                one.types("\r");
            }
            assert_eq!(one.leaves().0, Some(0), "{family}");
            for line in typed.split('\r') {
                assert!(one.screen().contents().contains(&format!(": {line}")), "{line}");
            }
        }
    }
}

#[test]
fn one_can_leave_while_nobody_is_there() {
    for (style, family) in every(&STYLES) {
        for keys in ["/quit\r", "\u{4}"] {
            let (mut alone, at) = server(style, family);
            alone.types(keys);
            assert_eq!(alone.leaves().0, Some(0), "{style} {family}");
            assert!(!std::path::Path::new(at.trim_start_matches("unix:")).exists());
            if family != "127.0.0.1" {
                continue;
            }
            let mut caller = sits_down(&["client", "--address", &at, "--retries", "100"]);
            caller.sees("again in");
            caller.types(keys);
            assert_eq!(caller.leaves().0, Some(0), "{style}");
        }
    }
}

#[test]
fn what_is_typed_while_nobody_is_there_is_kept() {
    for (style, family) in every(&STYLES) {
        let (mut one, at) = server(style, family);
        one.types("whole\rhalf a li");
        one.sees("half a li");
        let mut other = sits_down(&["client", "--address", &at, "--style", style]);
        // Otherwise the line may come before the prompt.
        if style == "turns" {
            other.sees("send message> ");
            other.types("hello\r");
        }
        other.sees("Jack: whole\r\n");
        if style == "turns" {
            other.sees("send message> ");
            other.types("hello\r");
        }
        one.types("ne\r");
        other.sees("Jack: half a line\r\n");
        one.is_killed();
        assert_eq!(other.leaves().0, Some(0), "{style} {family}");
    }
}

#[test]
fn a_command_typed_below_a_paste_is_obeyed_and_what_was_pasted_is_not() {
    for style in STYLES {
        let (mut one, mut other) = two(style, "127.0.0.1");
        other.types("\x1b[200~first\r/second\rthird \x1b[201~");
        other.sees("third ");
        other.types("\x15"); // Ctrl-U
        other.types("/help\r");
        other.sees("//word sends /word");
        one.sees("Jack: first\r\n");
        if style == "turns" {
            one.types("go on\r");
            other.sees("Jack: go on\r\n");
            other.sees("send message> /second\r\n");
        }
        one.sees("Jack: /second\r\n");
        one.is_killed();
        assert_eq!(other.leaves().0, Some(0), "{style}");
    }
}

#[test]
fn by_turns_it_is_said_at_first_that_commands_wait_for_ones_turn() {
    let (mut one, _) = server("turns", "127.0.0.1");
    let said = one.screen().contents();
    assert!(said.contains("Ctrl-C leaves the chat; on your turn /quit does too"), "{said}");
    one.types("/quit\r"); // while nobody is there it is obeyed at once
    assert_eq!(one.leaves().0, Some(0));
}

#[test]
fn a_word_after_a_slash_is_a_command_or_is_not_sent() {
    for style in STYLES {
        let (mut one, mut other) = two(style, "127.0.0.1");
        other.types("/help\r");
        other.sees("//word sends /word");
        other.types("/qiut\r");
        other.sees("/qiut is no command, and was not sent");
        other.types("//etc/hosts\r");
        one.sees("Jack: /etc/hosts\r\n");
        one.is_killed();
        assert_eq!(other.leaves().0, Some(0), "{style}");
    }
}

#[test]
fn a_reset_is_said_and_ends_the_chat_with_1() {
    for (style, family) in every(&BOTH_AT_ONCE).filter(|(_, family)| !family.starts_with("unix")) {
        let (mut one, socket) = one_and_a_socket(style, family);
        one.types("never fin");
        socket.set_linger(Some(Duration::ZERO)).expect("linger");
        drop(socket);
        one.sees("the peer has reset the connection: recv");
        one.sees("ECONNRESET");
        one.sees("not sent (Enter ends the chat): ");
        one.types("\r");
        assert_eq!(one.leaves().0, Some(1), "{style} {family}");
    }
}

#[test]
fn one_can_leave_a_peer_that_never_reads() {
    for style in BOTH_AT_ONCE {
        // A socket of AF_UNIX holds some hundred short messages, and then send blocks.
        let (mut one, socket) = one_and_a_socket(style, "unix:/path");
        for _ in 0..1000 {
            one.types("x\r");
            one.sees("send message> ");
        }
        socket.send(b"I read nothing\n").expect("send");
        one.sees("Jack: I read nothing\r\n");
        one.types("/quit\r");
        assert_eq!(one.leaves().0, Some(0), "{style}");
    }
}

#[test]
fn one_can_leave_a_peer_that_never_stops_talking() {
    for (style, family) in every(&BOTH_AT_ONCE) {
        for (keys, code) in [("/quit\r", 0), ("\u{3}", 130)] {
            let (mut one, mut socket) = one_and_a_socket(style, family);
            let talking =
                std::thread::spawn(
                    move || while socket.write_all(&b"on and on\n".repeat(1000)).is_ok() {},
                );
            one.sees("Jack: on and on\r\n");
            one.types(keys);
            if code == 0 {
                one.sees("the chat has ended");
            }
            assert_eq!(one.leaves().0, Some(code), "{style} {family}");
            talking.join().expect("joined");
        }
    }
}

#[test]
fn a_window_that_changes_its_size_disturbs_nothing() {
    for style in STYLES {
        let (mut one, mut other) = two(style, "127.0.0.1");
        for columns in 40..60 {
            for person in [&mut one, &mut other] {
                person.resizes(columns, 24);
            }
            other.types("字");
        }
        other.types("\r");
        one.sees(&format!("Jack: {}\r\n", "字".repeat(20)));
        one.is_killed();
        assert_eq!(other.leaves().0, Some(0), "{style}");
    }
}

#[test]
fn a_trace_does_not_disturb_the_line_being_typed() {
    let at = address("unix:/path");
    let mut one = sits_down(&["server", "--address", &at, "-v"]);
    one.sees("waiting for connection...");
    let mut other = sits_down(&["client", "--address", &at]);
    one.sees("connected from: ");
    other.sees("send message> ");
    one.sees("send message> ");
    one.types("打字");
    other.types("hello\r");
    one.sees("recvfrom(");
    one.types("中\r");
    other.sees("Jack: 打字中\r\n");
    other.types("/quit\r");
    assert_eq!((one.leaves().0, other.leaves().0), (Some(0), Some(0)));
}

#[test]
fn messages_appear_in_their_order_however_often_enter_is_pressed() {
    const MESSAGES: usize = 4000;
    for style in BOTH_AT_ONCE {
        let (mut one, socket) = one_and_a_socket(style, "127.0.0.1");
        let (mut heard, mut told) = (socket.try_clone().expect("dup"), socket);
        let hearing = std::thread::spawn(move || std::io::copy(&mut heard, &mut std::io::sink()));
        let telling = std::thread::spawn(move || {
            for number in 0..MESSAGES {
                told.write_all(format!("number {number}\n").as_bytes()).expect("it reads");
                // So that each comes alone; together they would be shown together.
                std::thread::sleep(Duration::from_micros(200));
            }
            // What was said last is shown, too, though the line is taken away.
            told.shutdown(std::net::Shutdown::Write).expect("shutdown");
        });
        for number in 0..MESSAGES {
            one.types("\r");
            let before = one.sees(&format!("Jack: number {number}\r\n"));
            assert!(!before.contains("Jack: "), "{style}: before number {number} came {before:?}");
        }
        let before = one.sees("the peer has left");
        assert!(!before.contains("Jack: "), "{style}: at the end came {before:?}");
        assert_eq!(one.leaves().0, Some(0), "{style}");
        telling.join().expect("joined");
        hearing.join().expect("joined").expect("read");
    }
}
