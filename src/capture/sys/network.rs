//! Linux: private networks, their interfaces and TAP devices.

use std::fs;
use std::io::{self, Write};
use std::mem;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};

use super::Missing;
use crate::errno;
use crate::trace::SetupStep;

/// The machine's IPv6 switches with their values; empty if its kernel has no IPv6.
fn ipv6_switches() -> Vec<(String, String)> {
    ["all", "default", "lo"]
        .iter()
        .map(|place| format!("/proc/sys/net/ipv6/conf/{place}/disable_ipv6"))
        .filter_map(|path| Some((path.clone(), fs::read_to_string(&path).ok()?)))
        .collect()
}

/// Moves the process into a network of its own, in which `lo` is still down. Root needs only a new network namespace; other
/// users also a user namespace around it (user_namespaces(7), network_namespaces(7)). Call before any thread starts.
pub fn enter_private_network() -> Result<(), Missing> {
    let switches = ipv6_switches();
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        enter_user_namespace(CloneFlags::CLONE_NEWNET)?;
    }
    // In a new network IPv6 is on, whatever the machine's switches say: copy them.
    for (path, value) in switches {
        let _ = fs::write(path, value);
    }
    Ok(())
}

/// Moves the process into a user namespace in which it has all capabilities and keeps its user and group, and into new namespaces
/// of these other kinds, which belong to that (user_namespaces(7)). Call before any thread starts.
pub fn enter_user_namespace(others: CloneFlags) -> Result<(), Missing> {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER | others)
        .map_err(|errno| Missing { step: SetupStep::Unshare, errno: errno::name(errno as i32) })?;
    for (step, path, text) in [
        (SetupStep::WriteSetgroups, "/proc/self/setgroups", "deny".to_owned()),
        (SetupStep::WriteUidMap, "/proc/self/uid_map", format!("{user} {user} 1")),
        (SetupStep::WriteGidMap, "/proc/self/gid_map", format!("{group} {group} 1")),
    ] {
        fs::write(path, text)
            .map_err(|error| Missing { step, errno: super::error_name(&error) })?;
    }
    Ok(())
}

/// The calling thread's network, as a file by which another process can enter it (namespaces(7)).
pub fn open_network() -> io::Result<fs::File> {
    fs::File::open("/proc/thread-self/ns/net")
}

/// Moves the calling thread into this network (setns(2)). It makes one system call and allocates nothing, so a child may call
/// it between fork(2) and execve(2).
pub fn enter_network(network: &fs::File) -> io::Result<()> {
    Ok(setns(network, CloneFlags::CLONE_NEWNET)?)
}

/// Puts a file of this text over another one, for this process and those that it starts: in a mount namespace of its own
/// (mount_namespaces(7)), which needs the capabilities of [`enter_private_network`]. Call before any thread starts.
pub fn cover_file(path: &str, text: &str) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none)?;
    let mut cover = tempfile::NamedTempFile::new()?;
    cover.write_all(text.as_bytes())?;
    cover.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    mount(Some(cover.path()), path, none, MsFlags::MS_BIND, none)?;
    Ok(()) // the file's own name is removed; the mount keeps what is in it
}

/// A request that names an interface, its union still zero (netdevice(7)).
fn interface_request(interface: &str) -> libc::ifreq {
    // SAFETY: an all-zero ifreq is a valid one.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from as libc::c_char;
    }
    request
}

/// ioctl(2) with such a request: `SIOCSIFFLAGS` and similar ones, and `TUNSETIFF`, read one ifreq and may write to it.
fn ioctl(through: &impl AsRawFd, what: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: every caller passes a request that takes a pointer to one ifreq, and this is one.
    let answer = unsafe {
        libc::ioctl(through.as_raw_fd(), what as libc::Ioctl, std::ptr::from_mut(request))
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Brings an interface up (`SIOCSIFFLAGS`, netdevice(7)); any socket of its network will do.
pub fn raise_interface(through: &socket2::Socket, interface: &str) -> io::Result<()> {
    let mut request = interface_request(interface);
    #[allow(clippy::cast_possible_truncation)] // IFF_UP | IFF_RUNNING is 0x41
    let flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    request.ifr_ifru.ifru_flags = flags;
    ioctl(through, libc::SIOCSIFFLAGS, &mut request)
}

/// Creates a TAP device in the process's network: frames that the kernel sends through it are read from the file, and frames
/// written to the file are received by the kernel (Linux `Documentation/networking/tuntap.rst`). Reading never blocks. Without
/// offload the kernel computes every checksum itself.
///
/// `ENOENT`: there is no device node; `EACCES`: the user may not open it; `ENODEV` or `ENXIO`: the node has no driver; `EPERM`:
/// the user may not create interfaces in this network.
pub fn open_tap(interface: &str) -> Result<fs::File, Missing> {
    const NODE: &str = "/dev/net/tun";
    let refused = |step| move |error: io::Error| Missing { step, errno: super::error_name(&error) };
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
    let file = options.open(NODE).map_err(refused(SetupStep::OpenTun))?;
    let mut request = interface_request(interface);
    #[allow(clippy::cast_possible_truncation)] // 0x1002
    let flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    request.ifr_ifru.ifru_flags = flags;
    ioctl(&file, libc::TUNSETIFF as libc::c_ulong, &mut request)
        .map_err(refused(SetupStep::CreateTap))?;
    Ok(file)
}

/// Gives an interface an IPv4 address in a network of 24 bits (netdevice(7)).
pub fn set_address(
    through: &socket2::Socket,
    interface: &str,
    address: Ipv4Addr,
) -> io::Result<()> {
    for (what, value) in
        [(libc::SIOCSIFADDR, address), (libc::SIOCSIFNETMASK, Ipv4Addr::new(255, 255, 255, 0))]
    {
        let mut request = interface_request(interface);
        // SAFETY: an all-zero sockaddr is a valid one.
        let mut socket_address: libc::sockaddr = unsafe { mem::zeroed() };
        socket_address.sa_family = libc::AF_INET as libc::sa_family_t;
        for (to, from) in socket_address.sa_data[2..6].iter_mut().zip(value.octets()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_addr = socket_address;
        ioctl(through, what, &mut request)?;
    }
    Ok(())
}

/// Gives an Ethernet interface a MAC address (netdevice(7)).
pub fn set_mac(through: &socket2::Socket, interface: &str, mac: [u8; 6]) -> io::Result<()> {
    let mut request = interface_request(interface);
    // SAFETY: an all-zero sockaddr is a valid one.
    let mut address: libc::sockaddr = unsafe { mem::zeroed() };
    address.sa_family = libc::ARPHRD_ETHER;
    for (to, from) in address.sa_data.iter_mut().zip(mac) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_hwaddr = address;
    ioctl(through, libc::SIOCSIFHWADDR, &mut request)
}

/// Sets the length of an interface's transmit queue, in frames (netdevice(7)); `EPERM` in a user namespace.
pub fn set_queue(through: &socket2::Socket, interface: &str, frames: i32) -> io::Result<()> {
    let mut request = interface_request(interface);
    request.ifr_ifru.ifru_metric = frames; // the union's ifr_qlen, an int as well
    ioctl(through, libc::SIOCSIFTXQLEN, &mut request)
}

/// Turns IPv6 off on an interface, which would otherwise send multicast by itself. Returns whether it worked.
pub fn silence_ipv6(interface: &str) -> bool {
    fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6"), "1").is_ok()
}
