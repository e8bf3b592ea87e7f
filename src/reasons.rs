//! Reasons in words: what a machine lacks, what would help, what failed. A recording has the facts (`trace::reason`); these
//! are their sentences, in the language that is spoken.

use std::io;
use std::time::Duration;

use crate::errno;
use crate::i18n::{error_text, tr};
use crate::labels;
use crate::trace::{ExitStatus, FailedCall, Failure, Feature, Lack, Need, SetupStep, TraceStep};

mod rules;

pub use rules::{comment, rules};

/// What is lacking, and what would help where that is known.
pub fn lack(lack: &Lack) -> String {
    let what = lacking(lack);
    let Some(remedy) = remedy(lack) else {
        return what;
    };
    match lack {
        Lack::TempFolder { .. } | Lack::PathTooLong { .. } | Lack::Threads { .. } => {
            tr!("{what}: {remedy}", what, remedy)
        }
        _ => tr!("{what}; {remedy}", what, remedy),
    }
}

/// What is lacking, without what would help.
pub fn lacking(lack: &Lack) -> String {
    match lack {
        Lack::Network { need, step, errno } => {
            let step = step_name(*step);
            let what = match need {
                Need::PrivateNetwork => tr!("a network of its own"),
                Need::Link => tr!("a wire"),
            };
            tr!("this needs {what}, and the system refused it ({step}: {errno})", what, step, errno)
        }
        Lack::NoProgram { role } => {
            tr!("no {role} was given", role = labels::actor(role))
        }
        Lack::NeedsPrivateNetwork => tr!("not tried, because it needs the private network")
        .to_owned(),
        Lack::Loopback { errno } => {
            tr!("127.0.0.1 cannot be reached (connect: {errno})", errno)
        }
        Lack::NeedsLoopback => tr!("not tried, because it needs the loopback interface").to_owned(),
        Lack::Ipv6Loopback { errno } => {
            tr!("the loopback interface has no IPv6 address (bind [::1]:0: {errno})", errno)
        }
        Lack::Ipv6 { call, errno } if errno == "EAFNOSUPPORT" => tr!("this kernel has no IPv6 ({call}: {errno})", call, errno),
        Lack::Ipv6 { call, errno } => tr!("IPv6 is switched off on this machine ({call}: {errno})", call, errno),
        Lack::TempFolder { path, errno } => tr!("no folder can be made in {path} ({errno})", path, errno),
        Lack::PathTooLong { path } => tr!("{path} is {length} bytes long, too long for an AF_UNIX address (Linux takes 107)", path, length = path.len()),
        Lack::Threads { errno } => tr!("the system cannot start another thread or process ({errno})", errno),
        Lack::Shortage(call) => failed_call(call),
        Lack::OneProcessor { call, errno } => tr!("threads cannot be kept to one processor here ({call}: {errno})", call, errno),
        Lack::FrameCounters => tr!("frames can only be counted in a private network with /proc")
        .to_owned(),
        Lack::NoAnswer { command } => tr!("the command `{command}` gave no answer here", command),
        Lack::TcpTable { errno } => tr!("the kernel's table of TCP sockets (/proc/net/tcp) cannot be read: {errno}", errno),
        Lack::Command { name, why } => tr!("the command `{name}` does not work here ({why})", name, why),
        Lack::Sysctl { name } => tr!("this kernel's settings cannot be read: /proc/sys/{path} is not there", path = name.replace('.', "/")),
        Lack::Feature { feature } => missing_feature(*feature),
        Lack::Unsupported(call) => tr!("this system does not have it: {call}", call = failed_call(call)),
        Lack::Descriptors { limit, reached, asked } => tr!("this process may have {limit} files open: {reached} connections were open instead of {asked}", limit, reached, asked),
        Lack::OtherRule { source } => tr!("this system has a rule of its own here: {source}", source),
        Lack::Wine => tr!("this is Wine, which does otherwise here than Windows").to_owned(),
        Lack::KernelWasFirst => {
            tr!("the kernel gave up before the program did").to_owned()
        }
        Lack::BetweenLooks => tr!("the server's work fell between two samples: --set work=200ms makes it longer")
        .to_owned(),
        Lack::ThreadStates => tr!("what a thread is doing cannot be read: /proc is missing or not readable")
        .to_owned(),
        Lack::ThreadDetails => tr!("the kernel cannot be asked: `stat`, `syscall`, `wchan` or `schedstat` of /proc/PID/task is missing or not readable, or this process may open no more files (`ulimit -n 64` raises the limit)")
        .to_owned(),
        Lack::ErrorNumbers => tr!("the table has no row for this system and processor")
        .to_owned(),
        Lack::Busy { gap_ns } => tr!("this machine was so busy that a byte came {gap} after the one before", gap = format_args!("{:?}", Duration::from_nanos(*gap_ns))),
        Lack::LatePoll { late_ns } => tr!("this machine was so busy that poll() returned {late} after its timeout", late = format_args!("{:?}", Duration::from_nanos(*late_ns))),
        Lack::SentAgain => tr!("this machine was so busy that the kernel sent a segment again while the first was held, and that one arrived")
        .to_owned(),
        Lack::TimeoutOutside { timeout_ns, pause_ns, whole_ns } => {
            let [timeout, pause, whole] =
                [timeout_ns, pause_ns, whole_ns].map(|ns| Duration::from_nanos(*ns));
            tr!("the timeout must be longer than one pause ({pause}) and shorter than five ({whole}); {timeout} is not", pause = format_args!("{:?}", pause), whole = format_args!("{:?}", whole), timeout = format_args!("{:?}", timeout))
        }
        Lack::ShortSilence { silence_ns, least_ns } => tr!("a silence of {silence} is too short to compare: use {least} or more", silence = format_args!("{:?}", Duration::from_nanos(*silence_ns)), least = format_args!("{:?}", Duration::from_nanos(*least_ns))),
        Lack::Forbidden => tr!("the system forbids a call that this needs, and killed the process for it (SIGSYS)").to_owned(),
        Lack::Tracing { step, errno } => {
            let step = trace_step_name(*step);
            tr!("programs cannot be traced here ({step}: {errno})", step, errno)
        }
        Lack::TracingOldKernel { kernel, errno } => tr!("this kernel is too old to trace programs: it is {kernel}, and Linux 5.3 or newer is needed (PTRACE_GET_SYSCALL_INFO: {errno})", kernel, errno),
        Lack::TracingElsewhere => tr!("programs are traced on Linux only, on x86-64 and 64-bit ARM").to_owned(),
        Lack::Text(text) => text.clone(),
    }
}

/// What would help against a lack, where that is known.
pub fn remedy(lack: &Lack) -> Option<&'static str> {
    Some(match lack {
        Lack::Network { step, errno, .. } => return network_remedy(*step, errno),
        Lack::Loopback { .. } => shortage_remedy("ENETUNREACH"),
        Lack::Ipv6Loopback { .. } => tr!("`sudo ip -6 address add ::1/128 dev lo` adds one"),
        Lack::Ipv6 { errno, .. } if errno == "EAFNOSUPPORT" => {
            tr!("boot it without ipv6.disable=1")
        }
        Lack::Ipv6 { .. } => tr!("`sudo sysctl net.ipv6.conf.all.disable_ipv6=0` turns it on"),
        Lack::TempFolder { .. } => tr!("set TMPDIR to a folder that you may write to"),
        Lack::PathTooLong { .. } => {
            tr!("set TMPDIR to a folder with a shorter path")
        }
        Lack::Threads { errno } => shortage_remedy(errno),
        Lack::Tracing { step: TraceStep::Terminal, .. } => tr!(
            "a stepped run gives each program a terminal of its own, from /dev/pts: run it without --step and --pace"
        ),
        Lack::Tracing { step: TraceStep::Fork, errno } => shortage_remedy(errno),
        Lack::Tracing { step: TraceStep::Seccomp, .. } => {
            tr!(
                "this kernel was built without seccomp filters, or a sandbox forbids them: try outside it"
            )
        }
        Lack::Tracing { step: TraceStep::Exec, .. } => return None,
        Lack::Tracing { step: TraceStep::Seize, errno }
            if !matches!(&**errno, "EPERM" | "EACCES") =>
        {
            tr!(
                "this system, or the sandbox in which explore runs, has no ptrace(2): try outside it"
            )
        }
        Lack::TracingOldKernel { .. } => {
            tr!(
                "where it is a sandbox that passes for an older kernel, such as gVisor: try outside it"
            )
        }
        Lack::Tracing { step: TraceStep::Seize, .. } => tr!(
            "under strace, gdb or another trace a program cannot be traced again; in a container, start it with `--cap-add SYS_PTRACE`; else `sudo sysctl kernel.yama.ptrace_scope=1` allows it (with 3 only a restart does)"
        ),
        Lack::TracingElsewhere => {
            tr!("on Windows, WSL 2 is a Linux; elsewhere, a virtual machine or a container")
        }
        Lack::Forbidden => tr!(
            "a seccomp filter does so, that of a sandbox or a container: run explore outside it (in Docker with `--security-opt seccomp=unconfined`)"
        ),
        Lack::Shortage(call) => shortage_remedy(&call.errno),
        Lack::Descriptors { .. } => {
            tr!("`ulimit -Hn` shows the limit, which the administrator can raise")
        }
        Lack::Feature { feature: Feature::LittleEndian } => return None,
        Lack::Feature { .. } if !cfg!(target_os = "linux") => {
            return remedy(&Lack::TracingElsewhere);
        }
        Lack::ThreadStates | Lack::FrameCounters | Lack::TcpTable { .. } | Lack::Sysctl { .. }
            if cfg!(target_os = "linux") =>
        {
            tr!("mount /proc: `sudo mount -t proc proc /proc`")
        }
        _ => return None,
    })
}

/// What would help against a shortage of descriptors, processes or memory, by its error.
pub fn shortage_remedy(errno: &str) -> &'static str {
    match errno {
        "EMFILE" => {
            tr!("this process may open no more files: raise the limit with `ulimit -n 256`")
        }
        "ENFILE" => tr!("the whole system may open no more files: close some programs"),
        "EAGAIN" => tr!(
            "this user may start no more processes and threads: raise the limit with `ulimit -u`"
        ),
        "ENOENT" => tr!("one of the program's own files is gone: start explore again"),
        "ENETUNREACH" => {
            tr!("the loopback interface is down: `sudo ip link set lo up` brings it up")
        }
        _ => tr!("the system is out of memory for sockets: close some programs"),
    }
}

fn network_remedy(step: SetupStep, errno: &str) -> Option<&'static str> {
    let tun = matches!(step, SetupStep::OpenTun | SetupStep::CreateTap);
    Some(match (errno, tun) {
        ("ENOENT" | "ENODEV" | "ENXIO", true) => {
            tr!("load the driver with `sudo modprobe tun`; in Docker add `--device /dev/net/tun`")
        }
        ("EACCES", true) => {
            tr!(
                "allow everyone to use the device with `sudo chmod 666 /dev/net/tun`, or run it with sudo"
            )
        }
        ("EPERM", true) => tr!(
            "in Docker add `--device /dev/net/tun --cap-add NET_ADMIN`; elsewhere run it with sudo"
        ),
        ("ENOSPC", false) => tr!(
            "user namespaces are forbidden here: `sudo sysctl user.max_user_namespaces=10000` allows them, or run it with sudo"
        ),
        ("ENOENT", false) => tr!("mount /proc: `sudo mount -t proc proc /proc`"),
        ("EPERM" | "EACCES", false) => tr!(
            "user namespaces are restricted here: on Ubuntu `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them, in Docker `--cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined`, or run it with sudo"
        ),
        _ => return None,
    })
}

/// A step towards the private network, as its system call or file.
pub fn step_name(step: SetupStep) -> &'static str {
    match step {
        SetupStep::Unshare => "unshare(CLONE_NEWUSER|CLONE_NEWNET)",
        SetupStep::WriteSetgroups => "write /proc/self/setgroups",
        SetupStep::WriteUidMap => "write /proc/self/uid_map",
        SetupStep::WriteGidMap => "write /proc/self/gid_map",
        SetupStep::OpenSocket => "socket(AF_INET, SOCK_DGRAM)",
        SetupStep::RaiseLoopback => tr!("raise lo"),
        SetupStep::OpenTun => "open /dev/net/tun",
        SetupStep::CreateTap => "ioctl(TUNSETIFF)",
        SetupStep::AddressTap => tr!("give the TAP device its address"),
        SetupStep::RaiseTap => tr!("raise the TAP device"),
        SetupStep::OpenNetwork => "open /proc/thread-self/ns/net",
        SetupStep::CoverHosts => "mount(/etc/hosts)",
    }
}

fn missing_feature(feature: Feature) -> String {
    let what = match feature {
        Feature::TcpInfo => "TCP_INFO",
        Feature::Epoll => "epoll",
        Feature::Protocol => "SO_PROTOCOL",
        Feature::QuickAck => "TCP_QUICKACK",
        Feature::Cork => "TCP_CORK",
        Feature::UserTimeout => "TCP_USER_TIMEOUT",
        Feature::KeepIdle => "TCP_KEEPIDLE",
        Feature::CloseOnExec => "FD_CLOEXEC",
        Feature::NoSignal => "MSG_NOSIGNAL",
        Feature::Signals => "sigaction",
        Feature::DescriptorLimit => "RLIMIT_NOFILE",
        Feature::Affinity => "sched_setaffinity",
        other => return missing_ability(other).to_owned(),
    };
    tr!("this system has no {what}", what)
}

/// A feature that is no name in a manual.
fn missing_ability(feature: Feature) -> &'static str {
    match feature {
        Feature::LoopbackRange => tr!("this system cannot bind 127.0.0.2 without setting it up"),
        Feature::FileTypes => {
            tr!("this needs the file types of a Unix system")
        }
        Feature::FilePermissions => tr!("this needs the file permissions of a Unix system"),
        Feature::ThreadTime => tr!("this system does not report a thread's processor time"),
        Feature::Timers => {
            tr!("this system does not tell how long the timer of a connection still runs")
        }
        Feature::LocalPortRange => tr!("only Linux 6.3 and later have IP_LOCAL_PORT_RANGE"),
        Feature::AbstractNames => tr!("only Linux has abstract names"),
        Feature::LittleEndian => {
            tr!("this processor stores numbers in network order, so htons() changes nothing here")
        }
        Feature::PrivateNetwork => tr!("only on Linux explore can make a network of its own"),
        Feature::Wire => tr!("only on Linux explore can make a wire"),
        Feature::ThreadStates => {
            tr!("on this system explore cannot tell what a thread is doing")
        }
        Feature::ThreadDetails => {
            tr!("this system tells whether a thread sleeps, but not in which call")
        }
        Feature::ThreadSignal => tr!("on this system explore cannot send a signal to one thread"),
        Feature::TcpTable => tr!("on this system explore cannot read the table of TCP sockets"),
        Feature::Settings => tr!("on this system explore cannot read the kernel's settings"),
        Feature::Mode => tr!("this system does not tell whether a socket is non-blocking"),
        Feature::ConnectTimeout => {
            tr!("on this system the timeouts of a socket end only calls that send or receive")
        }
        Feature::Refusals => tr!("this system tells a UDP socket nothing of a refusal"),
        Feature::SharedPort => {
            tr!("only Linux shares the connections of a port among servers with SO_REUSEPORT")
        }
        _ => unreachable!("the others have names"),
    }
}

/// What failed, in whom, on what.
pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Call(call) => failed_call(call),
        Failure::Panic { actor, message } => {
            let who = actor
                .as_ref()
                .map_or_else(String::new, |name| tr!("{actor}: ", actor = labels::actor(name)));
            tr!("panic: {who}{message}", who, message)
        }
        Failure::NotBlocked { actor, function } => {
            tr!(
                "{actor} left without being blocked in {function}()",
                actor = labels::actor(actor),
                function
            )
        }
        Failure::TooFewCalls { actor, function, least: 1 } => {
            tr!("{actor} made no call of {function}()", actor = labels::actor(actor), function)
        }
        Failure::TooFewCalls { actor, function, least } => {
            tr!(
                "{actor} made fewer calls of {function}() than {least}",
                actor = labels::actor(actor),
                function,
                least
            )
        }
        Failure::TooFew { what, count } => {
            tr!("too few to compare: {what} ({count})", what = labels::label(what), count)
        }
        Failure::EndedEarly { actor, code, signal } => {
            let how = match (code, signal) {
                (Some(code), _) => tr!(" (exit status {code})", code),
                (_, Some(signal)) => tr!(" (signal {signal})", signal),
                _ => String::new(),
            };
            tr!("{actor}: its process ended too soon{how}", actor = labels::actor(actor), how)
        }
        Failure::NotListening { actor, ended, waited_ns } => {
            not_listening(&labels::actor(actor), ended.as_ref(), *waited_ns)
        }
        Failure::NotMet => {
            tr!("the program does not meet a requirement that the next ones need").to_owned()
        }
        Failure::Collected { actor } => {
            tr!("{actor} was collected before", actor = labels::actor(actor))
        }
        Failure::NoHeader { frame, header } => {
            tr!("frame {frame} has no {header}", frame, header)
        }
        Failure::NoConnection { frame } => {
            tr!("frame {frame} belongs to no connection", frame)
        }
        Failure::Parameter { name } => {
            tr!("the experiment lacks the parameter `{name}`, or cannot read its value", name)
        }
        Failure::Program { name, file, errno } => {
            let name = labels::actor(name);
            let why = script_command(file).map_or_else(
                || program_trouble(errno),
                |command| tr!("it is a script: write its interpreter first, '{command}'", command),
            );
            tr!("{name}: `{file}` cannot be run: {why}", name, file, why)
        }
        Failure::Input { name, path, errno } => {
            let name = labels::actor(name);
            tr!("{name}: its standard input {path} cannot be opened ({errno})", name, path, errno)
        }
        Failure::Assertion { message } => message.to_string(),
        Failure::Text(text) => text.clone(),
    }
}

/// Why a program that was to listen did not.
fn not_listening(actor: &str, ended: Option<&ExitStatus>, waited_ns: u64) -> String {
    match ended {
        Some(ExitStatus::Code(code)) => {
            tr!("{actor} ended with {code} before it called listen()", actor, code)
        }
        Some(ExitStatus::Signal(signal)) => {
            tr!("{signal} ended {actor} before it called listen()", actor, signal)
        }
        None => {
            let waited = format!("{:?}", Duration::from_nanos(waited_ns));
            tr!("{actor} had not called listen() after {waited}", actor, waited)
        }
    }
}

/// The command line that runs a script of this name, if it has the ending of one.
fn script_command(file: &str) -> Option<String> {
    let interpreter = match file.rsplit_once('.')?.1 {
        "py" => "python3",
        "js" | "mjs" => "node",
        "sh" => "sh",
        "rb" => "ruby",
        "pl" => "perl",
        "php" => "php",
        _ => return None,
    };
    Some(format!("{interpreter} {file}"))
}

/// Why a program cannot be run, and what helps.
fn program_trouble(errno: &str) -> String {
    match errno {
        "ENOENT" => tr!("there is no such program (a program in this folder is ./NAME; or the interpreter in a script's first line is missing)").to_owned(),
        "EACCES" => tr!("it may not be executed: for a script write its interpreter first, as in `python3 server.py`, or make it executable with `chmod +x`").to_owned(),
        "ENOEXEC" => tr!("it is no program for this machine, or a script without a first line such as #!/usr/bin/env python3: write its interpreter first").to_owned(),
        other => other.to_owned(),
    }
}

/// A step on the way to tracing, by its call.
fn trace_step_name(step: TraceStep) -> &'static str {
    match step {
        TraceStep::Terminal => "openpty",
        TraceStep::Fork => "fork",
        TraceStep::Seize => "PTRACE_SEIZE",
        TraceStep::Seccomp => "seccomp",
        TraceStep::Exec => "execve",
    }
}

fn failed_call(call: &FailedCall) -> String {
    let FailedCall { actor, function, address, errno, site } = call;
    let what = function.as_ref().map_or_else(String::new, |function| {
        let on = address.as_ref().map_or_else(String::new, |address| format!(" {address}"));
        tr!("{function}{on}: ", function, on)
    });
    let message =
        system_text(errno).map_or_else(|| errno.to_string(), |text| format!("{text} [{errno}]"));
    let at =
        site.as_ref().map_or_else(String::new, |site| tr!(context "error", ", at {site}", site));
    tr!("{actor}: {what}{message}{at}", actor = labels::actor(actor), what, message, at)
}

/// What this system says of an error of that name; `None` if it does not know it.
fn system_text(name: &str) -> Option<String> {
    Some(error_text(&io::Error::from_raw_os_error(errno::code(name)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{Language, chinese, speaking};
    #[cfg(target_os = "linux")]
    use crate::trace::{Address, Name};

    #[test]
    fn one_recorded_reason_is_told_in_either_language() {
        let folder = Lack::TempFolder { path: "/nonexistent".to_owned(), errno: "ENOENT".into() };
        let reason = |language| speaking(language, || lack(&folder));
        assert_eq!(
            reason(Language::ENGLISH),
            "no folder can be made in /nonexistent (ENOENT): set TMPDIR to a folder that you may write to"
        );
        let chinese = reason(chinese());
        assert!(!chinese.is_ascii() && chinese.contains("/nonexistent"), "{chinese}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_failed_call_is_told_with_who_and_where_and_what_would_help() {
        let at = std::net::SocketAddrV4::new([127, 0, 0, 1].into(), 4000);
        let call = Box::new(FailedCall {
            actor: Name::from("client"),
            function: Some("connect".into()),
            address: Some(Address::Inet(at)),
            errno: "ENETUNREACH".into(),
            site: None,
        });
        assert_eq!(
            failure(&Failure::Call(call.clone())),
            "client: connect 127.0.0.1:4000: Network is unreachable [ENETUNREACH]"
        );
        assert!(
            lack(&Lack::Shortage(call)).ends_with(
                "; the loopback interface is down: `sudo ip link set lo up` brings it up"
            )
        );
        let odd = FailedCall::unknown(&Name::from("client"), "not an error's name".into());
        assert_eq!(failure(&Failure::Call(odd)), "client: not an error's name");
    }
}
