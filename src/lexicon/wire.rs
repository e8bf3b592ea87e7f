//! The rules of a wire as `capture::wire` says them: `drop the first SYN from the client`.

/// The rule in Chinese, if it is one.
pub(super) fn rule(label: &str) -> Option<String> {
    if let Some(what) = label.strip_prefix("drop ") {
        return Some(format!("丢弃{}", which(what)?));
    }
    if let Some(what) = label.strip_prefix("duplicate ") {
        return Some(format!("把{}送两次", after_a_verb(&which(what)?)));
    }
    if let Some(what) = label.strip_prefix("hold ") {
        return Some(format!("扣住{}", which(what)?));
    }
    if let Some(what) = label.strip_prefix("let the next packet overtake ") {
        return Some(format!("让下一个分组超过{}", which(what)?));
    }
    let (what, by) = label.strip_prefix("delay ")?.rsplit_once(" by ")?;
    Some(format!("{}推迟 {by}", which(what)?.trim_start()))
}

fn after_a_verb(words: &str) -> String {
    if words.starts_with(' ') { format!("{words} ") } else { words.to_owned() }
}

/// Which frames: `the first 3 SYNs from the client`. Begins with a space where it begins with a digit.
fn which(words: &str) -> Option<String> {
    let (words, whose) = match words.split_once(" from the ") {
        Some((words, "client")) => (words, "客户端的"),
        Some((words, "server")) => (words, "服务器的"),
        Some(_) => return None,
        None => (words, ""),
    };
    if let Some(one) = words.strip_prefix("every ") {
        return Some(format!("{whose}每个{}", spaced(noun(one)?)));
    }
    if let Some((percent, rest)) = words.split_once(" % of ") {
        let (many, seed) = rest.strip_suffix(')')?.split_once(" (seed ")?;
        let gap = if whose.is_empty() { " " } else { "" };
        return Some(format!("{whose}{gap}{percent} % 的{}（种子 {seed}）", spaced(noun(many)?)));
    }
    let words = words.strip_prefix("the ")?;
    let Some(rest) = words.strip_prefix("first ") else {
        let (number, one) = super::ordinal(words)?;
        return Some(format!("{whose}第 {number} 个{}", spaced(noun(one)?)));
    };
    match rest.split_once(' ') {
        Some((few, many)) if few.parse::<u64>().is_ok() => {
            Some(format!("{whose}前 {few} 个{}", spaced(noun(many)?)))
        }
        _ => Some(format!("{whose}第一个{}", spaced(noun(rest)?))),
    }
}

/// A space before Latin letters.
fn spaced(noun: &str) -> String {
    if noun.starts_with(|first: char| first.is_ascii()) {
        format!(" {noun}")
    } else {
        noun.to_owned()
    }
}

fn noun(english: &str) -> Option<&'static str> {
    Some(match english.strip_suffix('s').unwrap_or(english) {
        "SYN" => "SYN",
        "SYN-ACK" => "SYN-ACK",
        "bare ACK" => "纯 ACK",
        "FIN" => "FIN",
        "RST" => "RST",
        "segment with data" | "segments with data" => "带数据的报文段",
        "TCP segment" => "TCP 报文段",
        "UDP datagram" => "UDP 数据报",
        "ICMP message" => "ICMP 报文",
        "ARP message" => "ARP 报文",
        "packet" => "分组",
        _ => return None,
    })
}
