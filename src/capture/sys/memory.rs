//! Memory of another process, read with process_vm_readv(2), which needs the right to trace it (ptrace(2)).

/// Memory of a process other than ours. Whatever is read there was written by a foreign program: trust none of it.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    process: u32,
}

/// Pages are this long or a multiple of it.
#[cfg(target_os = "linux")]
const PAGE: u64 = 4096;
/// The longest string that is read.
const STRING: usize = 4096;

impl Memory {
    /// The memory of a process, named by its PID or by the TID of one of its threads.
    pub fn of(process: u32) -> Memory {
        Memory { process }
    }

    /// Reads into `buffer` from `address` on, and returns how many bytes could be read: fewer than its length where a page
    /// that follows is not readable, 0 where nothing can be read.
    pub fn read_into(self, address: u64, buffer: &mut [u8]) -> usize {
        let mut done = 0;
        while done < buffer.len() {
            let got = match address.checked_add(done as u64) {
                Some(from) => read_pages(self.process, from, &mut buffer[done..]),
                None => 0,
            };
            if got == 0 {
                break;
            }
            done += got;
        }
        done
    }

    /// At most `length` bytes from `address` on; fewer where memory that follows is not readable.
    pub fn read(self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let got = self.read_into(address, &mut bytes);
        bytes.truncate(got);
        bytes
    }

    /// Exactly so many bytes, if all of them can be read.
    pub fn array<const N: usize>(self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.read_into(address, &mut bytes) == N).then_some(bytes)
    }

    pub fn u32(self, address: u64) -> Option<u32> {
        self.array(address).map(u32::from_ne_bytes)
    }

    pub fn u64(self, address: u64) -> Option<u64> {
        self.array(address).map(u64::from_ne_bytes)
    }

    /// A string that ends in a zero byte, without that byte; `None` if there is no zero byte in its first 4096 bytes.
    pub fn c_string(self, address: u64) -> Option<Vec<u8>> {
        let mut text = self.read(address, STRING);
        text.truncate(text.iter().position(|byte| *byte == 0)?);
        Some(text)
    }
}

/// Reads from up to 64 consecutive pages. The kernel transfers a piece wholly or not at all, so every page is a piece.
#[cfg(target_os = "linux")]
fn read_pages(process: u32, address: u64, buffer: &mut [u8]) -> usize {
    use nix::errno::Errno;
    use nix::sys::uio::{RemoteIoVec, process_vm_readv};
    use std::io::IoSliceMut;

    let Ok(process) = i32::try_from(process) else { return 0 };
    let mut pieces = Vec::with_capacity(2);
    let mut wanted = 0;
    while wanted < buffer.len() && pieces.len() < 64 {
        let Some(from) = address.checked_add(wanted as u64) else { break };
        let in_page = usize::try_from(PAGE - from % PAGE).unwrap_or(usize::MAX);
        let Ok(base) = usize::try_from(from) else { break };
        let len = in_page.min(buffer.len() - wanted);
        pieces.push(RemoteIoVec { base, len });
        wanted += len;
    }
    let mut local = [IoSliceMut::new(&mut buffer[..wanted])];
    match process_vm_readv(nix::unistd::Pid::from_raw(process), &mut local, &pieces) {
        Err(Errno::EPERM | Errno::ENOSYS) => read_file(process, address, &mut buffer[..wanted]),
        got => got.unwrap_or(0),
    }
}

/// Reads from the file that stands for the memory (proc_pid_mem(5)): a container may forbid the call and not that.
#[cfg(target_os = "linux")]
fn read_file(process: i32, address: u64, buffer: &mut [u8]) -> usize {
    use std::os::unix::fs::FileExt;

    let file = std::fs::File::open(format!("/proc/{process}/mem"));
    file.and_then(|file| file.read_at(buffer, address)).unwrap_or(0)
}

/// Not available on this system.
#[cfg(not(target_os = "linux"))]
fn read_pages(_: u32, _: u64, _: &mut [u8]) -> usize {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_up_to_the_first_page_that_is_not_readable() {
        let page = usize::try_from(PAGE).expect("a length");
        let (rights, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory that nothing else uses.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), 3 * page, rights, kind, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        // SAFETY: two of its three pages; the slice is not used once they are unmapped.
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.cast::<u8>(), 2 * page) };
        bytes.fill(b'x');
        bytes[page - 4..page + 6].copy_from_slice(b"at a page\0");
        // SAFETY: the third page, to which nothing refers.
        assert_eq!(unsafe { libc::mprotect(start.byte_add(2 * page), page, libc::PROT_NONE) }, 0);

        let memory = Memory::of(std::process::id());
        let at = start as u64;
        assert_eq!(memory.read(at, 3 * page).len(), 2 * page);
        assert_eq!(memory.c_string(at + PAGE - 4).as_deref(), Some(b"at a page".as_slice()));
        assert_eq!(memory.c_string(at + 2 * PAGE - 8), None, "no zero byte before the end");
        assert_eq!(memory.u32(at), Some(u32::from_ne_bytes(*b"xxxx")));
        assert_eq!(memory.u64(at + 2 * PAGE - 4), None, "half of it is not readable");
        // SAFETY: nothing refers to these pages any more.
        assert_eq!(unsafe { libc::munmap(start, 3 * page) }, 0);
    }

    #[test]
    fn what_is_no_address_and_who_is_no_process_is_read_as_nothing() {
        let memory = Memory::of(std::process::id());
        for address in [0, 1, u64::MAX, u64::MAX - 3, 1 << 63] {
            assert_eq!(memory.read(address, 64), b"", "{address:#x}");
            assert_eq!(memory.c_string(address), None);
        }
        let text = b"here";
        assert_eq!(memory.read(text.as_ptr() as u64, 4), text);
        assert_eq!(Memory::of(0).read(text.as_ptr() as u64, 4), b"");
        assert_eq!(Memory::of(u32::MAX).read(text.as_ptr() as u64, 4), b"");
    }
}
