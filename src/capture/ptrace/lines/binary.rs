//! An executable or a shared library (elf(5)): where its code is, its symbols, its sections.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::rc::Rc;

use gimli::{EndianRcSlice, LittleEndian};
use object::ReadCache;
use object::elf::{PF_X, PT_LOAD};
use object::read::elf::{ElfFile64, ProgramHeader as _};
use object::{CompressionFormat, Endianness, Object as _, ObjectSection as _, ObjectSymbol as _};

use super::maps;
use super::unwind::UnwindTable;

/// The bytes of a section.
pub type Bytes = EndianRcSlice<LittleEndian>;
/// What DWARF says of a program's lines.
pub type DebugInfo = addr2line::Context<Bytes>;

/// The largest section that is read.
const LARGEST_SECTION: u64 = 1 << 30;

/// A part of the file that is mapped with the right to execute it: offset in the file, length there, address as linked.
#[derive(Clone, Copy, Debug)]
struct CodeSegment {
    offset: u64,
    length: u64,
    address: u64,
}

pub struct Binary {
    file: File,
    code: Vec<CodeSegment>,
    pub has_debug_info: bool,
    /// Go's linker has made it.
    pub is_go: bool,
    debug: OnceCell<Option<DebugInfo>>,
    unwind: OnceCell<UnwindTable>,
}

/// The binaries that have been opened: most are mapped into several processes.
#[derive(Default)]
pub struct Binaries(HashMap<(u64, u64, i64, i64), Option<Rc<Binary>>>);

impl Binaries {
    /// A file that is mapped into a process; `None` if it is not there any more, or is no binary that is understood.
    pub fn open(&mut self, process: u32, path: &Path) -> Option<Rc<Binary>> {
        let path = maps::seen_from_here(process, path);
        let meta = fs::metadata(&path).ok()?;
        let which = (meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec());
        self.0.entry(which).or_insert_with(|| Binary::open(&path).map(Rc::new)).clone()
    }
}

type Elf<'a> = ElfFile64<'a, Endianness, &'a ReadCache<&'a File>>;

impl Binary {
    /// Opens a file; `None` if it is no 64-bit little-endian ELF file.
    pub fn open(path: &Path) -> Option<Binary> {
        let file = File::open(path).ok()?;
        let (code, has_debug_info, is_go) = read(&file, |elf| {
            let endian = elf.endian();
            let segments = elf.elf_program_headers().iter().filter(|segment| {
                segment.p_type(endian) == PT_LOAD && segment.p_flags(endian) & PF_X == PF_X
            });
            let code = segments.map(|segment| CodeSegment {
                offset: segment.p_offset(endian),
                length: segment.p_filesz(endian),
                address: segment.p_vaddr(endian),
            });
            let has = |section| elf.section_by_name(section).is_some();
            Some((code.collect(), has(".debug_info"), has(".go.buildinfo")))
        })?;
        let (debug, unwind) = (OnceCell::new(), OnceCell::new());
        Some(Binary { file, code, has_debug_info, is_go, debug, unwind })
    }

    /// What to add to an address as linked, to get the address in a process in which the code at `offset` of the file is
    /// mapped at `start`.
    pub fn bias(&self, start: u64, offset: u64) -> Option<u64> {
        // A mapping begins on a page, which may be up to 64 KiB long; a segment may begin within one.
        let segment = self.code.iter().find(|segment| {
            offset >= segment.offset & !0xffff
                && offset < segment.offset.saturating_add(segment.length)
        })?;
        Some(start.wrapping_sub(offset).wrapping_add(segment.offset).wrapping_sub(segment.address))
    }

    /// The addresses, as linked, of symbols that other programs may refer to; of each that is there.
    pub fn symbols<const N: usize>(&self, names: [&str; N]) -> [Option<u64>; N] {
        let mut addresses = [None; N];
        read(&self.file, |elf| {
            for symbol in elf.dynamic_symbols() {
                let at =
                    symbol.name().ok().and_then(|name| names.iter().position(|it| *it == name));
                if let Some(at) = at {
                    addresses[at] = Some(symbol.address());
                }
            }
            Some(())
        });
        addresses
    }

    /// Its debug information, read when it is first asked for; `None` if it has none, or none that is understood.
    pub fn debug(&self) -> Option<&DebugInfo> {
        let load = || {
            read(&self.file, |elf| {
                let dwarf = gimli::Dwarf::load(|id| {
                    Ok::<_, gimli::Error>(section(elf, id.name()).unwrap_or_else(empty))
                });
                addr2line::Context::from_dwarf(dwarf.ok()?).ok()
            })
        };
        self.debug.get_or_init(load).as_ref()
    }

    /// How to find the caller of each of its functions.
    pub fn unwind(&self) -> &UnwindTable {
        let load = || {
            read(&self.file, |elf| {
                let address =
                    |name| elf.section_by_name(name).map_or(0, |section| section.address());
                let bases = gimli::BaseAddresses::default()
                    .set_eh_frame(address(".eh_frame"))
                    .set_text(address(".text"))
                    .set_got(address(".got"));
                let bytes = |name| section(elf, name).unwrap_or_else(empty);
                Some(UnwindTable::new(bytes(".eh_frame"), bytes(".debug_frame"), bases))
            })
        };
        self.unwind.get_or_init(|| load().unwrap_or_default())
    }
}

fn read<T>(file: &File, look: impl FnOnce(&Elf<'_>) -> Option<T>) -> Option<T> {
    let cache = ReadCache::new(file);
    let elf = Elf::parse(&cache).ok()?;
    if elf.endian() == Endianness::Little { look(&elf) } else { None }
}

fn empty() -> Bytes {
    Bytes::new(Rc::from([]), LittleEndian)
}

/// The bytes of a section, inflated if need be (Go's linker compresses debug information).
fn section(elf: &Elf<'_>, name: &str) -> Option<Bytes> {
    let stored = elf.section_by_name(name)?.compressed_data().ok()?;
    if stored.uncompressed_size > LARGEST_SECTION {
        return None;
    }
    let bytes = match stored.format {
        CompressionFormat::None => Rc::from(stored.data),
        CompressionFormat::Zlib => {
            let length = usize::try_from(stored.uncompressed_size).ok()?;
            Rc::from(
                miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(stored.data, length)
                    .ok()?,
            )
        }
        _ => return None,
    };
    Some(Bytes::new(bytes, LittleEndian))
}
