//! What strace saw of a program (`strace -f -y`), and which of it explore records.

use std::collections::{BTreeMap, BTreeSet};

use super::{Call, WAITS};

/// Where services of the system listen that libraries ask behind a program's back.
const SERVICES: [&str; 4] = ["/var/run/nscd/", "/run/nscd/", "/run/systemd/", "/dev/log"];

/// Calls that are no use of a socket or an epoll: libraries make them to see what there is.
const NO_USE: [&str; 12] = [
    "socket",
    "socketpair",
    "close",
    "setsockopt",
    "getsockopt",
    "getsockname",
    "getpeername",
    "fcntl",
    "ioctl",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
];

/// Commands of fcntl(2) and ioctl(2) that explore looks at.
const COMMANDS: [&str; 4] = ["F_SETFL", "F_GETFL", "F_DUPFD", "FIONBIO"];

/// The calls of a program that explore is to record.
pub fn recorded(text: &str) -> impl Iterator<Item = Call> {
    let lines = whole_lines(text);
    let mut epolls = BTreeMap::new();
    let calls: Vec<(Call, &str)> =
        lines.iter().filter_map(|line| Some((call(line, &mut epolls)?, &**line))).collect();
    let used = used(&calls);
    let calls: Vec<Call> = calls.into_iter().map(|(call, _)| call).collect();
    let has_returned = |call: &Call| call.result != "?";
    calls
        .into_iter()
        .filter(move |call| has_returned(call) && call.on.iter().any(|on| used.contains(on)))
}

/// The sockets and epolls that explore does not leave out, as docs/tracing.md says. It leaves out sockets that were not used; questions
/// to the kernel and to services of the system; epolls that watched no socket that was used.
fn used(calls: &[(Call, &str)]) -> BTreeSet<String> {
    let (mut used, mut hidden) = (BTreeSet::new(), BTreeSet::new());
    for (call, line) in calls {
        let is_for_service = SERVICES.iter().any(|service| line.contains(service));
        if is_for_service || line.contains("socket(AF_NETLINK") {
            hidden.extend(call.on.clone());
        } else if !NO_USE.contains(&&*call.name) && !WAITS.contains(&&*call.name) {
            used.extend(call.on.clone());
            used.extend(sockets(result(line)));
        }
    }
    used.retain(|socket| !hidden.contains(socket));
    let of = |name: &'static str| calls.iter().filter(move |(call, _)| call.name == name);
    for (pair, _) in of("socketpair") {
        if pair.on.iter().any(|one| used.contains(one)) {
            used.extend(pair.on.clone());
        }
    }
    for (call, line) in of("epoll_ctl") {
        if sockets(line).iter().any(|watched| used.contains(watched)) {
            used.extend(call.on.clone());
        }
    }
    used
}

/// The lines of calls. Where another thread's call came between its entry and its return, a call has two; what never returned
/// has no result.
fn whole_lines(text: &str) -> Vec<String> {
    let (mut begun, mut lines) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(char::is_whitespace) else { continue };
        let rest = rest.trim_start();
        if let Some(entry) = rest.strip_suffix("<unfinished ...>") {
            lines.extend(begun.insert(thread, format!("{thread} {entry}")));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, rest) = resumed.split_once(" resumed>").expect("its end");
            lines.push(format!("{}{rest}", begun.remove(thread).expect("its beginning")));
        } else {
            lines.push(format!("{thread} {rest}"));
        }
    }
    lines.extend(begun.into_values());
    lines
}

/// What a call returned, with what follows.
fn result(line: &str) -> &str {
    line.rsplit_once(" = ").map_or("?", |(_, result)| result)
}

/// A call on sockets or an epoll; `None` for any other line. The kernel gives all epolls one name: `epolls` counts by descriptor.
fn call(line: &str, epolls: &mut BTreeMap<String, usize>) -> Option<Call> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, arguments) = rest.split_once('(')?;
    let is_looked_at = COMMANDS.iter().any(|command| arguments.contains(command));
    if matches!(name, "fcntl" | "ioctl") && !is_looked_at {
        return None;
    }
    let result = result(line);
    let descriptor = if name.starts_with("epoll_create") {
        let (fd, _) = result.split_once('<')?;
        *epolls.entry(fd.to_owned()).or_default() += 1;
        result
    } else if name == "socket" {
        result
    } else {
        arguments
    };
    let on = if name == "socketpair" || WAITS.contains(&name) && !name.starts_with("epoll") {
        sockets(arguments)
    } else {
        let (fd, file) = descriptor.split_once('<')?;
        fd.parse::<u32>().ok()?;
        if file.starts_with("anon_inode:[eventpoll]") {
            vec![format!("epoll {fd} {:?}", epolls.get(fd))]
        } else {
            file.starts_with("socket:[")
                .then(|| sockets(descriptor).into_iter().next())?
                .into_iter()
                .collect()
        }
    };
    let short = if let Some(error) = result.strip_prefix("-1 ") {
        format!("-1 {}", error.split_whitespace().next()?)
    } else {
        let value = result.split([' ', '<']).next()?;
        let hex =
            value.strip_prefix("0x").map(|hex| i64::from_str_radix(hex, 16).expect("a number"));
        hex.map_or(value.to_owned(), |value| value.to_string())
    };
    Some(Call { thread: thread.parse().ok()?, name: name.to_owned(), on, result: short })
}

/// The sockets that are mentioned in a text, by their inodes.
fn sockets(text: &str) -> Vec<String> {
    let inodes = text.split("<socket:[").skip(1).filter_map(|rest| rest.split(']').next());
    inodes.map(str::to_owned).collect()
}
