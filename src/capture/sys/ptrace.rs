//! ptrace(2), seccomp(2) and pidfd_getfd(2): tracing programs that are not ours. Every request but [`launch`] is made by the
//! thread that launched the program, for the kernel knows tracers by thread.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::pipe2;

use crate::trace::{Address, TraceStep};

/// The architecture of system calls that are understood (`AUDIT_ARCH_…`, linux/audit.h).
#[cfg(target_arch = "x86_64")]
pub const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
pub const ARCHITECTURE: u32 = 0xC000_00B7;
/// What seccomp(2) returns for a call that the tracer is to see; the low 16 bits are data for it.
pub const RET_TRACE: u32 = libc::SECCOMP_RET_TRACE;
/// What it returns for a call that is simply made.
pub const RET_ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// An instruction of classic BPF (linux/filter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub code: u16,
    /// How many instructions are skipped if a comparison holds, and if it does not.
    pub skips: (u8, u8),
    pub value: u32,
}

/// What a thread that is traced did, or met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It is about to make a call that the filter picked.
    Entry,
    /// That call has returned.
    Exit,
    /// It is about to get this signal.
    Signal(i32),
    /// It has made a new thread or process, with this number.
    Born(u32),
    /// It runs another program; it had this number before.
    Execed(u32),
    /// It is about to end; its descriptors are still open.
    Ending,
    /// It was stopped by a signal (Ctrl-Z), and stays so until SIGCONT.
    Stopped,
    /// Nothing of interest, such as the first stop of a new thread.
    Other,
    /// It has ended, by itself with this code.
    Exited(i32),
    /// This signal has ended it.
    Killed(i32),
}

/// How a stopped thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoOn {
    /// To the next stop of any kind.
    Freely,
    /// To the return of the call that it is about to make.
    ToReturn,
    /// It stays stopped by the signal that stopped it.
    StayStopped,
}

/// The call that a thread is stopped at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub number: u64,
    pub args: [u64; 6],
    /// Where its instruction is.
    pub at: u64,
    /// The architecture, as [`ARCHITECTURE`] has it.
    pub architecture: u32,
    /// What the filter says.
    pub data: u32,
}

/// struct ptrace_syscall_info (linux/ptrace.h): the same on every architecture.
#[repr(C)]
#[derive(Clone, Copy)]
struct SyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    /// At a stop of seccomp: number, six arguments, data. At a return: value, whether it is an error.
    words: [u64; 8],
}

const GET_SYSCALL_INFO: Request = 0x420e;
const OP_EXIT: u8 = 2;
const OP_SECCOMP: u8 = 3;

/// What the C library takes a request for.
#[cfg(target_env = "musl")]
type Request = libc::c_int;
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;

/// A request whose two arguments are numbers, or addresses of ours that stay valid during the call.
fn request(what: Request, thread: u32, address: usize, data: usize) -> io::Result<i64> {
    // SAFETY: each caller passes what its request takes: numbers, or the address of a value of the right size that outlives the call.
    let answer = unsafe { libc::ptrace(what, thread.cast_signed(), address, data) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// Writes eight bytes into the memory of a thread that has stopped, whatever the memory's protection (`PTRACE_POKEDATA`).
pub fn write_word(thread: u32, address: u64, word: [u8; 8]) -> io::Result<()> {
    let address = usize::try_from(address).map_err(io::Error::other)?;
    request(libc::PTRACE_POKEDATA, thread, address, usize::from_ne_bytes(word)).map(drop)
}

fn syscall_info(thread: u32) -> Option<SyscallInfo> {
    let mut info = MaybeUninit::<SyscallInfo>::zeroed();
    let size = size_of::<SyscallInfo>();
    request(GET_SYSCALL_INFO, thread, size, info.as_mut_ptr() as usize).ok()?;
    // SAFETY: all bytes are initialised, and any bytes are such a struct.
    Some(unsafe { info.assume_init() })
}

/// The call that this thread, stopped at [`Stop::Entry`], is about to make.
pub fn entry(thread: u32) -> Option<Entry> {
    let info = syscall_info(thread).filter(|info| info.op == OP_SECCOMP)?;
    let [number, args @ .., data] = info.words;
    let (at, architecture) = (info.instruction_pointer, info.arch);
    Some(Entry { number, args, at, architecture, data: data as u32 })
}

/// What the call returned at whose return this thread is stopped; negative for an error.
pub fn returned(thread: u32) -> Option<i64> {
    let info = syscall_info(thread).filter(|info| info.op == OP_EXIT)?;
    Some(info.words[0].cast_signed())
}

/// Lets a stopped thread go on, with this signal if it is not 0. A thread that was killed meanwhile tells so itself.
pub fn go_on(thread: u32, how: GoOn, signal: i32) {
    let what = match how {
        GoOn::Freely => libc::PTRACE_CONT,
        GoOn::ToReturn => libc::PTRACE_SYSCALL,
        GoOn::StayStopped => libc::PTRACE_LISTEN,
    };
    let _ = request(what, thread, 0, usize::try_from(signal).unwrap_or(0));
}

fn message(thread: u32) -> u32 {
    let mut message: libc::c_ulong = 0;
    let at = (&raw mut message) as usize;
    request(libc::PTRACE_GETEVENTMSG, thread, 0, at).map_or(0, |_| message as u32)
}

/// Waits for the next stop of any thread that is traced. [`Ticks`] interrupt that, which is an error of this kind; any other says that
/// there is no such thread.
pub fn next_stop() -> io::Result<(u32, Stop)> {
    let mut status = 0;
    // SAFETY: the pointer is to an int.
    let thread = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
    if thread < 0 {
        return Err(io::Error::last_os_error());
    }
    let thread = thread.unsigned_abs();
    let stop = if libc::WIFEXITED(status) {
        Stop::Exited(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        Stop::Killed(libc::WTERMSIG(status))
    } else {
        stop_of(thread, libc::WSTOPSIG(status), status >> 16)
    };
    Ok((thread, stop))
}

fn stop_of(thread: u32, signal: i32, event: i32) -> Stop {
    match event {
        0 if signal == libc::SIGTRAP | 0x80 => Stop::Exit,
        0 => Stop::Signal(signal),
        libc::PTRACE_EVENT_SECCOMP => Stop::Entry,
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            Stop::Born(message(thread))
        }
        libc::PTRACE_EVENT_EXEC => Stop::Execed(message(thread)),
        libc::PTRACE_EVENT_EXIT => Stop::Ending,
        libc::PTRACE_EVENT_STOP
            if matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) =>
        {
            Stop::Stopped
        }
        _ => Stop::Other,
    }
}

/// Who sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    Process(u32),
    /// The kernel, of its own accord: for a key at the terminal, a timer.
    Kernel,
}

/// Who sent the signal that this thread is about to get; `None` if the thread itself has caused it.
pub fn sender_of_signal(thread: u32) -> Option<Sender> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    request(libc::PTRACE_GETSIGINFO, thread, 0, info.as_mut_ptr() as usize).ok()?;
    // SAFETY: all-zero bytes are a siginfo_t, and the kernel has filled them in.
    let info = unsafe { info.assume_init() };
    match info.si_code {
        // SAFETY: codes up to 0 are of signals that a process sent, which have its number.
        ..=0 => Some(Sender::Process(unsafe { info.si_pid() }.unsigned_abs())),
        libc::SI_KERNEL => Some(Sender::Kernel),
        _ => None,
    }
}

/// Makes the kernel repeat the call that a signal has cut short (`ERESTARTSYS`), which this thread is about to get. For a signal
/// without effect: without a tracer it would not have cut the call short.
pub fn repeat_call(thread: u32) {
    const ERESTARTSYS: i64 = 512;
    if let Ok(mut registers) = Registers::of(thread) {
        *registers.result() = (-ERESTARTSYS).cast_unsigned();
        let _ = registers.set(thread);
    }
}

/// The registers of a stopped thread, when it is about to make a call.
#[derive(Clone)]
pub struct Registers(libc::user_regs_struct);

impl std::fmt::Debug for Registers {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("Registers")
    }
}

/// The general registers, and on aarch64 the number of the call (linux/elf.h).
const NT_PRSTATUS: usize = 1;
#[cfg(target_arch = "aarch64")]
const NT_ARM_SYSTEM_CALL: usize = 0x404;
/// The length of the instruction that makes a call: `syscall`, `svc #0`.
#[cfg(target_arch = "x86_64")]
const CALL_LENGTH: u64 = 2;
#[cfg(target_arch = "aarch64")]
const CALL_LENGTH: u64 = 4;

impl Registers {
    /// Those of this thread now.
    pub fn of(thread: u32) -> io::Result<Registers> {
        let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
        let mut area = libc::iovec {
            iov_base: registers.as_mut_ptr().cast(),
            iov_len: size_of::<libc::user_regs_struct>(),
        };
        let at = (&raw mut area) as usize;
        request(libc::PTRACE_GETREGSET, thread, NT_PRSTATUS, at)?;
        // SAFETY: any bytes are such a struct, and the kernel has filled them in.
        Ok(Registers(unsafe { registers.assume_init() }))
    }

    fn set(mut self, thread: u32) -> io::Result<()> {
        let mut area = libc::iovec {
            iov_base: (&raw mut self.0).cast(),
            iov_len: size_of::<libc::user_regs_struct>(),
        };
        let at = (&raw mut area) as usize;
        request(libc::PTRACE_SETREGSET, thread, NT_PRSTATUS, at).map(drop)
    }

    /// At [`Stop::Entry`]: the thread makes this call in place of its own.
    pub fn make_instead(&self, thread: u32, number: i64, args: [u64; 6]) -> io::Result<()> {
        let mut registers = self.with_args(args);
        registers.set_number(thread, number)?;
        registers.set(thread)
    }

    /// At [`Stop::Exit`]: the thread goes back to its instruction, and makes the call that it was about to make.
    pub fn make_own(&self, thread: u32) -> io::Result<()> {
        let mut registers = self.clone();
        *registers.next_number() = registers.number();
        registers.go_back();
        registers.set(thread)
    }
}

#[cfg(target_arch = "x86_64")]
impl Registers {
    fn result(&mut self) -> &mut u64 {
        &mut self.0.rax
    }

    fn number(&self) -> u64 {
        self.0.orig_rax
    }

    fn next_number(&mut self) -> &mut u64 {
        &mut self.0.rax
    }

    fn set_number(&mut self, _: u32, number: i64) -> io::Result<()> {
        self.0.orig_rax = number.cast_unsigned();
        Ok(())
    }

    fn go_back(&mut self) {
        self.0.rip -= CALL_LENGTH;
        self.0.orig_rax = u64::MAX; // it is in no call that a signal could make the kernel repeat
    }

    fn with_args(&self, args: [u64; 6]) -> Registers {
        let mut registers = self.clone();
        let to = &mut registers.0;
        [to.rdi, to.rsi, to.rdx, to.r10, to.r8, to.r9] = args;
        registers
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers {
    fn result(&mut self) -> &mut u64 {
        &mut self.0.regs[0]
    }

    fn number(&self) -> u64 {
        self.0.regs[8]
    }

    fn next_number(&mut self) -> &mut u64 {
        &mut self.0.regs[8]
    }

    fn set_number(&mut self, thread: u32, number: i64) -> io::Result<()> {
        self.0.regs[8] = number.cast_unsigned();
        let mut number = number as i32;
        let mut area =
            libc::iovec { iov_base: (&raw mut number).cast(), iov_len: size_of::<i32>() };
        let at = (&raw mut area) as usize;
        request(libc::PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, at).map(drop)
    }

    fn go_back(&mut self) {
        self.0.pc -= CALL_LENGTH;
    }

    fn with_args(&self, args: [u64; 6]) -> Registers {
        let mut registers = self.clone();
        registers.0.regs[..6].copy_from_slice(&args);
        registers
    }
}

/// Blocks the signal of [`Ticks`] in the calling thread and all that it starts. Call it before the process starts a thread.
pub fn block_ticks() {
    let _ = SigSet::from(Signal::SIGALRM).thread_block();
}

/// A timer that interrupts the calling thread again and again, if that waits in [`next_stop`]: nothing else would wake it while no
/// traced thread stops. A tick that comes while it does not wait is lost.
#[derive(Debug)]
pub struct Ticks(());

impl Ticks {
    /// Begins to tick.
    pub fn every(period: Duration) -> io::Result<Ticks> {
        extern "C" fn nothing(_: libc::c_int) {}
        let interrupt =
            SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
        // The kernel wakes whoever waits for a thread. It need not send a signal for each stop as well.
        let silently = SigAction::new(SigHandler::SigDfl, SaFlags::SA_NOCLDSTOP, SigSet::empty());
        // SAFETY: the handler does nothing.
        unsafe {
            sigaction(Signal::SIGALRM, &interrupt)?;
            sigaction(Signal::SIGCHLD, &silently)?;
        }
        set_timer(period)?;
        SigSet::from(Signal::SIGALRM).thread_unblock()?;
        Ok(Ticks(()))
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        block_ticks();
        let _ = set_timer(Duration::ZERO);
    }
}

fn set_timer(period: Duration) -> io::Result<()> {
    let micros = i64::try_from(period.as_micros()).unwrap_or(i64::MAX);
    let span = *TimeVal::microseconds(micros).as_ref();
    let timer = libc::itimerval { it_interval: span, it_value: span };
    // SAFETY: the pointer is to a value that outlives the call.
    match unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What a program is started with.
#[derive(Debug)]
pub struct Launch<'a> {
    pub argv: &'a [CString],
    pub filter: &'a [Instruction],
    /// What is its standard input, output and error.
    pub standard: [BorrowedFd<'a>; 3],
}

/// A program that has been started, and stops before its first instruction.
#[derive(Debug)]
pub struct Launched {
    pub process: u32,
    /// Tells why it could not run, or closes when it runs.
    report: OwnedFd,
}

/// Why a program does not run.
#[derive(Debug)]
pub struct LaunchError {
    pub step: TraceStep,
    pub error: io::Error,
}

const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEEXIT
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// The steps of a child on its way to the program, as bytes of its report.
const STEPS: [TraceStep; 3] = [TraceStep::Fork, TraceStep::Seccomp, TraceStep::Exec];

/// Starts a program under the calling thread's eyes. It ends when this process ends.
pub fn launch(program: &Launch) -> Result<Launched, LaunchError> {
    let failed = |step| move |error: io::Error| LaunchError { step, error };
    let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed(TraceStep::Fork)(errno.into()));
    let (wait, go) = pipe()?;
    let (report, reporting) = pipe()?;
    let mut argv: Vec<*const libc::c_char> =
        program.argv.iter().map(|word| word.as_ptr()).collect();
    argv.push(std::ptr::null());
    let filter: Vec<libc::sock_filter> = program.filter.iter().map(sock_filter).collect();
    let standard = program.standard.map(|fd| fd.as_raw_fd());
    let (wait_fd, report_fd) = (wait.as_raw_fd(), reporting.as_raw_fd());
    // SAFETY: the child makes only async-signal-safe calls until it runs another program or ends.
    let process = unsafe { libc::fork() };
    match process {
        ..0 => return Err(failed(TraceStep::Fork)(io::Error::last_os_error())),
        // SAFETY: this is the child; all pointers are to memory that it has copied.
        0 => unsafe { become_program(&argv, &filter, standard, wait_fd, report_fd) },
        _ => {}
    }
    let process = process.unsigned_abs();
    drop(reporting);
    if let Err(error) = request(libc::PTRACE_SEIZE, process, 0, OPTIONS as usize) {
        kill(process);
        collect(process);
        return Err(failed(TraceStep::Seize)(error));
    }
    let _ = nix::unistd::write(&go, &[1]);
    Ok(Launched { process, report })
}

fn sock_filter(from: &Instruction) -> libc::sock_filter {
    let Instruction { code, skips: (jt, jf), value } = *from;
    libc::sock_filter { code, jt, jf, k: value }
}

/// The filter is one for all threads of the process (seccomp(2)).
pub const FILTER_FLAGS: u64 = libc::SECCOMP_FILTER_FLAG_TSYNC;

/// A struct sock_fprog for seccomp(2), followed by its filter, as words of eight bytes that are to stand at this address.
pub fn filter_program(filter: &[Instruction], at: u64) -> Vec<[u8; 8]> {
    let length = (filter.len() as u64).to_ne_bytes(); // little-endian: the field of two bytes comes first
    let words = filter.iter().map(|instruction| {
        let libc::sock_filter { code, jt, jf, k } = sock_filter(instruction);
        let ([a, b], [c, d, e, f]) = (code.to_ne_bytes(), k.to_ne_bytes());
        [a, b, jt, jf, c, d, e, f]
    });
    [length, (at + 16).to_ne_bytes()].into_iter().chain(words).collect()
}

/// The child, between fork and exec.
///
/// # Safety
/// Only in a process that fork(2) has just made; `argv` ends in a null pointer and points to strings that end in zero bytes.
unsafe fn become_program(
    argv: &[*const libc::c_char],
    filter: &[libc::sock_filter],
    standard: [i32; 3],
    wait: i32,
    report: i32,
) -> ! {
    // SAFETY: all of these are async-signal-safe, and get valid pointers.
    unsafe {
        let fail = |step: u8| -> ! {
            let text = [step, *libc::__errno_location() as u8];
            libc::write(report, text.as_ptr().cast(), text.len());
            libc::_exit(127)
        };
        take_all_signals();
        for (to, from) in standard.into_iter().enumerate() {
            if libc::dup2(from, to as i32) < 0 {
                fail(0);
            }
        }
        let mut go = 0_u8;
        libc::read(wait, (&raw mut go).cast(), 1); // until it is traced
        let program =
            libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
        if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
            || libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                0,
                &raw const program,
            ) < 0
        {
            fail(1);
        }
        libc::execvp(argv[0], argv.as_ptr());
        fail(2)
    }
}

/// What we block and ignore, the program must not.
///
/// # Safety
/// Between fork and exec, where nothing else relies on signals.
unsafe fn take_all_signals() {
    let mut none = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: all of these are async-signal-safe, and get valid pointers.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
        for signal in [libc::SIGPIPE, libc::SIGINT, libc::SIGQUIT] {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

/// What a program that is not traced does between fork and exec: it ends with us, as one that is traced does.
pub fn become_untraced() -> io::Result<()> {
    // SAFETY: this is between fork and exec, and both are async-signal-safe.
    unsafe {
        take_all_signals();
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
    }
    Ok(())
}

impl Launched {
    /// Why it could not run; `None` if it runs. Ask when it has ended, or has executed its program.
    pub fn failure(&self) -> Option<LaunchError> {
        let mut text = [0; 2];
        let got = nix::unistd::read(&self.report, &mut text).unwrap_or(0);
        let step = STEPS.get(usize::from(text[0])).filter(|_| got == text.len())?;
        Some(LaunchError { step: *step, error: io::Error::from_raw_os_error(text[1].into()) })
    }
}

/// Why programs cannot be traced here.
#[derive(Debug)]
pub enum Refusal {
    /// There is no process to try it on.
    Fork(io::Error),
    /// It is forbidden.
    Seize(io::Error),
    /// This kernel does not know what a tracer needs to ask (`PTRACE_GET_SYSCALL_INFO`, since Linux 5.3).
    TooOld(io::Error),
}

/// Tries to trace a child of this thread.
pub fn probe() -> Result<(), Refusal> {
    // SAFETY: the child makes only async-signal-safe calls until it is killed.
    let child = unsafe { libc::fork() };
    match child {
        ..0 => return Err(Refusal::Fork(io::Error::last_os_error())),
        0 => loop {
            // SAFETY: as above.
            unsafe { libc::pause() };
        },
        _ => {}
    }
    let child = child.unsigned_abs();
    let tried = try_to_trace(child);
    kill(child);
    collect(child);
    tried
}

fn try_to_trace(child: u32) -> Result<(), Refusal> {
    request(libc::PTRACE_SEIZE, child, 0, libc::PTRACE_O_EXITKILL as usize)
        .and_then(|_| request(libc::PTRACE_INTERRUPT, child, 0, 0))
        .map_err(Refusal::Seize)?;
    collect(child); // until it has stopped
    let mut info = MaybeUninit::<SyscallInfo>::zeroed();
    let (size, at) = (size_of::<SyscallInfo>(), info.as_mut_ptr() as usize);
    request(GET_SYSCALL_INFO, child, size, at).map(drop).map_err(|error| {
        // What it does not know it answers with EIO (ptrace(2)).
        if error.raw_os_error() == Some(libc::EIO) {
            Refusal::TooOld(error)
        } else {
            Refusal::Seize(error)
        }
    })
}

/// A descriptor that our parent has left open for us, for us alone.
pub fn inherited(fd: i32) -> std::fs::File {
    // SAFETY: our parent named it, and nothing else here owns it.
    let file = unsafe { std::fs::File::from_raw_fd(fd) };
    let cloexec = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC);
    let _ = nix::fcntl::fcntl(&file, cloexec);
    file
}

/// Kills a process.
pub fn kill(process: u32) {
    let process = nix::unistd::Pid::from_raw(process.cast_signed());
    let _ = nix::sys::signal::kill(process, Signal::SIGKILL);
}

fn collect(process: u32) {
    let mut status = 0;
    loop {
        // SAFETY: the pointer is to an int.
        let ended = unsafe { libc::waitpid(process.cast_signed(), &raw mut status, libc::__WALL) };
        if ended >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// The signal's name, as signal(7) has it.
pub fn signal_name(signal: i32) -> std::borrow::Cow<'static, str> {
    match Signal::try_from(signal) {
        Ok(known) => known.as_str().into(),
        Err(_) => format!("signal {signal}").into(),
    }
}

/// From here on Ctrl-C and Ctrl-\ are the programs' affair.
pub fn leave_keys_to_programs() {
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: an ignored signal runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// A process whose descriptors can be borrowed (pidfd_open(2)).
pub fn process_handle(process: u32) -> Option<OwnedFd> {
    // SAFETY: a new descriptor that nothing else owns, or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, process, 0) };
    owned(fd)
}

/// True if both threads have one table of descriptors (`CLONE_FILES`, clone(2)), or both have ended and have none; false where
/// the system does not tell.
pub fn share_descriptors(one: u32, other: u32) -> bool {
    const FILES: libc::c_int = 2; // KCMP_FILES (linux/kcmp.h)
    // SAFETY: takes numbers only.
    let answer = unsafe { libc::syscall(libc::SYS_kcmp, one, other, FILES, 0, 0) };
    answer == 0
}

/// A descriptor of ours for what that process has under this number (pidfd_getfd(2), which asks for the right to trace).
pub fn borrow_descriptor(process: &OwnedFd, fd: i64) -> Option<OwnedFd> {
    // SAFETY: a new descriptor that nothing else owns, or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) };
    owned(fd)
}

fn owned(fd: libc::c_long) -> Option<OwnedFd> {
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the caller has just got it, and nothing else owns it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// An address in the bytes of a `sockaddr`; `None` for a family without addresses here.
pub fn address_in(bytes: &[u8]) -> Option<Address> {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
    let family = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    match i32::from(family) {
        libc::AF_INET => {
            let ip: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(Address::Inet(SocketAddrV4::new(Ipv4Addr::from(ip), port()?)))
        }
        libc::AF_INET6 => {
            let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            let scope = bytes.get(24..28).and_then(|it| it.try_into().ok());
            let scope = scope.map_or(0, u32::from_ne_bytes);
            Some(Address::Inet6(SocketAddrV6::new(Ipv6Addr::from(ip), port()?, 0, scope)))
        }
        libc::AF_UNIX => Some(Address::Unix(match &bytes[2..] {
            [] | [0] => None,
            [0, name @ ..] => Some(format!("@{}", String::from_utf8_lossy(name))),
            path => {
                let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
                Some(String::from_utf8_lossy(path).into_owned())
            }
        })),
        _ => None,
    }
}

/// A socket's own address, or its peer's (getsockname(2), getpeername(2)).
pub fn socket_address(socket: &socket2::Socket, of_peer: bool) -> Option<Address> {
    let address = if of_peer { socket.peer_addr() } else { socket.local_addr() };
    Some(crate::capture::address(&address.ok()?))
}
