//! The registers of a stopped thread that unwinding needs, by their numbers in DWARF.

use gimli::Register;

/// Registers of a thread, or of a function that it is in. What a caller's registers held may not be known.
#[derive(Clone, Debug)]
pub struct Registers([Option<u64>; COUNT]);

/// The registers of the architecture's DWARF numbering that are kept: the general ones.
#[cfg(target_arch = "x86_64")]
mod arch {
    use gimli::{Register, X86_64};

    pub const COUNT: usize = 17;
    pub const STACK_POINTER: Register = X86_64::RSP;
    pub const RETURN_ADDRESS: Register = X86_64::RA;
    pub const VENDOR: gimli::Vendor = gimli::Vendor::Default;

    pub fn values(regs: &libc::user_regs_struct) -> [u64; COUNT] {
        [
            regs.rax, regs.rdx, regs.rcx, regs.rbx, regs.rsi, regs.rdi, regs.rbp, regs.rsp,
            regs.r8, regs.r9, regs.r10, regs.r11, regs.r12, regs.r13, regs.r14, regs.r15, regs.rip,
        ]
    }

    pub fn program_counter(regs: &libc::user_regs_struct) -> u64 {
        regs.rip
    }

    /// An address as code is mapped at it.
    pub fn code_address(value: u64) -> u64 {
        value
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    use gimli::{AArch64, Register};

    pub const COUNT: usize = 32;
    pub const STACK_POINTER: Register = AArch64::SP;
    pub const RETURN_ADDRESS: Register = AArch64::X30;
    pub const VENDOR: gimli::Vendor = gimli::Vendor::AArch64;

    pub fn values(regs: &libc::user_regs_struct) -> [u64; COUNT] {
        let mut all = [0; COUNT];
        all[..31].copy_from_slice(&regs.regs);
        all[31] = regs.sp;
        all
    }

    pub fn program_counter(regs: &libc::user_regs_struct) -> u64 {
        regs.pc
    }

    /// An address as code is mapped at it, without the signature that pointer authentication puts into its upper bits.
    pub fn code_address(value: u64) -> u64 {
        value & ((1 << 48) - 1)
    }
}

use arch::COUNT;
pub use arch::{RETURN_ADDRESS, STACK_POINTER, VENDOR, code_address};

impl Registers {
    /// Those of a thread that the calling thread traces and that is stopped, and its program counter.
    pub fn of(thread: u32) -> Option<(Registers, u64)> {
        let thread = nix::unistd::Pid::from_raw(i32::try_from(thread).ok()?);
        let regs = nix::sys::ptrace::getregs(thread).ok()?;
        Some((Registers(arch::values(&regs).map(Some)), arch::program_counter(&regs)))
    }

    pub fn get(&self, register: Register) -> Option<u64> {
        self.0.get(usize::from(register.0)).copied().flatten()
    }

    /// Sets a register; one that is not kept is passed over.
    pub fn set(&mut self, register: Register, value: Option<u64>) {
        if let Some(place) = self.0.get_mut(usize::from(register.0)) {
            *place = value;
        }
    }
}
