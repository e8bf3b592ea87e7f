//! The names of the system's errors: those of errno(3), `ECONNREFUSED`, and on Windows those of Winsock, `WSAECONNREFUSED`.

use std::borrow::Cow;

/// The name of an error number.
pub fn name(code: i32) -> Cow<'static, str> {
    system::name(code).unwrap_or_else(|| Cow::Owned(format!("errno {code}")))
}

/// What this system calls an error that Linux calls so.
pub fn here(linux: &'static str) -> Cow<'static, str> {
    if !cfg!(windows) {
        return Cow::Borrowed(linux);
    }
    match linux {
        // connect() and the like on a socket that does not block; Winsock knows no second word for it.
        "EAGAIN" | "EINPROGRESS" => Cow::Borrowed("WSAEWOULDBLOCK"),
        // send() once sending was shut down
        "EPIPE" => Cow::Borrowed("WSAESHUTDOWN"),
        _ => match format!("WSA{linux}") {
            known if code(&known).is_some() => Cow::Owned(known),
            _ => Cow::Borrowed(linux),
        },
    }
}

/// The number of an error, if this system has one of that name.
pub fn code(name: &str) -> Option<i32> {
    system::CODES.into_iter().find(|code| system::name(*code).as_deref() == Some(name))
}

#[cfg(unix)]
mod system {
    use super::Cow;
    use nix::errno::Errno;

    pub(super) const CODES: std::ops::Range<i32> = 1..256;

    pub(super) fn name(code: i32) -> Option<Cow<'static, str>> {
        match Errno::from_raw(code) {
            Errno::UnknownErrno => None,
            known => Some(Cow::Owned(format!("{known:?}"))),
        }
    }
}

#[cfg(windows)]
mod system {
    use super::Cow;
    use windows_sys::Win32::Networking::WinSock as winsock;

    /// winerror.h
    pub(super) const CODES: std::ops::Range<i32> = 10_000..11_100;

    pub(super) fn name(code: i32) -> Option<Cow<'static, str>> {
        macro_rules! known {
            ($($name:ident)*) => {
                match code {
                    $(winsock::$name => Some(Cow::Borrowed(stringify!($name))),)*
                    _ => None,
                }
            };
        }
        known! {
            WSAEINTR WSAEBADF WSAEACCES WSAEFAULT WSAEINVAL WSAEMFILE WSAEWOULDBLOCK WSAEINPROGRESS WSAEALREADY
            WSAENOTSOCK WSAEDESTADDRREQ WSAEMSGSIZE WSAEPROTOTYPE WSAENOPROTOOPT WSAEPROTONOSUPPORT
            WSAESOCKTNOSUPPORT WSAEOPNOTSUPP WSAEPFNOSUPPORT WSAEAFNOSUPPORT WSAEADDRINUSE WSAEADDRNOTAVAIL
            WSAENETDOWN WSAENETUNREACH WSAENETRESET WSAECONNABORTED WSAECONNRESET WSAENOBUFS WSAEISCONN WSAENOTCONN
            WSAESHUTDOWN WSAETOOMANYREFS WSAETIMEDOUT WSAECONNREFUSED WSAELOOP WSAENAMETOOLONG WSAEHOSTDOWN
            WSAEHOSTUNREACH WSAENOTEMPTY WSAEPROCLIM WSAEUSERS WSAEDQUOT WSAESTALE WSAEREMOTE WSASYSNOTREADY
            WSAVERNOTSUPPORTED WSANOTINITIALISED WSAEDISCON WSAENOMORE WSAECANCELLED WSAHOST_NOT_FOUND WSATRY_AGAIN
            WSANO_RECOVERY WSANO_DATA
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_name_by_which_it_is_found_again() {
        let refused = if cfg!(windows) { "WSAECONNREFUSED" } else { "ECONNREFUSED" };
        assert_eq!(code(refused).map(name).as_deref(), Some(refused));
        assert_eq!(code("not an error's name"), None);
        assert_eq!(name(99_999), "errno 99999");
    }
}
