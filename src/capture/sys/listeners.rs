//! Linux: where a process listens, by the tables in /proc (proc_pid_net(5)), for one whose calls are not seen.

use std::collections::BTreeSet;
use std::fs;

use super::{Listener, TCP_TABLES, table_rows, unix_rows};
use crate::trace::Address;

/// The sockets on which one of these processes listens.
pub fn listeners(processes: &[u32]) -> Vec<Listener> {
    let own: BTreeSet<u64> = processes.iter().flat_map(|process| inodes(*process)).collect();
    let Some(&process) = processes.first() else { return Vec::new() };
    let tcp = table_rows(process, TCP_TABLES).into_iter().filter(|row| row.state == "LISTEN");
    let tcp = tcp.map(|row| {
        let at = match row.ends[0] {
            Address::Inet(at) => Some(at.into()),
            Address::Inet6(at) => Some(at.into()),
            Address::Unix(_) => None,
        };
        Listener { inode: row.inode, at }
    });
    let unix = unix_rows(process).into_iter().filter(|row| row.listens);
    let all = tcp.chain(unix.map(|row| Listener { inode: row.inode, at: None }));
    all.filter(|listener| own.contains(&listener.inode)).collect()
}

/// The numbers of a process's sockets.
fn inodes(process: u32) -> Vec<u64> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let links = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    let number = |link: &str| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    links.filter_map(|link| number(&link.to_string_lossy())).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use socket2::{Domain, SockAddr, Socket, Type};

    #[test]
    fn listeners_of_every_family_are_found_and_what_does_not_listen_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |domain| Socket::new(domain, Type::STREAM, None).expect("a socket");
        let [v4, client, unix] = [Domain::IPV4, Domain::IPV4, Domain::UNIX].map(open);
        v4.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("an address");
        v4.listen(1).expect("it listens");
        let at = v4.local_addr().expect("its address");
        client.connect(&at).expect("connected");
        let at = at.as_socket().expect("an address of IPv4");
        unix.bind(&SockAddr::unix(folder.path().join("door")).expect("a path")).expect("a file");
        unix.listen(1).expect("it listens");
        let found = listeners(&[std::process::id()]);
        assert!(found.iter().any(|it| it.at == Some(at)), "{found:?}");
        assert!(found.iter().any(|it| it.at.is_none()), "{found:?}");
        let number = |at: &SocketAddr| found.iter().filter(|it| it.at == Some(*at)).count();
        assert_eq!(number(&at), 1, "the connection at the same port is none: {found:?}");
        drop(v4);
        let found = listeners(&[std::process::id()]);
        assert!(!found.iter().any(|it| it.at == Some(at)), "{found:?}");
    }
}
