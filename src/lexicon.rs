//! Ground floor: what recordings say in English, as it is shown. A recording keeps the experiment's own words, so that it can
//! be replayed in either language; whoever shows them asks here: [`shown`].
//!
//! A label is an entry (`names.rs`: who, what, pictures; `evidence.rs`: what claims compare), or made of entries by a rule
//! below. What is neither stays as it is: names of calls and errors, addresses, data.

use std::borrow::Cow;

use crate::i18n::{Language, spoken};

mod evidence;
mod names;
mod wire;

/// The label in the language that is spoken.
#[must_use]
pub fn shown(label: &str) -> Cow<'_, str> {
    if spoken() == Language::ENGLISH {
        return Cow::Borrowed(label);
    }
    chinese(label).unwrap_or(Cow::Borrowed(label))
}

/// The label in Chinese; `None` if neither an entry nor a rule knows it.
#[must_use]
pub fn chinese(label: &str) -> Option<Cow<'static, str>> {
    let exact = names::entry(label).or_else(|| evidence::entry(label)).map(Cow::Borrowed);
    exact.or_else(|| {
        composed(label).or_else(|| wire::rule(label)).or_else(|| why(label)).map(Cow::Owned)
    })
}

/// `client.recv`, `alice received`, `1st connect`, `client types 你好`: made of a part that has an entry, and another.
fn composed(label: &str) -> Option<String> {
    if let Some((who, call)) = label.split_once('.')
        && is_code(call)
    {
        return Some(format!("{}.{call}", names::entry(who)?));
    }
    if let Some(who) = label.strip_suffix(" received") {
        return Some(format!("{}收到", spaced(person(who)?)));
    }
    if let Some(who) = label.strip_suffix("'s") {
        return Some(format!("{}的", names::entry(who)?));
    }
    if let Some((who, what)) = label.split_once(" types ") {
        let who = spaced(person(who)?);
        return Some(if what == "Ctrl-D" {
            format!("{who}按 Ctrl-D")
        } else {
            format!("{who}输入 {what}")
        });
    }
    if let Some(what) = label.strip_prefix("shows ") {
        return Some(format!("显示 {what}"));
    }
    if let Some((number, place)) =
        label.strip_prefix("fd ").and_then(|rest| rest.split_once(" at "))
    {
        return number.parse::<u32>().ok().map(|number| format!("描述符 {number}（{place}）"));
    }
    if let Some(span) = label.strip_prefix("timeout of ") {
        return Some(format!("超时时间 {span}"));
    }
    if let Some((number, what)) = ordinal(label) {
        return match what {
            "pause" => Some(format!("第 {number} 次停顿")),
            "copy" => Some(format!("第 {number} 份")),
            "SYN" | "FIN" => Some(format!("第 {number} 个 {what}")),
            call => is_code(call).then(|| format!("第 {number} 次 {call}")),
        };
    }
    // `client SYN · server SYN,ACK`: who sent which segment.
    let segment = |one: &str| {
        one.split_once(' ').and_then(|(who, flags)| Some(format!("{} {flags}", names::entry(who)?)))
    };
    label
        .contains(" · ")
        .then(|| label.split(" · ").map(segment).collect::<Option<Vec<_>>>())
        .flatten()
        .map(|all| all.join(" · "))
}

/// A space after Latin letters.
fn spaced(name: &str) -> String {
    if name.ends_with(|last: char| last.is_ascii()) { format!("{name} ") } else { name.to_owned() }
}

/// Somebody: a part that has an entry, or a person's name, which stays.
fn person(who: &str) -> Option<&str> {
    names::entry(who).or(["alice", "bob", "carol", "tcp", "udp"].contains(&who).then_some(who))
}

/// What a program calls something: `recv`, `SO_ERROR`.
fn is_code(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// `2nd SYN` as 2 and `SYN`.
fn ordinal(label: &str) -> Option<(u32, &str)> {
    let (number, what) = label.split_once(' ')?;
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| number.strip_suffix(ending))?;
    Some((digits.parse().ok()?, what))
}

/// Why a claim was not checked, where the sentence has numbers in it.
fn why(label: &str) -> Option<String> {
    if let Some(rest) = label.strip_prefix("this machine was so busy that a byte came ") {
        return Some(format!(
            "机器太忙，一个字节比前一个晚了 {} 才到",
            rest.strip_suffix(" after the one before")?
        ));
    }
    if let Some(rest) = label.strip_prefix("a silence of ") {
        let (silence, rest) = rest.split_once(" is too short to compare: take ")?;
        return Some(format!(
            "{silence} 的安静太短，无法比较：请用 {} 或更长",
            rest.strip_suffix(" or more")?
        ));
    }
    let (limit, rest) =
        label.strip_prefix("this process may have ")?.split_once(" files open: ")?;
    let (reached, rest) = rest.split_once(" connections were open instead of ")?;
    let (asked, _) = rest.split_once(';')?;
    Some(format!(
        "这个进程最多打开 {limit} 个文件：只打开了 {reached} 个连接，而不是 {asked} 个；`ulimit -Hn` 显示上限，可由系统管理员提高"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::speaking;

    fn in_chinese(label: &str) -> String {
        speaking(crate::i18n::chinese(), || shown(label).into_owned())
    }

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
            ("drop 20 % of packets (seed 39)", "丢弃 20 % 的分组（种子 39）"),
            ("drop the first 3 SYNs from the client", "丢弃客户端的前 3 个 SYN"),
            ("delay every TCP segment by 10ms", "每个 TCP 报文段推迟 10ms"),
            ("hold the 2nd bare ACK from the server", "扣住服务器的第 2 个纯 ACK"),
            (
                "let the next packet overtake the first UDP datagram",
                "让下一个分组超过第一个 UDP 数据报",
            ),
        ] {
            assert_eq!(in_chinese(label), expected, "{label}");
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
        let mut seen = std::collections::BTreeMap::new();
        for name in names::ACTORS {
            let chinese = in_chinese(name);
            assert_eq!(in_chinese(&chinese), chinese);
            if let Some(other) = seen.insert(chinese, name) {
                panic!("{name} and {other} are one in Chinese");
            }
        }
    }
}
