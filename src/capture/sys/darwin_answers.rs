//! What the kernel of macOS answers, read from the bytes that it writes. Where each number stands is by Apple's headers (xnu:
//! bsd/netinet/tcp.h, tcp_fsm.h, bsd/sys/proc_info.h, resource.h, osfmk/mach/thread_info.h).

use std::time::Duration;

use super::TcpInfo;

/// The length of `struct tcp_connection_info`.
pub const TCP_CONNECTION_INFO: usize = 112;
/// The length of `struct proc_threadinfo`.
pub const THREAD_INFO: usize = 112;
/// The length of `struct proc_bsdshortinfo`.
pub const SHORT_INFO: usize = 64;
/// The length of `struct rusage_info_v0`.
pub const USAGE: usize = 96;

fn half(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn whole(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// The answer to `TCP_CONNECTION_INFO`; `None` if it is too short. Its times are in milliseconds, and 0 for none: no round trip that was
/// measured or took as long as that, no timer that runs.
pub fn tcp_info(answer: &[u8]) -> Option<TcpInfo> {
    let microseconds =
        |milliseconds: u32| (milliseconds != 0).then_some(milliseconds.saturating_mul(1000));
    Some(TcpInfo {
        state: state_name(*answer.first()?),
        rtt_us: microseconds(half(answer, 44)?),
        rto_us: microseconds(half(answer, 12)?),
        total_retrans: whole(answer, 104).map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        snd_mss: half(answer, 16)?,
        unacked: None,
    })
}

/// A state as BSD counts them, in Linux's spelling.
fn state_name(state: u8) -> &'static str {
    const NAMES: [&str; 11] = [
        "CLOSE",
        "LISTEN",
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "CLOSE_WAIT",
        "FIN_WAIT1",
        "CLOSING",
        "LAST_ACK",
        "FIN_WAIT2",
        "TIME_WAIT",
    ];
    NAMES.get(usize::from(state)).copied().unwrap_or("UNKNOWN")
}

/// What a thread does, with Linux's letter (proc_pid_stat(5)), and the processor time that it has used. A thread that has ended has no
/// letter.
pub fn thread(answer: &[u8]) -> Option<(Option<char>, Duration)> {
    let [user, system] = [whole(answer, 0)?, whole(answer, 8)?];
    let state = match half(answer, 24)? {
        1 => Some('R'), // TH_STATE_RUNNING: ready, too
        2 => Some('T'), // TH_STATE_STOPPED
        3 => Some('S'), // TH_STATE_WAITING
        4 => Some('D'), // TH_STATE_UNINTERRUPTIBLE
        _ => None,      // TH_STATE_HALTED
    };
    Some((state, Duration::from_nanos(user.saturating_add(system))))
}

/// Whether a process has ended and is not collected.
pub fn is_zombie(answer: &[u8]) -> Option<bool> {
    const SZOMB: u32 = 5;
    Some(half(answer, 12)? == SZOMB)
}

/// What a process has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, in the ticks of the processor's clock.
    pub ticks: u64,
    /// Memory, in bytes.
    pub resident: u64,
}

pub fn usage(answer: &[u8]) -> Option<Usage> {
    let [user, system] = [whole(answer, 16)?, whole(answer, 24)?];
    Some(Usage { ticks: user.saturating_add(system), resident: whole(answer, 64)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many zero bytes, in which these numbers stand.
    fn answer(length: usize, words: &[(usize, u32)], longs: &[(usize, u64)]) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for (at, word) in words {
            bytes[*at..*at + 4].copy_from_slice(&word.to_ne_bytes());
        }
        for (at, long) in longs {
            bytes[*at..*at + 8].copy_from_slice(&long.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn a_connection_is_told_as_far_as_the_answer_goes() {
        let mut bytes =
            answer(TCP_CONNECTION_INFO, &[(12, 230), (16, 16_332), (44, 3)], &[(104, 2)]);
        bytes[0] = 5;
        let whole = TcpInfo {
            state: "CLOSE_WAIT",
            rtt_us: Some(3_000),
            rto_us: Some(230_000),
            total_retrans: Some(2),
            snd_mss: 16_332,
            unacked: None,
        };
        assert_eq!(tcp_info(&bytes), Some(whole.clone()));
        assert_eq!(tcp_info(&bytes[..104]), Some(TcpInfo { total_retrans: None, ..whole }));
        assert_eq!(tcp_info(&bytes[..40]), None);
        assert_eq!(tcp_info(&[]), None);
        let idle = tcp_info(&[0; TCP_CONNECTION_INFO]).expect("it is long enough");
        assert_eq!((idle.state, idle.rtt_us, idle.rto_us), ("CLOSE", None, None));
        assert_eq!(state_name(10), "TIME_WAIT");
        assert_eq!(state_name(11), "UNKNOWN");
    }

    #[test]
    fn threads_and_processes_are_told() {
        let at = |state| thread(&answer(THREAD_INFO, &[(24, state)], &[(0, 7_000), (8, 3_000)]));
        let used = Duration::from_micros(10);
        assert_eq!(at(3), Some((Some('S'), used)));
        assert_eq!(at(1), Some((Some('R'), used)));
        assert_eq!(at(5), Some((None, used)));
        assert_eq!(thread(&[0; 24]), None);
        assert_eq!(is_zombie(&answer(SHORT_INFO, &[(12, 5)], &[])), Some(true));
        assert_eq!(is_zombie(&answer(SHORT_INFO, &[(12, 2)], &[])), Some(false));
        assert_eq!(is_zombie(&[]), None);
        let bytes = answer(USAGE, &[], &[(16, 24), (24, 6), (64, 4_096)]);
        assert_eq!(usage(&bytes), Some(Usage { ticks: 30, resident: 4_096 }));
    }
}
