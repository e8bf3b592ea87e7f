//! Linux: where a process listens, by the tables in /proc (proc_pid_net(5)), for one whose calls are not seen.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A listening socket: its number, and its address if that is one of IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    pub inode: u64,
    pub at: Option<SocketAddr>,
}

/// The sockets on which one of these processes listens.
pub fn listeners(processes: &[u32]) -> Vec<Listener> {
    let own: BTreeSet<u64> = processes.iter().flat_map(|process| inodes(*process)).collect();
    let Some(process) = processes.first() else { return Vec::new() };
    let table =
        |name: &str| fs::read_to_string(format!("/proc/{process}/net/{name}")).unwrap_or_default();
    let tcp = [table("tcp"), table("tcp6")];
    let tcp = tcp.iter().flat_map(|table| table.lines()).filter_map(tcp_listener);
    let unix = table("unix");
    let all = tcp.chain(unix.lines().filter_map(unix_listener));
    all.filter(|listener| own.contains(&listener.inode)).collect()
}

/// The numbers of a process's sockets.
fn inodes(process: u32) -> Vec<u64> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let links = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok());
    let number = |link: &str| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    links.filter_map(|link| number(&link.to_string_lossy())).collect()
}

/// A row of the table of TCP, if it is of a socket in the state LISTEN (`0A`).
fn tcp_listener(row: &str) -> Option<Listener> {
    let mut fields = row.split_whitespace().skip(1);
    let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
    let inode = fields.nth(5)?.parse().ok().filter(|_| state == "0A")?;
    Some(Listener { inode, at: Some(address(local)?) })
}

/// A row of the table of AF_UNIX, if it is of a socket that accepts connections (`__SO_ACCEPTCON`).
fn unix_listener(row: &str) -> Option<Listener> {
    let mut fields = row.split_whitespace().skip(3);
    let accepts = u32::from_str_radix(fields.next()?, 16).ok()? & 0x0001_0000 != 0;
    let inode = fields.nth(2)?.parse().ok().filter(|_| accepts)?;
    Some(Listener { inode, at: None })
}

/// `0100007F:1F90`: each four bytes of the address as one number of the machine.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words = ip.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let bytes: Vec<u8> = words.collect::<Option<Vec<_>>>()?.concat();
    let ip = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let row = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0";
        let at = Some(SocketAddr::from(([127, 0, 0, 1], 8080)));
        if cfg!(target_endian = "little") {
            assert_eq!(tcp_listener(row), Some(Listener { inode: 4711, at }));
        }
        assert_eq!(tcp_listener(&row.replace(" 0A ", " 01 ")), None);
        assert_eq!(tcp_listener("  sl  local_address rem_address   st tx_queue"), None);
        let row = "0000000000000000: 00000002 00000000 00010000 0001 01 815 /tmp/door";
        assert_eq!(unix_listener(row), Some(Listener { inode: 815, at: None }));
        assert_eq!(unix_listener(&row.replace("00010000", "00000000")), None);
    }
}
