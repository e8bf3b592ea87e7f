//! The filters that pick the calls the tracer looks at: classic BPF over `struct seccomp_data` (seccomp(2)). All other calls run at
//! full speed.

use super::calls::{ALWAYS, Sys, WITH_COMMAND};
use crate::capture::sys::ptrace::{ARCHITECTURE, Instruction, RET_ALLOW, RET_TRACE};

/// What the filter says of a call of another architecture (i386, x32).
pub const OTHER_ARCHITECTURE: u32 = 1;

// Instructions of linux/bpf_common.h.
const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

// Offsets in struct seccomp_data. Both architectures are little-endian.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;

/// The lower half of an argument.
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

/// Numbers of x32, which has the architecture of x86-64, begin here.
const X32: u32 = 0x4000_0000;

fn plain(code: u16, value: u32) -> Instruction {
    Instruction { code, skips: (0, 0), value }
}

/// Goes on with the next instruction if the comparison holds, and else skips so many.
fn unless(code: u16, value: u32, skip: u8) -> Instruction {
    Instruction { code, skips: (0, skip), value }
}

/// Which calls a process's filter picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Until it has a socket, what is read and closed are files, but for the standard streams: an interpreter that starts reads and
    /// closes hundreds.
    UntilSocket,
    All,
}

/// The filter of this extent.
#[allow(clippy::cast_possible_truncation)] // numbers of calls are small, and so are the lists of commands
pub fn filter(extent: Extent) -> Vec<Instruction> {
    let foreign = plain(RETURN, RET_TRACE | OTHER_ARCHITECTURE);
    let (trace, allow) = (plain(RETURN, RET_TRACE), plain(RETURN, RET_ALLOW));
    let mut code = vec![
        plain(LOAD, ARCH),
        Instruction { code: IF_EQUAL, skips: (1, 0), value: ARCHITECTURE },
        foreign,
        plain(LOAD, NUMBER),
    ];
    if cfg!(target_arch = "x86_64") {
        code.extend([unless(IF_AT_LEAST, X32, 1), foreign]);
    }
    for ((number, ..), index, commands) in WITH_COMMAND {
        code.push(unless(IF_EQUAL, *number as u32, commands.len() as u8 * 2 + 2));
        code.push(plain(LOAD, argument(*index)));
        code.extend(commands.iter().flat_map(|command| [unless(IF_EQUAL, *command, 1), trace]));
        code.push(allow);
    }
    for (number, sys, _) in ALWAYS {
        if extent == Extent::UntilSocket && matches!(sys, Sys::Read | Sys::Close) {
            let standard = [plain(LOAD, argument(0)), unless(IF_AT_LEAST, 3, 1), allow, trace];
            code.push(unless(IF_EQUAL, *number as u32, standard.len() as u8));
            code.extend(standard);
        } else {
            code.extend([unless(IF_EQUAL, *number as u32, 1), trace]);
        }
    }
    code.push(allow);
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter answers to a call of this architecture with these arguments.
    fn answer(extent: Extent, arch: u32, number: i64, args: [u64; 6]) -> u32 {
        let (code, mut word, mut at) = (filter(extent), 0, 0);
        loop {
            let Instruction { code, skips: (then, otherwise), value } = code[at];
            at += 1;
            let skip = |holds: bool| usize::from(if holds { then } else { otherwise });
            match code {
                LOAD => {
                    word = match value {
                        NUMBER => u32::try_from(number).expect("a small number"),
                        ARCH => arch,
                        offset => args[(offset as usize - 16) / 8] as u32,
                    }
                }
                IF_EQUAL => at += skip(word == value),
                IF_AT_LEAST => at += skip(word >= value),
                _ => return value,
            }
        }
    }

    #[test]
    fn calls_on_sockets_stop_and_others_do_not() {
        let ours = |number, args| answer(Extent::All, ARCHITECTURE, number, args);
        let on = |fd| [fd, 0, 0, 0, 0, 0];
        for number in [libc::SYS_recvfrom, libc::SYS_accept4, libc::SYS_execve, libc::SYS_read] {
            assert_eq!(ours(number, on(1)), RET_TRACE, "{number}");
        }
        assert_eq!(ours(libc::SYS_getpid, on(0)), RET_ALLOW);
        let command = |command: i32| [3, u64::try_from(command).expect("positive"), 0, 0, 0, 0];
        assert_eq!(ours(libc::SYS_fcntl, command(libc::F_SETFL)), RET_TRACE);
        assert_eq!(ours(libc::SYS_fcntl, command(libc::F_SETFD)), RET_ALLOW);
        let other = RET_TRACE | OTHER_ARCHITECTURE;
        assert_eq!(answer(Extent::All, 0x4000_0003, libc::SYS_read, on(3)), other);
        if cfg!(target_arch = "x86_64") {
            assert_eq!(ours(i64::from(X32) + 45, on(3)), other);
        }
    }

    #[test]
    fn until_there_is_a_socket_only_standard_streams_are_looked_at_when_read_and_closed() {
        let ours =
            |number, fd| answer(Extent::UntilSocket, ARCHITECTURE, number, [fd, 0, 0, 0, 0, 0]);
        for number in [libc::SYS_read, libc::SYS_close] {
            assert_eq!([0, 2, 3].map(|fd| ours(number, fd)), [RET_TRACE, RET_TRACE, RET_ALLOW]);
        }
        for number in [libc::SYS_write, libc::SYS_socket, libc::SYS_seccomp, libc::SYS_execve] {
            assert_eq!(ours(number, 5), RET_TRACE, "{number}");
        }
        assert_eq!(ours(libc::SYS_getpid, 0), RET_ALLOW);
    }
}
