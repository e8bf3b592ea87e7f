//! What the chat says: every word of it that somebody reads, in one place. The first four are the notes' own, and stay as they are
//! in every language, for learners compare them with their notes.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use super::Parted;
use super::address::Address;
use super::meeting::{Doing, Missed};
use crate::lab::kernel;
use crate::language::{self, Language, either, error_text, said};

// ---- the notes' words ----

/// The server listens.
#[must_use]
pub fn waiting() -> String {
    "waiting for connection...".to_owned()
}

/// The server has taken a call.
#[must_use]
pub fn connected_from(address: &impl Display) -> String {
    format!("connected from: {address}")
}

/// What a person is asked with.
#[must_use]
pub fn prompt() -> &'static str {
    "send message> "
}

/// What stands before a message: who said it.
#[must_use]
pub fn label(peer: &str) -> String {
    format!("{peer}: ")
}

// ---- on the way to a talk ----

/// The client has been taken.
#[must_use]
pub fn connected_to(address: &Address) -> String {
    said!("connected to: {address}", "已连接到：{address}")
}

/// The kernel chose the port.
#[must_use]
pub fn listening_at(address: &impl Display) -> String {
    said!("listening at: {address}", "监听地址：{address}")
}

/// The server can be reached from elsewhere.
#[must_use]
pub fn not_only_here(address: &Address) -> String {
    said!(
        "warning: {address} can be reached from other machines, and this chat is neither encrypted nor authenticated: \
         anyone on the way can read it and write into it",
        "警告：别的机器也能连到 {address}，而聊天既不加密，也不验证对方身份：途中的任何人都能读到它、往里面写东西"
    )
}

/// An attempt to connect has failed, and there will be another.
#[must_use]
pub fn again(missed: &Missed, pause: Duration) -> String {
    // What would help is said once, when there are no more attempts.
    let what_failed = what_failed(missed);
    said!("{what_failed}; again in {pause} s", "{what_failed}；{pause} 秒后再试", pause = pause.as_secs_f32())
}

// ---- errors: what failed, on which address, and what to do ----

/// An address is written in one of four ways.
#[must_use]
pub fn no_address(text: &str) -> String {
    said!(
        "`{text}` is no address: write HOST:PORT, [::1]:PORT, unix:/path or unix:@name",
        "`{text}` 不是地址：请写成 `主机:端口`、`[::1]:端口`、`unix:/路径` 或 `unix:@名字`"
    )
}

/// Colons would be ambiguous.
#[must_use]
pub fn without_brackets(text: &str) -> String {
    said!("`{text}`: an IPv6 address stands in brackets, as in [::1]:21567", "`{text}`：IPv6 地址要写在方括号里，例如 [::1]:21567")
}

/// Abstract names are Linux's.
#[must_use]
pub fn only_on_linux(text: &str) -> String {
    said!("`{text}`: only Linux has such names; write unix:/path", "`{text}`：只有 Linux 有这样的名字；请写成 `unix:/路径`")
}

/// Port 0 lets the kernel choose, and so nobody can call it.
#[must_use]
pub fn port_zero(address: &Address) -> String {
    said!(
        "`{address}`: nobody can be called at port 0; name the port that the server listens at",
        "`{address}`：不能连接到端口 0；请写出服务器监听的端口"
    )
}

/// What the peer says goes to standard output, and nothing else does.
#[must_use]
pub fn record_to_a_file() -> String {
    either(
        "--record -: a chat's standard output is what the peer says; name a file to record to",
        "--record -：聊天的标准输出是对端说的话；请指定一个录制文件",
    )
    .to_owned()
}

/// A name was found, and nothing behind it.
#[must_use]
pub fn name_without_address() -> &'static str {
    either("the name has no address", "这个名字没有对应的地址")
}

/// Nothing has come of an attempt to connect.
#[must_use]
pub fn no_answer(patience: Duration) -> String {
    said!("no answer in {patience} s", "{patience} 秒内没有应答", patience = patience.as_secs_f32())
}

/// The terminal does not do as it is told.
#[must_use]
pub fn terminal(error: &io::Error) -> String {
    said!(
        "the terminal: {says}; without one, as in `explore chat | cat`, the chat reads lines and prints lines",
        "终端：{says}；不用终端时，例如 `explore chat | cat`，聊天逐行读、逐行写",
        says = kernel_says(error)
    )
}

/// The system has no poll(2).
#[must_use]
pub fn no_poll() -> String {
    either(
        "this system cannot wait for a keyboard and a socket at once; choose --style threads",
        "这个系统不能同时等待键盘和套接字；请用 --style threads",
    )
    .to_owned()
}

/// Why the two did not meet.
#[must_use]
pub fn missed(missed: &Missed) -> String {
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
        Doing::Accept => said!("accept a call at {address}: {says}", "在 {address} 接受连接：{says}"),
        Doing::Connect => said!("connect to {address}: {says}", "连接 {address}：{says}"),
    }
}

/// What would help.
fn remedy(missed: &Missed) -> Option<String> {
    let Missed { doing, address, error, not_a_socket } = missed;
    let in_files = matches!(address, Address::Unix(_));
    let remedy = match (doing, &*kernel::error_name(error)) {
        (_, "EADDRINUSE" | "ECONNREFUSED") if *not_a_socket => {
            either("what is there is no socket; choose another path", "那里有的不是套接字；请换一个路径")
        }
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
        (Doing::Listen, "EADDRNOTAVAIL") => {
            either("this machine has no such address; listen at one of its own", "本机没有这个地址；请监听本机自己的地址")
        }
        (Doing::Listen, "EACCES") if !in_files => {
            either("ports below 1024 are for privileged programs; choose a higher one", "1024 以下的端口只给特权程序用；请换一个大一些的")
        }
        (Doing::Listen, "EACCES" | "EPERM" | "EROFS") if in_files => {
            either("no file may be made there; choose another folder", "那里不能新建文件；请换一个文件夹")
        }
        (Doing::Listen, "ENOENT") => either("the folder is not there; make it first", "没有这个文件夹；请先建好它"),
        (_, "ENOTDIR") => either("a part of the path is no folder; choose another path", "路径中间有一段不是文件夹；请换一个路径"),
        (Doing::Connect, "ECONNREFUSED" | "ENOENT") => {
            return Some(said!(
                "nobody takes calls there (any more); start `explore chat server --address {address}` first, \
                 or try for longer with --retries",
                "那里没有人接受连接；请先启动 `explore chat server --address {address}`，或者用 --retries 多试几次"
            ));
        }
        (Doing::Connect, "EAGAIN") => {
            either("too many others are waiting there already; try again with --retries", "已经有太多人在那里等着；用 --retries 多试几次")
        }
        (Doing::Connect, "EACCES" | "EPERM") if in_files => {
            either("the file's owner lets nobody else in; ask for write permission", "文件的主人不让别人进来；请向他要写权限")
        }
        (Doing::Connect, "EPROTOTYPE") => {
            either("a socket of another type is there; choose another path", "那里是另一种类型的套接字；请换一个路径")
        }
        (Doing::Connect, "ENETUNREACH" | "EHOSTUNREACH") => {
            either("no way leads there from this machine; check the address and the network", "从本机到不了那里；请检查地址和网络")
        }
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

/// The kernel's answer in words, and by its name.
fn kernel_says(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("{} [{}]", error_text(error), kernel::error_name(error)),
        // The standard library's words around getaddrinfo(3)'s, which are English everywhere.
        None if language::spoken() == Language::Chinese && error.to_string().starts_with("failed to lookup address") => {
            "查不到这个名字的地址".to_owned()
        }
        // It is somebody else's answer: getaddrinfo(3)'s, or ours.
        None => error_text(error),
    }
}

// ---- the end ----

/// How a talk ended.
#[must_use]
pub fn parted(parted: &Parted, address: &Address) -> String {
    let Parted::Broken(call, error) = parted else {
        return match parted {
            Parted::PeerLeft => either("the peer has left, and the chat has ended", "对端离开了，聊天结束"),
            _ => either("the chat has ended", "聊天结束"),
        }
        .to_owned();
    };
    let (what, remedy) = match (*call, error.kind()) {
        ("read", _) => (either("what is typed cannot be read", "读不到键盘输入"), either("check standard input", "请检查标准输入")),
        ("write", _) => {
            (either("what the peer says cannot be shown", "显示不了对端说的话"), either("check standard output", "请检查标准输出"))
        }
        (_, io::ErrorKind::ConnectionReset) => {
            (either("the peer has broken the connection", "对端断开了连接"), either("to go on talking, meet again", "要接着聊，请重新连接"))
        }
        (_, io::ErrorKind::BrokenPipe) => {
            (either("the peer takes no more", "对端不再接收"), either("to go on talking, meet again", "要接着聊，请重新连接"))
        }
        _ => (either("the connection has failed", "连接出了故障"), either("check the network, and meet again", "请检查网络，再重新连接")),
    };
    let says = kernel_says(error);
    said!("{what}: {call}, {address}: {says}; {remedy}", "{what}：{call}，{address}：{says}；{remedy}")
}
