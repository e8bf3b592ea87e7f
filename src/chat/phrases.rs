//! What the chat says: every word of it that somebody reads, but for how it ended (`outcome.rs`). The first four are the notes' own, and stay as they are
//! in every language, for learners compare them with their notes.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use crate::capture::sys;
use crate::i18n::{self, Language, either, error_text, said};

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
pub fn connected_to(address: &impl Display) -> String {
    said!("connected to: {address}", "已连接到：{address}")
}

/// The kernel chose the port.
#[must_use]
pub fn listening_at(address: &impl Display) -> String {
    said!("listening at: {address}", "监听地址：{address}")
}

/// The server can be reached from elsewhere.
#[must_use]
pub fn not_only_here(address: &impl Display) -> String {
    said!(
        "warning: {address} can be reached from other machines, and this chat is neither encrypted nor authenticated: \
         anyone on the way can read it and write into it",
        "警告：别的机器也能连到 {address}，而聊天既不加密，也不验证对方身份：途中的任何人都能读到它、往里面写东西"
    )
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
    said!(
        "`{text}`: an IPv6 address stands in brackets, as in [::1]:21567",
        "`{text}`：IPv6 地址要写在方括号里，例如 [::1]:21567"
    )
}

/// Abstract names are Linux's.
#[must_use]
pub fn only_on_linux(text: &str) -> String {
    said!(
        "`{text}`: only Linux has such names; write unix:/path",
        "`{text}`：只有 Linux 有这样的名字；请写成 `unix:/路径`"
    )
}

/// Port 0 lets the kernel choose, and so nobody can call it.
#[must_use]
pub fn port_zero(address: &impl Display) -> String {
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

/// The kernel's answer in words, and by its name.
#[must_use]
pub fn kernel_says(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => format!("{} [{}]", error_text(error), sys::error_name(error)),
        // The standard library's words around getaddrinfo(3)'s, which are English everywhere.
        None if i18n::spoken() == Language::Chinese
            && error.to_string().starts_with("failed to lookup address") =>
        {
            "查不到这个名字的地址".to_owned()
        }
        // It is somebody else's answer: getaddrinfo(3)'s, or ours.
        None => error_text(error),
    }
}
