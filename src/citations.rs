//! Sources that prose cites, in square brackets: `[RFC 9293 3.5]`, `[tcp(7)]`, `[Python: socket]`.

use std::ops::Range;

/// The places in this text where sources are cited, brackets included.
pub fn citations(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('[').filter_map(|(start, _)| {
        let inside = &text[start + 1..];
        let length = inside.find([']', '['])?;
        (inside.as_bytes()[length] == b']' && are_sources(&inside[..length]))
            .then(|| start..start + 1 + length + 1)
    })
}

/// Sources with commas or semicolons between them; what follows one may also be another section or entry of the same source.
fn are_sources(text: &str) -> bool {
    let mut parts = text.split([',', ';']).map(|part| part.split_whitespace().collect::<Vec<_>>());
    let Some(first) = parts.next().filter(|first| is_source(first)) else { return false };
    let mut documented = is_documentation(&first);
    parts.all(|part| {
        let is_more = is_section(&part) || documented && is_entry(&part);
        documented = is_documentation(&part) || documented && is_more;
        is_source(&part) || is_more
    })
}

/// Whether these words name a source:
///
/// - `RFC 9293`, `RFC 9293 3.5`: a Request for Comments, and its section;
/// - `tcp(7)`: a page of the manual;
/// - `PEP 446`, `IEEE 802.3 3.1.1`, `ISO/IEC 7498-1`, `POSIX`: another standard, and its section;
/// - `Python: socket.settimeout`: an entry of somebody's documentation or sources.
fn is_source(words: &[&str]) -> bool {
    match words {
        ["RFC" | "PEP" | "IEEE" | "ISO/IEC", number, section @ ..] => {
            number.starts_with(|c: char| c.is_ascii_digit())
                && number.chars().all(|c| c.is_ascii_digit() || ".-".contains(c))
                && (section.is_empty() || is_section(section))
        }
        ["POSIX"] => true,
        [page] => is_page(page),
        words => is_documentation(words),
    }
}

/// Whose documentation or sources are cited.
const AUTHORS: [&str; 33] = [
    "Chromium",
    "curl",
    "Docker",
    "explore",
    "FreeBSD",
    "GCC",
    "glibc",
    "Go",
    "libuv",
    "Linux",
    "macOS",
    "Microsoft",
    "Mozilla",
    "musl",
    "MySQL",
    "nginx",
    "Nmap",
    "Node.js",
    "OpenBSD",
    "OpenJDK",
    "OpenSSH",
    "PHP",
    "POSIX",
    "PostgreSQL",
    "Python",
    "Redis",
    "Ruby",
    "Rust",
    "socat",
    "socket2",
    "urllib3",
    "Wget",
    "xnu",
];

/// `Linux: net/ipv4/tcp_input.c`, `GCC 14: Porting`.
fn is_documentation(words: &[&str]) -> bool {
    let Some(colon) = words.iter().take(2).position(|word| word.ends_with(':')) else {
        return false;
    };
    let (author, version) = match &words[..=colon] {
        [author] => (author.trim_end_matches(':'), "0"),
        [author, version] => (*author, version.trim_end_matches(':')),
        _ => return false,
    };
    AUTHORS.contains(&author)
        && version.chars().all(|c| c.is_ascii_digit() || c == '.')
        && is_entry(&words[colon + 1..])
}

/// The name of a module, function, file or page.
fn is_entry(words: &[&str]) -> bool {
    let is_name =
        |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:/()".contains(c));
    (1..=4).contains(&words.len()) && words.iter().all(is_name)
}

/// A page of the manual: `tcp(7)`.
fn is_page(word: &str) -> bool {
    word.strip_suffix(')').and_then(|page| page.split_once('(')).is_some_and(|(name, section)| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
            && section.starts_with(|c: char| c.is_ascii_digit())
            && section.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

/// A section's number, or its name in capitals: `3.10.7.4`, `NOTES`, `SCM_RIGHTS`.
fn is_section(words: &[&str]) -> bool {
    let is_number = |word: &str| {
        word.split('.').all(|part| {
            !part.is_empty() && part.len() < 4 && part.chars().all(|c| c.is_ascii_alphanumeric())
        })
    };
    let is_name = |word: &&str| {
        word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    match words {
        [] => false,
        [number] if is_number(number) => true,
        names => names.iter().all(is_name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_one_of_few_forms() {
        for text in [
            "RFC 9293",
            "RFC 9293 3.10.7.4",
            "RFC 1122\n4.2.3.6",
            "RFC 3168 A.2",
            "RFC 9293 3.4.2, 3.6.1",
            "RFC 768, RFC 791",
            "tcp(7)",
            "epoll_ctl(2)",
            "printf(3p)",
            "send(2), BUGS",
            "wait(2), RETURN VALUE",
            "exit(3), _exit(2)",
            "Python: socket.socket.settimeout",
            "PEP 446",
            "Rust: std::net::TcpStream",
            "Linux: net/ipv4/tcp_timer.c",
            "POSIX",
            "POSIX: recv()",
            "IEEE 802.3 3.1.1",
            "ISO/IEC 7498-1",
            "GCC 14: Porting",
            "FreeBSD: kqueue(2)",
            "Linux: asm-generic/errno.h; xnu: sys/errno.h; Microsoft: Windows Sockets Error Codes, connect",
        ] {
            assert!(are_sources(text), "{text}");
        }
        for text in [
            "",
            "1",
            "x",
            "s, stdin",
            "RFC",
            "RFC nine",
            "RFC 9293 section 3.5",
            "3.5, RFC 9293",
            "tcp(7),",
            "tcp",
            "tcp()",
            "tcp(seven)",
            "Python",
            "Python:",
            "Python: the module of the low-level sockets",
            "linux: net",
            "tcp(7), connect",
            "GCC xiv: Porting",
            "::1",
            "see tcp(7)",
        ] {
            assert!(!are_sources(text), "{text}");
        }
    }

    #[test]
    fn each_source_of_a_text_is_found_and_no_other_bracket() {
        let text = "A FIN has a number [RFC 9293 3.4]; a[0], [::1] and [x [tcp(7)][POSIX].";
        let found: Vec<_> = citations(text).map(|range| &text[range]).collect();
        assert_eq!(found, ["[RFC 9293 3.4]", "[tcp(7)]", "[POSIX]"]);
    }
}
