//! How a chat came out: why the two did not meet, how their talk ended, and what is said of either.

use std::fmt;
use std::io;
use std::time::Duration;

use super::address::{Address, is_socket};
use super::phrases::kernel_says;
use crate::capture::sys;
use crate::i18n::{either, said};

/// Why the two did not meet: what was tried, where, and what the kernel answered.
#[derive(Debug)]
pub struct Missed {
    /// What was tried.
    pub doing: Doing,
    /// Where.
    pub address: Address,
    /// The kernel's answer.
    pub error: io::Error,
    /// Whether something stands at the path that is no socket.
    pub not_a_socket: bool,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Finding the kernel's address for what was written.
    LookUp,
    /// Listening.
    Listen,
    /// Taking a call.
    Accept,
    /// Calling.
    Connect,
}

impl Missed {
    /// Says where: `.map_err(Missed::when(Doing::Connect, address))`.
    pub fn when(doing: Doing, address: &Address) -> impl FnOnce(io::Error) -> Missed {
        move |error| {
            let not_a_socket =
                matches!(address, Address::Unix(path) if path.exists() && !is_socket(path));
            Missed { doing, address: address.clone(), error, not_a_socket }
        }
    }

    /// Whether nobody listens there; in AF_UNIX perhaps not even the file is there.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
            && !self.not_a_socket
    }
}

impl fmt::Display for Missed {
    /// What failed, where, and what would help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&missed(self))
    }
}

/// An attempt to connect has failed, and there will be another.
#[must_use]
pub fn again(missed: &Missed, pause: Duration) -> String {
    // What would help is said once, when there are no more attempts.
    let what_failed = what_failed(missed);
    said!(
        "{what_failed}; again in {pause} s",
        "{what_failed}；{pause} 秒后再试",
        pause = pause.as_secs_f32()
    )
}

/// Why the two did not meet.
fn missed(missed: &Missed) -> String {
    let what_failed = what_failed(missed);
    match remedy(missed) {
        Some(remedy) => said!("{what_failed}: {remedy}", "{what_failed}：{remedy}"),
        None => what_failed,
    }
}

/// What was tried, where, and the kernel's answer.
fn what_failed(missed: &Missed) -> String {
    let Missed { doing, address, error, .. } = missed;
    let says = kernel_says(error);
    match doing {
        Doing::LookUp => said!("look up {address}: {says}", "查找 {address}：{says}"),
        Doing::Listen => said!("listen at {address}: {says}", "监听 {address}：{says}"),
        Doing::Accept => {
            said!("accept a call at {address}: {says}", "在 {address} 接受连接：{says}")
        }
        Doing::Connect => said!("connect to {address}: {says}", "连接 {address}：{says}"),
    }
}

/// What would help.
fn remedy(missed: &Missed) -> Option<String> {
    let Missed { doing, address, error, not_a_socket } = missed;
    let in_files = matches!(address, Address::Unix(_));
    let remedy = match (doing, &*sys::error_name(error)) {
        (_, "EADDRINUSE" | "ECONNREFUSED") if *not_a_socket => either(
            "what is there is no socket; choose another path",
            "那里有的不是套接字；请换一个路径",
        ),
        (Doing::LookUp, _) if matches!(address, Address::Inet(_)) => {
            either("check the name, or write the number", "请检查名字，或者直接写数字地址")
        }
        (Doing::LookUp, _) => either(
            "choose a shorter name: about 100 bytes are all that an address has room for (unix(7))",
            "请用短一些的名字：地址里只放得下大约 100 字节（unix(7)）",
        ),
        (Doing::Listen, "EADDRINUSE") => {
            return Some(said!(
                "somebody listens there; join with `explore chat client --address {address}`, or choose another address",
                "那里已经有人监听；用 `explore chat client --address {address}` 加入，或者换一个地址"
            ));
        }
        (Doing::Listen, "EADDRNOTAVAIL") => either(
            "this machine has no such address; listen at one of its own",
            "本机没有这个地址；请监听本机自己的地址",
        ),
        (Doing::Listen, "EACCES") if !in_files => either(
            "ports below 1024 are for privileged programs; choose a higher one",
            "1024 以下的端口只给特权程序用；请换一个大一些的",
        ),
        (Doing::Listen, "EACCES" | "EPERM" | "EROFS") if in_files => either(
            "no file may be made there; choose another folder",
            "那里不能新建文件；请换一个文件夹",
        ),
        (Doing::Listen, "ENOENT") => {
            either("the folder is not there; make it first", "没有这个文件夹；请先建好它")
        }
        (_, "ENOTDIR") => either(
            "a part of the path is no folder; choose another path",
            "路径中间有一段不是文件夹；请换一个路径",
        ),
        (Doing::Connect, "ECONNREFUSED" | "ENOENT") => {
            return Some(said!(
                "nobody takes calls there (any more); start `explore chat server --address {address}` first, \
                 or try for longer with --retries",
                "那里没有人接受连接；请先启动 `explore chat server --address {address}`，或者用 --retries 多试几次"
            ));
        }
        (Doing::Connect, "EAGAIN") => either(
            "too many others are waiting there already; try again with --retries",
            "已经有太多人在那里等着；用 --retries 多试几次",
        ),
        (Doing::Connect, "EACCES" | "EPERM") if in_files => either(
            "the file's owner lets nobody else in; ask for write permission",
            "文件的主人不让别人进来；请向他要写权限",
        ),
        (Doing::Connect, "EPROTOTYPE") => either(
            "a socket of another type is there; choose another path",
            "那里是另一种类型的套接字；请换一个路径",
        ),
        (Doing::Connect, "ENETUNREACH" | "EHOSTUNREACH") => either(
            "no way leads there from this machine; check the address and the network",
            "从本机到不了那里；请检查地址和网络",
        ),
        (Doing::Connect, _) if error.kind() == io::ErrorKind::TimedOut => either(
            "check the address, and whether a firewall is in the way; or wait longer with --timeout",
            "请检查地址，看看是不是被防火墙挡住了；或者用 --timeout 多等一会儿",
        ),
        (_, "EAFNOSUPPORT" | "EADDRNOTAVAIL") => either(
            "this machine cannot use such an address; choose another, as 127.0.0.1:21567",
            "本机用不了这样的地址；请换一个，例如 127.0.0.1:21567",
        ),
        (_, "EMFILE" | "ENFILE") => either(
            "too many files are open; raise the limit with `ulimit -n`, or close some programs",
            "打开的文件太多；用 `ulimit -n` 提高限额，或者关掉一些程序",
        ),
        _ => return None,
    };
    Some(remedy.to_owned())
}

/// How a talk ended.
#[derive(Debug)]
pub enum Parted {
    /// Both have said all; or we left.
    Ended,
    /// The peer ended its stream, and with that the chat.
    PeerLeft,
    /// Nobody reads what we show (`| head`).
    Unread,
    /// The connection broke, or the keyboard or the screen did: which call failed, and what the kernel answered.
    Broken(&'static str, io::Error),
}

impl Parted {
    /// The call that failed: `.map_err(Parted::broken("send"))`.
    pub fn broken(call: &'static str) -> impl FnOnce(io::Error) -> Parted {
        move |error| Parted::Broken(call, error)
    }
}

/// How a talk ended.
#[must_use]
pub fn parted(parted: &Parted, address: &Address) -> String {
    let Parted::Broken(call, error) = parted else {
        return match parted {
            Parted::PeerLeft => {
                either("the peer has left, and the chat has ended", "对端离开了，聊天结束")
            }
            _ => either("the chat has ended", "聊天结束"),
        }
        .to_owned();
    };
    let (what, remedy) = match (*call, error.kind()) {
        ("read", _) => (
            either("what is typed cannot be read", "读不到键盘输入"),
            either("check standard input", "请检查标准输入"),
        ),
        ("write", _) => (
            either("what the peer says cannot be shown", "显示不了对端说的话"),
            either("check standard output", "请检查标准输出"),
        ),
        (_, io::ErrorKind::ConnectionReset) => (
            either("the peer has broken the connection", "对端断开了连接"),
            either("to go on talking, meet again", "要接着聊，请重新连接"),
        ),
        (_, io::ErrorKind::BrokenPipe) => (
            either("the peer takes no more", "对端不再接收"),
            either("to go on talking, meet again", "要接着聊，请重新连接"),
        ),
        _ => (
            either("the connection has failed", "连接出了故障"),
            either("check the network, and meet again", "请检查网络，再重新连接"),
        ),
    };
    let says = kernel_says(error);
    said!(
        "{what}: {call}, {address}: {says}; {remedy}",
        "{what}：{call}，{address}：{says}；{remedy}"
    )
}
