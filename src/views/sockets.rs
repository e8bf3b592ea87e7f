//! The sockets of a run as a table: protocol, own address, peer's address, who, what became of it. An address that was
//! asked for and refused has a row of its own. Ports and paths that occur more than once share an ink.

use unicode_width::UnicodeWidthStr;

use super::wording::{self, ActorColors, safe};
use super::{DrawOptions, view};
use crate::analysis::{Analysis, FailureReason, Socket, SocketUse};
use crate::i18n::tr;
use crate::picture::table::{self, Column};
use crate::picture::{Ink, Picture, Row, fit, paragraph, span_of};
use crate::trace::recording::Origin;
use crate::trace::{Address, SocketType, SyscallKind};

/// More sockets than these are counted, not drawn.
const MOST: usize = 24;
/// So many ports get an ink: more would not be told apart.
const MOST_INKS: usize = 5;
/// What became of a socket is told in rows at least this wide; in a tight table, this.
const ROOM_FOR_WORDS: [usize; 2] = [20, 12];
/// Between two columns; in a tight table, this.
const GAPS: [&str; 2] = ["   ", "  "];
/// Ends the cell of the local address of a connected socket.
const ARROW: &str = " ↔";
/// Of one socket, more different refusals than these are not told.
const MOST_REFUSALS: usize = 2;

view!("sockets", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let colors = ActorColors::of(analysis.recording.shown_events());
    let shown = analysis.shown_sockets();
    let all = analysis.sockets.iter().enumerate().filter(|(at, _)| shown.contains(at));
    let all: Vec<&Socket> = all.map(|(_, socket)| socket).collect();
    let marks = Marks::of(&all, colors.size());
    let drawn = all.iter().take(if all.len() > MOST { MOST - 1 } else { MOST });
    let sockets: Vec<[Row; 5]> =
        drawn.flat_map(|socket| rows_of(socket, analysis, &colors, &marks)).collect();
    if sockets.is_empty() {
        return Picture::default();
    }
    let widest =
        |column: usize| sockets.iter().map(|cells| cells[column].width()).max().unwrap_or(0);
    let mut rows = Vec::new();
    let [local, peer, who] = [tr!("local address"), tr!("peer address"), tr!("who")];
    let layout = [
        [tr!("protocol"), local, peer, who, tr!("what became of it")],
        [tr!("proto"), local, peer, who, tr!("outcome")],
    ]
    .into_iter()
    .zip(GAPS)
    .zip(ROOM_FOR_WORDS);
    let fitting = layout.into_iter().find_map(|((headings, gap), room)| {
        let wide = |column: usize| widest(column).max(headings[column].width());
        let mut columns = vec![
            Column::left(wide(0), gap),
            Column::left(wide(1) + ARROW.width(), " "),
            Column::left(wide(2), gap),
            Column::left(wide(3), gap),
        ];
        let last = width.saturating_sub(table::width(&columns));
        columns.push(Column::left(last, ""));
        (last >= widest(4).min(room)).then_some((headings, columns))
    });
    if let Some((headings, columns)) = fitting {
        let headings = headings.map(|heading| Row::new().with(heading, Ink::Faint));
        rows.extend(beside(headings, &columns));
        rows.extend(sockets.into_iter().flat_map(|cells| beside(cells, &columns)));
    } else {
        sockets.into_iter().for_each(|cells| stacked(cells, width, &mut rows));
    }
    if all.len() > MOST {
        rows.push(Row::new().with(
            fit(&tr!("… {more} more sockets", more = all.len() - (MOST - 1)), width),
            Ink::Faint,
        ));
    }
    for words in wildcards(&all) {
        if options.explains(&words) {
            rows.extend(paragraph(&words, width, Ink::Faint));
        }
    }
    let any = |is: fn(&Socket) -> bool| all.iter().copied().any(is);
    let again = rows.iter().any(|row| row.text().contains("└ "));
    let notes = [
        (
            any(|socket| socket.usage() == SocketUse::BoundByKernel),
            tr!(
                "(bound by the kernel: the program did not choose an address, so the kernel chose one when it was needed)"
            ),
        ),
        (
            any(has_abstract_name),
            tr!(
                "(a name that begins with @ is abstract, which only Linux has: there is no such file)"
            ),
        ),
        (again, tr!("(└ the same socket as in the row above)")),
    ];
    for words in options.explanations(notes) {
        rows.extend(paragraph(words, width, Ink::Faint));
    }
    if let Some(since_ns) = analysis.left_out_since_ns() {
        let words = tr!(
            "(what was done with sockets after {time} is not recorded: events are left out)",
            time = span_of(since_ns)
        );
        rows.extend(paragraph(&words, width, Ink::Warn));
    }
    Picture(rows)
}

/// What the wildcards among the sockets' own addresses stand for (ip(7), ipv6(7)).
fn wildcards(sockets: &[&Socket]) -> Vec<String> {
    let (any_v4, any_v6) = ("0.0.0.0", "[::]");
    let at = |wildcard: &str, only_v6: bool| {
        let of_kind = sockets.iter().filter(|one| one.only_v6 == only_v6);
        let is_it = |local: &Address| {
            local.to_string().strip_prefix(wildcard).is_some_and(|rest| rest.starts_with(':'))
        };
        of_kind.filter_map(|socket| address(socket)).any(is_it)
    };
    let mut all = Vec::new();
    for address in [any_v4, any_v6].into_iter().filter(|address| at(address, false)) {
        all.push(tr!("({address} means every address of this machine)", address));
    }
    if at(any_v6, true) {
        all.push(tr!(
            "({address} means every IPv6 address of this machine: with IPV6_V6ONLY none of IPv4)",
            address = any_v6
        ));
    }
    all
}

/// Its own address, as far as it is of use to somebody.
fn address(socket: &Socket) -> Option<&Address> {
    socket.local.as_ref().filter(|_| socket.usage() != SocketUse::Unused)
}

/// Has it a name that is in no folder?
fn has_abstract_name(socket: &Socket) -> bool {
    [&socket.local, &socket.peer]
        .into_iter()
        .flatten()
        .any(|address| matches!(address, Address::Unix(_)) && address.to_string().starts_with('@'))
}

/// The socket's row, and before or after it what it asked for in vain.
fn rows_of(
    socket: &Socket,
    analysis: &Analysis,
    colors: &ActorColors,
    marks: &Marks,
) -> Vec<[Row; 5]> {
    let cells = |local: Option<&Address>, peer: Option<&Address>, became: Row| {
        let who = Row::new().with(wording::actor(&socket.owner), colors.ink(&socket.owner));
        [
            Row::new().with(protocol(socket), Ink::Plain),
            marks.address(local),
            marks.address(peer),
            who,
            became,
        ]
    };
    let mut refused: Vec<(usize, (String, Ink), &Address)> = Vec::new();
    for (call, words) in failures(socket, analysis, FailureReason::Address) {
        let Some(asked) = analysis.calls[call].call.syscall.address() else { continue };
        let is_known = refused.iter().any(|(_, said, known)| *said == words && *known == asked);
        if !is_known && refused.len() < MOST_REFUSALS {
            refused.push((call, words, asked));
        }
    }
    let refusal = |(call, (words, ink), asked): (usize, (String, Ink), &Address)| {
        let words = Row::new().with(words, ink);
        if analysis.calls[call].is(SyscallKind::Bind) {
            cells(Some(asked), None, words)
        } else {
            cells(None, Some(asked), words)
        }
    };
    let all = refused.len();
    let (first, later): (Vec<_>, Vec<_>) = refused
        .into_iter()
        .partition(|(call, ..)| socket.in_use_since.is_some_and(|since| *call < since));
    let mut became = became(socket, analysis);
    if became.0.is_empty() && all == 0 {
        became.push(tr!("no address, no peer"), Ink::Faint);
    } else if !first.is_empty() {
        let words = std::mem::take(&mut became);
        became.push(tr!("then "), Ink::Plain);
        became.extend(words);
    }
    let mut rows: Vec<[Row; 5]> = first.into_iter().map(refusal).collect();
    if !became.0.is_empty() {
        rows.push(cells(address(socket), socket.peer.as_ref(), became));
    }
    rows.extend(later.into_iter().map(refusal));
    // What else is said of the same socket hangs below its first row.
    for [protocol, _, _, who, _] in rows.iter_mut().skip(1) {
        *protocol = Row::new();
        *who = Row::new().with("└ ", Ink::Faint);
        who.push(wording::actor(&socket.owner), colors.ink(&socket.owner));
    }
    rows
}

/// The calls on it that failed for this reason, in words. That a signal cut one short is no fault.
fn failures<'a>(
    socket: &'a Socket,
    analysis: &'a Analysis,
    why: FailureReason,
) -> impl Iterator<Item = (usize, (String, Ink))> + 'a {
    let of_kind = socket.failures.iter().filter(move |failure| failure.why == why);
    let spans = of_kind.map(|failure| (failure, &analysis.calls[failure.call]));
    spans.filter(|(_, span)| !analysis.only_looks_for_a_peer(span)).map(|(failure, span)| {
        let function = span.call.function();
        let (words, ink) = match analysis.signal_that_cut(span) {
            Some(signal) => {
                (tr!("{function}: interrupted by {signal}", function, signal), Ink::Plain)
            }
            None => (format!("✗ {function}: {}", span.failure().unwrap_or("")), Ink::Bad),
        };
        (failure.call, (safe(&words), ink))
    })
}

/// A row of the table; what became of the socket may go on below.
fn beside([protocol, mut local, peer, who, became]: [Row; 5], columns: &[Column]) -> Vec<Row> {
    if local.width() > 1 && peer.0.iter().any(|span| span.ink != Ink::Faint) {
        local.pad_to(columns[1].width - ARROW.width());
        local.push(ARROW, Ink::Faint);
    }
    let became = became.wrap(columns[4].width);
    let cells = [vec![protocol], vec![local], vec![peer], vec![who], became];
    table::rows(&cells, columns)
}

/// Who and what in one row, the addresses below, what became of it below those, if all cannot stand in one.
fn stacked([protocol, local, peer, who, became]: [Row; 5], width: usize, rows: &mut Vec<Row>) {
    let mut first = protocol;
    first.push("  ", Ink::Plain);
    first.extend(who);
    let mut addresses = Row::indented(2);
    let (has_peer, both) = (peer.width() > 1, 2 + local.width() + 3 + peer.width() <= width);
    addresses.extend(local);
    let mut all = vec![first];
    if has_peer && both {
        addresses.push(" ↔ ", Ink::Faint);
        addresses.extend(peer);
        all.push(addresses);
    } else {
        all.push(addresses);
        if has_peer {
            let mut below = Row::new().with("  ↔ ", Ink::Faint);
            below.extend(peer);
            all.push(below);
        }
    }
    for line in became.wrap(width - 2) {
        let mut last = Row::indented(2);
        last.extend(line);
        all.push(last);
    }
    rows.extend(all.into_iter().flat_map(|row| row.wrap(width)));
}

fn protocol(socket: &Socket) -> String {
    let kind = match &socket.kind {
        Some(SocketType::Stream) => tr!("stream"),
        Some(SocketType::Datagram) => tr!("datagram"),
        Some(SocketType::SeqPacket) => "seqpacket",
        _ => "",
    };
    match (socket.protocol_name(), &socket.domain) {
        ("", None) => "?".to_owned(),
        ("", Some(domain)) => safe(&format!("{domain} {kind}")),
        (protocol, _) => protocol.to_owned(),
    }
}

/// Listening, connected or bound; then what failed on it, but for what was asked of an address.
fn became(socket: &Socket, analysis: &Analysis) -> Row {
    let mut row = Row::new();
    match socket.usage() {
        SocketUse::Listening => {
            row.push(tr!("listening"), Ink::Good);
            match socket.accepted {
                0 => {}
                1 => row.push(tr!(", 1 accepted"), Ink::Plain),
                many => row.push(tr!(", {many} accepted", many), Ink::Plain),
            }
        }
        SocketUse::Accepted => row.push(tr!("accepted"), Ink::Plain),
        SocketUse::Connected => row.push(tr!("connected"), Ink::Plain),
        SocketUse::Connecting => row.push(tr!("connecting"), Ink::Plain),
        SocketUse::Paired => row.push(tr!("one of a pair"), Ink::Plain),
        SocketUse::Bound => row.push(tr!("bound"), Ink::Plain),
        SocketUse::BoundByKernel => row.push(tr!("bound by the kernel"), Ink::Plain),
        SocketUse::Unused => {}
    }
    let keepers: Vec<String> = socket.keepers().map(|it| wording::actor(it)).collect();
    // They may have closed it since, where that is not recorded.
    if !keepers.is_empty() && analysis.left_out_since_ns().is_none() {
        let who = keepers.join(tr!(context "list", ", "));
        let words = tr!("still open in {who}", who);
        row.push(if row.0.is_empty() { "" } else { tr!(context "list", ", ") }, Ink::Plain);
        row.push(words, Ink::Warn);
    }
    // Of the experiments' own sockets all are closed in the end, which matters only where others are opened later.
    let is_traced = matches!(analysis.recording.header.origin, Origin::Programs(_));
    let reopened = |closed: u64| analysis.sockets.iter().any(|other| other.opened_ns > closed);
    // Where it matters for one, it is said of all that were closed before the experiment was over.
    let some_matter = || analysis.sockets.iter().filter_map(|one| one.closed_ns).any(reopened);
    let in_time = |closed: u64| analysis.cleanup_ns().is_none_or(|end_ns| closed < end_ns);
    let matters = |closed| {
        let matters = || reopened(closed) || (in_time(closed) && some_matter());
        is_traced || (socket.failures.is_empty() && matters())
    };
    if socket.closed_ns.is_some_and(matters) {
        let words = match (row.0.is_empty(), is_traced && socket.closed_by_exit) {
            (true, false) => tr!("closed"),
            (false, false) => tr!(", closed"),
            (true, true) => tr!("closed at exit"),
            (false, true) => tr!(", closed at exit"),
        };
        row.push(words, Ink::Faint);
    }
    let mut said: Vec<(String, Ink)> = Vec::new();
    for (_, words) in failures(socket, analysis, FailureReason::Other) {
        if !said.contains(&words) && said.len() < MOST_REFUSALS {
            said.push(words);
        }
    }
    for (words, ink) in said {
        row.push(if row.0.is_empty() { "" } else { "  " }, Ink::Plain);
        row.push(words, ink);
    }
    row
}

/// What tells two addresses apart or makes them alike: the port, or the path.
fn mark(address: &Address) -> Option<String> {
    match address {
        Address::Inet(_) | Address::Inet6(_) => {
            address.port().filter(|port| *port != 0).map(|port| port.to_string())
        }
        Address::Unix(path) => path.as_ref().map(|_| safe(&address.to_string())),
    }
}

/// Ports and paths that occur several times, the most frequent first, each with an ink that no actor has.
struct Marks {
    shared: Vec<String>,
    first_ink: usize,
}

impl Marks {
    fn of(sockets: &[&Socket], first_ink: usize) -> Marks {
        let ends = sockets.iter().flat_map(|socket| [&socket.local, &socket.peer]);
        let all: Vec<String> = ends.flatten().filter_map(mark).collect();
        let mut often: Vec<(usize, String)> = Vec::new();
        for one in all {
            match often.iter_mut().find(|(_, known)| *known == one) {
                Some((times, _)) => *times += 1,
                None => often.push((1, one)),
            }
        }
        often.retain(|(times, _)| *times > 1);
        often.sort_by_key(|(times, _)| std::cmp::Reverse(*times));
        Marks { shared: often.into_iter().take(MOST_INKS).map(|(_, one)| one).collect(), first_ink }
    }

    fn address(&self, address: Option<&Address>) -> Row {
        let Some(address) = address else {
            return Row::new().with("·", Ink::Faint);
        };
        let text = safe(&wording::address(address));
        let Some(mark) = mark(address) else {
            return Row::new().with(text, Ink::Plain);
        };
        let ink = self
            .shared
            .iter()
            .position(|known| *known == mark)
            .map_or(Ink::Plain, |at| Ink::Of(self.first_ink + at));
        let start = text.strip_suffix(&mark).unwrap_or("").to_owned();
        Row::new().with(start, Ink::Plain).with(mark, ink)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::analysis::script::{Script, fits_everywhere, here};
    use crate::trace::Outcome;

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    fn another(port: u16) -> crate::trace::Value {
        crate::trace::Value::Address(Address::Inet(std::net::SocketAddrV4::new(
            [127, 0, 0, 2].into(),
            port,
        )))
    }

    fn two_and_a_refusal() -> crate::trace::recording::Recording {
        let mut script = Script::connected();
        script.socket("second", 4, "AF_INET", "SOCK_STREAM").fails(
            "second",
            4,
            "bind",
            &[("address", here(4000))],
            "EADDRINUSE",
        );
        script.call("second", 4, "bind", &[("address", another(4000))], 0).located(
            "second",
            4,
            another(4000),
        );
        script.socket("udp", 5, "AF_INET", "SOCK_DGRAM").call(
            "udp",
            5,
            "bind",
            &[("address", here(4000))],
            0,
        );
        script.recording()
    }

    #[test]
    fn what_is_said_of_one_that_was_closed_is_said_of_all() {
        let mut script = Script::new();
        for socket in 1..=2 {
            script.udp("client", socket, 4000).call("client", socket, "close", &[], 0);
        }
        let text = draw(&Analysis::of(&script.recording()), 100).text();
        assert_eq!(text.matches("closed").count(), 2, "{text}");
    }

    #[test]
    fn a_program_closes_its_sockets_and_a_library_that_looks_for_a_peer_does_no_harm() {
        let mut script = Script::connected();
        script.fails("server", 1, "getpeername", &[], "ENOTCONN");
        script.fails("client", 2, "shutdown", &[("how", "SHUT_RD".into())], "ENOTCONN");
        script.call("client", 2, "close", &[], 0);
        let mut recording = script.recording();
        let text = |recording: &_| draw(&Analysis::of(recording), 100).text();
        assert!(text(&recording).contains("getpeername") && !text(&recording).contains("closed"));
        recording.header.origin = Origin::Programs(Vec::new());
        let text = text(&recording);
        assert!(!text.contains("getpeername"), "{text}");
        assert!(text.contains("closed  ✗ shutdown: ENOTCONN"), "{text}");
        let exited = json!({"event": "exited", "cpu_ns": 1, "status": {"code": 0}});
        let mut recording = script.json("server", exited).recording();
        recording.header.origin = Origin::Programs(Vec::new());
        let text = draw(&Analysis::of(&recording), 100).text();
        assert_eq!(text.matches("closed at exit").count(), 2, "{text}");
    }

    #[test]
    fn where_events_are_left_out_nothing_is_said_of_who_closed() {
        let exited = || json!({"event": "exited", "cpu_ns": 1, "status": {"code": 0}});
        let mut script = Script::new();
        script.process("early", 7).process("late", 8);
        script.udp("early", 1, 4000).udp("late", 2, 4001).json("early", exited());
        script.sends_to("late", 2, "x", 4000).pass(5_000_000).json("late", exited());
        let drawn = |script: &Script| {
            let mut recording = script.recording();
            recording.header.origin = Origin::Programs(Vec::new());
            draw(&Analysis::of(&recording), 100).text()
        };
        let whole = drawn(&script);
        assert_eq!(whole.matches("closed at exit").count(), 2, "{whole}");
        let cut = drawn(
            script.json("lab", json!({"event": "note", "note": {"left-out": {"events": 3}}})),
        );
        assert_eq!(cut.matches("closed at exit").count(), 1, "{cut}");
        assert_eq!(cut.matches("bound, closed").count(), 2, "{cut}");
        assert!(cut.contains("is not recorded") && !whole.contains("is not recorded"), "{cut}");
    }

    #[test]
    fn a_call_that_a_signal_cut_short_is_no_failure_of_the_socket() {
        let signalled = json!({"event": "signalled", "signal": "SIGTERM"});
        let killed = json!({"event": "exited", "cpu_ns": 1, "status": {"signal": "SIGALRM"}});
        let text = |after: &[serde_json::Value], goes_on: bool| {
            let mut script = Script::connected();
            script.fails("server", 1, "accept", &[], "EINTR");
            if goes_on {
                script.sends("server", 3, "x");
            }
            for event in after {
                script.json("server", event.clone());
            }
            draw(&Analysis::of(&script.recording()), 120).text()
        };
        for (after, goes_on, words) in [
            (vec![signalled.clone()], true, "accept: interrupted by SIGTERM"),
            (vec![killed.clone()], false, "accept: interrupted by SIGALRM"),
            // It was handled: the program got the error.
            (vec![killed], true, "✗ accept: EINTR"),
            (vec![], false, "✗ accept: EINTR"),
        ] {
            let text = text(&after, goes_on);
            assert!(text.contains(words), "{words}: {text}");
            assert_eq!(text.contains('✗'), words.contains('✗'), "{text}");
        }
    }

    #[test]
    fn of_several_signals_the_one_next_to_a_calls_end_has_cut_it_short() {
        let signalled = |signal: &str| json!({"event": "signalled", "signal": signal});
        for comes_after in [false, true] {
            let mut script = Script::connected();
            let accept = script.enter("server", 1, "accept", &[]);
            script.json("server", signalled("SIGHUP")).pass(500_000_000);
            if !comes_after {
                script.json("server", signalled("SIGTERM"));
            }
            script.leave("server", &accept, Outcome::Errno("EINTR".into()), &[]);
            if comes_after {
                script.pass(18_000).json("server", signalled("SIGTERM"));
            }
            let text = draw(&Analysis::of(&script.recording()), 120).text();
            assert!(text.contains("accept: interrupted by SIGTERM"), "{text}");
        }
    }

    #[test]
    fn a_socket_is_a_row() {
        assert_snapshot!(draw(&Analysis::of(&two_and_a_refusal()), 100).text());
    }

    #[test]
    fn a_refusal_after_the_success_stands_after_it_and_every_address_is_explained() {
        let every = crate::trace::Value::Address(Address::Inet(std::net::SocketAddrV4::new(
            [0, 0, 0, 0].into(),
            4000,
        )));
        let mut script = Script::new();
        script.socket("ann", 1, "AF_INET", "SOCK_STREAM").call(
            "ann",
            1,
            "bind",
            &[("address", every.clone())],
            0,
        );
        script.located("ann", 1, every).fails(
            "ann",
            1,
            "connect",
            &[("address", here(9))],
            "ECONNREFUSED",
        );
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 80).text());
    }

    #[test]
    fn long_addresses_make_the_table_tight_before_it_is_stacked() {
        let mapped = |port| {
            let ip = std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped();
            crate::trace::Value::Address(Address::Inet6(std::net::SocketAddrV6::new(
                ip, port, 0, 0,
            )))
        };
        let mut script = Script::new();
        script.socket("server", 1, "AF_INET6", "SOCK_STREAM").call(
            "server",
            1,
            "bind",
            &[("address", mapped(33955))],
            0,
        );
        script.call("server", 1, "listen", &[("backlog", 1.into())], 0).accepts(
            "server",
            1,
            3,
            mapped(38032),
        );
        script.located("server", 3, mapped(33955));
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 80).text());
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn equal_ports_have_one_ink() {
        let picture = draw(&Analysis::of(&two_and_a_refusal()), 100);
        let inks = |row: usize, port: &str| {
            picture.0[row].0.iter().find(|span| span.text == port).map(|span| span.ink)
        };
        assert!(matches!(inks(1, "4000"), Some(Ink::Of(_))));
        assert_eq!(inks(1, "4000"), inks(2, "4000"));
        assert_eq!(inks(1, "4000"), inks(5, "4000"));
        assert_ne!(inks(1, "4000"), inks(2, "53546"));
    }

    #[test]
    fn narrow_tables_are_stacked() {
        assert_snapshot!(draw(&Analysis::of(&two_and_a_refusal()), 20).text());
        fits_everywhere(&two_and_a_refusal(), draw);
    }
}
