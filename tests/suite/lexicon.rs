//! Whatever an experiment records in English has an entry in every catalogue: every experiment is run, and every shipped recording
//! is read.

use std::collections::{BTreeMap, BTreeSet};

use socket_explorer::commands::shipped;
use socket_explorer::i18n::{Language, speaking};
use socket_explorer::lexicon::{shown, translated};
use socket_explorer::reasons;
use socket_explorer::trace::recording::Recording;
use socket_explorer::trace::{EventKind, Value};

use crate::course_run;

/// What stays as it is in every language: people and those whom the lessons call so, and what programs and kernels say.
const STAYS: &[&str] = &[
    // actors
    "early",
    "naive",
    "plain",
    "alice",
    "ann",
    "ben",
    "bob",
    "carol",
    "cy",
    "ipv4",
    "ipv6",
    "lab",
    "looker",
    "new",
    "old",
    "spinner",
    "tcp",
    "twin",
    "udp",
    "unix",
    "wire",
    "epoll",
    "poll",
    "select",
    // calls, options, errors, families, protocols
    "accept",
    "bind",
    "connect",
    "listen",
    "open",
    "peer_addr",
    "recv",
    "send",
    "send_to",
    "set_only_v6",
    "shutdown",
    "AF_INET",
    "AF_INET6",
    "AF_UNIX",
    "SOCK_DGRAM",
    "SOCK_STREAM",
    "SO_ERROR",
    "SO_RCVTIMEO",
    "SO_SNDTIMEO",
    "EAGAIN",
    "ECONNREFUSED",
    "EINPROGRESS",
    "TCP",
    "UDP",
    "ARP",
    "TCP_INFO",
    "U+FFFD",
    // what was sent
    "hello",
    // where the kernel says it
    "/proc/net/dev",
    "/proc/net/tcp",
    "sysctl",
    "getrlimit(RLIMIT_NOFILE)",
    "net.ipv4.tcp_rto_max_ms",
    "net.ipv4.tcp_syn_linear_timeouts",
    "net.ipv4.tcp_syn_retries",
];

/// Deeds that are calls on files: `chmod 000 …/door`.
const FILE_CALLS: &[&str] = &["chmod ", "open ", "unlink "];

fn all_shipped() -> Vec<Recording> {
    shipped::needed().filter_map(|experiment| shipped::recording(experiment.name)).collect()
}

fn labels(recordings: &[Recording]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for event in recordings.iter().flat_map(|recording| recording.events()) {
        let mut add = |label: &str| {
            all.insert(label.to_owned());
        };
        add(&event.actor);
        match &event.what {
            EventKind::Wait { purpose, .. } => add(purpose),
            EventKind::Deed { deed, .. }
                if !FILE_CALLS.iter().any(|call| deed.starts_with(call)) =>
            {
                add(deed)
            }
            EventKind::Part { part } => add(part),
            EventKind::Measure { series, label, .. } => {
                [series, label].into_iter().for_each(|one| add(one))
            }
            EventKind::Point { plot, series, against, .. } => {
                [plot, series, against].into_iter().for_each(|one| add(one))
            }
            EventKind::Count { label, source, .. } => {
                [label, source].into_iter().for_each(|one| add(one))
            }
            EventKind::Claim(claim) => {
                claim.evidence.iter().for_each(|one| add(&one.what));
                claim
                    .evidence
                    .iter()
                    .filter_map(|one| one.with_what.as_ref())
                    .for_each(|what| add(what));
                // Why it could not be checked here, except what the lab itself says of this machine.
                let values = claim.evidence.iter().flat_map(|one| [&one.saw, &one.with]);
                let words = values.filter_map(|value| {
                    if let Value::Text(text) = value { Some(text) } else { None }
                });
                words
                    .filter(|text| ["ok", "none", "gone", "timed out"].contains(&&***text))
                    .for_each(|text| add(text));
            }
            _ => {}
        }
    }
    all
}

#[test]
fn whatever_is_recorded_in_english_is_translated() {
    let live: Vec<_> =
        course_run::english().iter().flat_map(|lesson| lesson.recordings.clone()).collect();
    let names: BTreeSet<String> = live.iter().map(|recording| recording.header.name()).collect();
    assert!(names.len() >= 30, "only these were run: {names:?}");
    let all = labels(&[live, all_shipped()].concat());
    assert!(all.len() > 250, "only {} labels", all.len());
    let stays =
        |label: &str| label.split('.').all(|word| STAYS.contains(&word)) || STAYS.contains(&label);
    for language in Language::all().skip(1) {
        let known = |label: &str| speaking(language, || translated(label).is_some());
        let missing: Vec<&String> =
            all.iter().filter(|label| !known(label) && !stays(label)).collect();
        assert!(
            missing.is_empty(),
            "src/i18n/po/{}.po lacks these, in the context `recording`: {missing:#?}",
            language.tag()
        );
        let idle: Vec<_> = STAYS.iter().filter(|word| known(word)).collect();
        assert!(idle.is_empty(), "these are said to stay, and have an entry: {idle:?}");
    }
}

fn in_chinese(label: &str) -> String {
    let chinese = Language::tagged("zh").expect("a catalogue");
    speaking(chinese, || shown(label).into_owned())
}

/// Names of actors, which must stay apart.
const ACTORS: &[&str] = &[
    "client",
    "server",
    "peer",
    "client sends",
    "client receives",
    "server sends",
    "server receives",
    "naive",
    "naive sends",
    "naive receives",
    "early",
    "plain",
    "by hand",
    "by-framework",
    "thread",
    "threads",
    "blocked",
    "spinning",
    "joining",
    "blocking",
    "non-blocking",
    "timeout",
    "option",
    "deadline",
    "each call",
    "to a listener",
    "to nobody",
    "connected-udp",
    "people",
    "looker",
    "spinner",
    "twin",
    "old",
    "new",
];

#[test]
fn what_is_composed_is_put_together() {
    for (label, expected) in [
        ("client", "客户端"),
        ("client.recv", "客户端.recv"),
        ("alice received", "alice 收到"),
        ("client received", "客户端收到"),
        ("fd 3 at 127.0.0.1:4000", "描述符 3（127.0.0.1:4000）"),
        ("server's", "服务器的"),
        ("1st connect", "第 1 次 connect"),
        ("2nd pause", "第 2 次停顿"),
        ("3rd SYN", "第 3 个 SYN"),
        ("client types 你好", "客户端输入 你好"),
        ("client types Ctrl-D", "客户端按 Ctrl-D"),
        ("shows Jack: client types", "显示 Jack: client types"),
        ("timeout of 50ms", "超时时间 50ms"),
        ("client SYN · server SYN,ACK", "客户端 SYN · 服务器 SYN,ACK"),
    ] {
        assert_eq!(in_chinese(label), expected, "{label}");
    }
}

#[test]
fn rules_of_the_link_are_said_in_chinese() {
    use socket_explorer::capture::link::{Ack, Anything, Client, Server, Syn, Udp};
    use socket_explorer::capture::link::{Tcp, every, first, first_few, nth, share};
    use socket_explorer::trace::rule::Rule;
    for (rule, expected) in [
        (Rule::Drop(share(20, Anything, 39)), "丢弃 20 % 的分组（种子 39）"),
        (Rule::Drop(first_few(3, Syn.from(Client))), "丢弃客户端的前 3 个 SYN"),
        (Rule::Delay { which: every(Tcp), by_ns: 10_000_000 }, "每个 TCP 报文段推迟 10ms"),
        (Rule::Hold(nth(2, Ack.from(Server))), "扣住服务器的第 2 个纯 ACK"),
        (Rule::Reorder(first(Udp)), "让下一个分组超过第一个 UDP 数据报"),
    ] {
        let chinese = Language::tagged("zh").expect("a catalogue");
        let words = speaking(chinese, || reasons::rules(std::slice::from_ref(&rule)));
        assert_eq!(words.as_deref(), Some(expected), "{rule:?}");
    }
}

#[test]
fn what_nobody_knows_stays_and_english_says_what_was_recorded() {
    for label in [
        "",
        "ECONNREFUSED",
        "127.0.0.1:4000",
        "nobody's.word",
        "0th",
        "st SYN",
        "a · b",
        "99999999999th SYN",
        "x types y",
    ] {
        assert_eq!(in_chinese(label), label);
    }
    assert_eq!(shown("client"), "client");
}

#[test]
fn two_names_are_told_apart_in_chinese_too_and_none_is_translated_twice() {
    let mut seen = BTreeMap::new();
    for name in ACTORS {
        let chinese = in_chinese(name);
        assert_eq!(in_chinese(&chinese), chinese);
        if let Some(other) = seen.insert(chinese, name) {
            panic!("{name} and {other} are one in Chinese");
        }
    }
}
