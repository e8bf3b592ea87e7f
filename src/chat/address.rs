//! The address of a chat, as users write it: `host:port`, `[::1]:port`, `[fe80::1%eth0]:port`, `unix:/path`, and on Linux `unix:@name`.

use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use socket2::SockAddr;
use thiserror::Error;

use crate::i18n::tr;

/// An address as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host by name or by number, and a port.
    Inet(String),
    /// An IPv6 address with the interface on which it is (its zone, RFC 4007), by name or by number, and a port.
    Zoned { ip: Ipv6Addr, zone: String, port: u16 },
    /// A file that is a socket.
    Unix(PathBuf),
    /// A name outside the file system: Linux's abstract namespace (unix(7)).
    Abstract(String),
}

/// Why a text is not an address.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// It has none of the four forms.
    #[error("{}", tr!("`{text}` is not an address: write HOST:PORT, [::1]:PORT, unix:/path or unix:@name", text = .0))]
    Malformed(String),
    /// An IPv6 address without brackets, so that the start of its port is unclear.
    #[error("{}", tr!("`{text}`: an IPv6 address needs brackets, as in [::1]:21567", text = .0))]
    MissingBrackets(String),
    /// An address that every interface may have, and so needs one.
    #[error("{}", tr!(
        "`{text}`: a link-local address needs its network interface, as in [{ip}%eth0]:{port}; `ip -6 address` shows them",
        text = .text,
        ip = .ip,
        port = .port
    ))]
    MissingZone { text: String, ip: Ipv6Addr, port: u16 },
    /// A URL, and the address in it.
    #[error("{}", tr!("`{text}` is a URL: write {address}", text = .text, address = .address))]
    Url { text: String, address: String },
    /// A name in the abstract namespace, on a system that has none.
    #[error("{}", tr!("`{text}`: only Linux has such names; write unix:/path", text = .0))]
    OnlyOnLinux(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        if let Some(address) = address_in_url(text) {
            return Err(AddressError::Url { text: text.to_owned(), address });
        }
        match text.strip_prefix("unix:") {
            Some("" | "@") => Err(AddressError::Malformed(text.to_owned())),
            Some(name) if name.starts_with('@') && !cfg!(target_os = "linux") => {
                Err(AddressError::OnlyOnLinux(text.to_owned()))
            }
            Some(name) => Ok(name.strip_prefix('@').map_or_else(
                || Address::Unix(name.into()),
                |name| Address::Abstract(name.to_owned()),
            )),
            None => match text.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
                        return Err(AddressError::MissingBrackets(text.to_owned()));
                    }
                    inet(text, host, port)
                }
                _ => Err(AddressError::Malformed(text.to_owned())),
            },
        }
    }
}

/// A host and a port, which are the two parts of this text.
fn inet(text: &str, host: &str, port: &str) -> Result<Address, AddressError> {
    let malformed = || AddressError::Malformed(text.to_owned());
    let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) else {
        return Ok(Address::Inet(text.to_owned()));
    };
    let port = port.parse().map_err(|_| malformed())?;
    let (ip, zone) = inside.split_once('%').map_or((inside, None), |(ip, zone)| (ip, Some(zone)));
    let ip: Ipv6Addr = ip.parse().map_err(|_| malformed())?;
    match zone {
        Some("") => Err(malformed()),
        Some(zone) => Ok(Address::Zoned { ip, zone: zone.to_owned(), port }),
        None if ip.is_unicast_link_local() => {
            Err(AddressError::MissingZone { text: text.to_owned(), ip, port })
        }
        None => Ok(Address::Inet(text.to_owned())),
    }
}

/// The number of an interface, which is given by name or by number.
fn interface(zone: &str) -> io::Result<u32> {
    if let Ok(number) = zone.parse() {
        return Ok(number);
    }
    #[cfg(unix)]
    if let Ok(number) = nix::net::if_::if_nametoindex(zone) {
        return Ok(number);
    }
    Err(io::Error::other(tr!("this machine has no network interface {zone}", zone)))
}

/// What to write instead of `tcp://127.0.0.1:4000/` or `unix:///tmp/chat`; `None` for what is no URL.
fn address_in_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
        return None;
    }
    if scheme == "unix" {
        return Some(format!("unix:{rest}"));
    }
    let place = rest.split(['/', '?', '#']).next().filter(|place| !place.is_empty())?;
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port { place.to_owned() } else { format!("{place}:PORT") })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Inet(text) => f.write_str(text),
            Address::Zoned { ip, zone, port } => write!(f, "[{ip}%{zone}]:{port}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Abstract(name) => write!(f, "unix:@{name}"),
        }
    }
}

impl Address {
    /// Whether the kernel chooses the port.
    pub fn leaves_the_port_open(&self) -> bool {
        match self {
            Address::Inet(text) => {
                text.rsplit_once(':').is_some_and(|(_, port)| port.parse() == Ok(0_u16))
            }
            Address::Zoned { port, .. } => *port == 0,
            Address::Unix(_) | Address::Abstract(_) => false,
        }
    }

    /// Whether it is one of AF_UNIX.
    pub fn is_unix(&self) -> bool {
        matches!(self, Address::Unix(_) | Address::Abstract(_))
    }

    /// The addresses for the kernel; a host name may have several (getaddrinfo(3)). Fails for an unknown name, and for a path
    /// that is too long for AF_UNIX.
    pub fn resolve(&self) -> io::Result<Vec<SockAddr>> {
        match self {
            Address::Inet(text) => {
                let all: Vec<SockAddr> = text.to_socket_addrs()?.map(SockAddr::from).collect();
                if all.is_empty() {
                    Err(io::Error::other(tr!("the name has no address")))
                } else {
                    Ok(all)
                }
            }
            Address::Zoned { ip, zone, port } => {
                Ok(vec![SocketAddrV6::new(*ip, *port, 0, interface(zone)?).into()])
            }
            Address::Unix(path) => Ok(vec![SockAddr::unix(path)?]),
            // An abstract name begins with a zero byte.
            Address::Abstract(name) => Ok(vec![SockAddr::unix(format!("\0{name}"))?]),
        }
    }
}

/// Whether a server at this address can only be reached from this machine.
pub fn is_local(address: &SockAddr) -> bool {
    address.as_socket().is_none_or(|inet| match inet.ip() {
        std::net::IpAddr::V4(ip) => ip.is_loopback(),
        std::net::IpAddr::V6(ip) => {
            ip.to_ipv4_mapped().map_or_else(|| ip.is_loopback(), |ip| ip.is_loopback())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_on_one_interface_names_it_by_name_or_by_number() {
        let resolved = |text: &str| {
            let address: Address = text.parse().expect("an address");
            assert_eq!(address.to_string(), text);
            address.resolve().map(|all| all[0].as_socket_ipv6().expect("IPv6"))
        };
        let numbered = resolved("[fe80::1%7]:80").expect("a number is taken as it is");
        assert_eq!((numbered.scope_id(), numbered.port()), (7, 80));
        #[cfg(unix)]
        if let Ok(number) = nix::net::if_::if_nametoindex("lo") {
            let named = resolved("[fe80::1%lo]:80").expect("it is there");
            assert_eq!(named.scope_id(), number);
        }
        let error = resolved("[fe80::1%nosuch0]:80").expect_err("it is not there").to_string();
        assert_eq!(error, "this machine has no network interface nosuch0");
        let told = "[fe80::1]:80".parse::<Address>().expect_err("no interface").to_string();
        assert!(told.contains("as in [fe80::1%eth0]:80"), "{told}");
        for text in ["[fe80::1%]:80", "[fe80::g]:80", "[localhost]:80", "[]:80", "[::1]:65536"] {
            assert!(matches!(text.parse::<Address>(), Err(AddressError::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn a_url_is_answered_with_the_address_in_it() {
        for (text, address) in [
            ("tcp://127.0.0.1:4000", "127.0.0.1:4000"),
            ("http://localhost:80/index.html", "localhost:80"),
            ("tcp://[::1]:21567", "[::1]:21567"),
            ("https://example.org", "example.org:PORT"),
            ("unix:///tmp/chat", "unix:/tmp/chat"),
        ] {
            let told = text.parse::<Address>().expect_err("a URL").to_string();
            assert_eq!(told, format!("`{text}` is a URL: write {address}"));
        }
        for text in ["unix:/tmp/a://b", "localhost:80", "[::1]:80"] {
            assert!(text.parse::<Address>().is_ok(), "{text}");
        }
    }
}
