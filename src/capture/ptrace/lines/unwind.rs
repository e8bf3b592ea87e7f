//! From a function to its caller, by the call frame information that compilers write (DWARF 5, section 6.4).
//!
//! Without that information for an address there is no caller: following frame pointers would skip functions that have none.

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, Register, RegisterRule, UnwindContext,
    UnwindSection,
};

use super::binary::Bytes;
use super::registers::{RETURN_ADDRESS, Registers, STACK_POINTER, VENDOR, code_address};
use crate::capture::sys::Memory;

/// How each function of a binary is left for its caller.
#[derive(Debug)]
pub struct UnwindTable {
    eh_frame: Section<EhFrame<Bytes>>,
    debug_frame: Section<DebugFrame<Bytes>>,
    bases: BaseAddresses,
}

/// How to get the registers of the caller at one address: its frame's address (CFA), and where it finds what it had.
#[derive(Clone, Debug)]
pub struct Rule {
    cfa: (Register, i64),
    saved: Vec<(Register, Saved)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saved {
    /// In memory, so far from the CFA.
    At(i64),
    /// It is the CFA and so much.
    Is(i64),
    In(Register),
    Lost,
}

/// A section with call frame information, and an index of it.
#[derive(Debug)]
struct Section<S> {
    frames: S,
    /// The first and last address of each function, and where its entry stands; sorted.
    functions: Vec<(u64, u64, usize)>,
}

impl<S: UnwindSection<Bytes>> Section<S>
where
    S::Offset: gimli::UnwindOffset<usize>,
{
    fn new(frames: S, bases: &BaseAddresses) -> Section<S> {
        let mut functions = Vec::new();
        let mut entries = frames.entries(bases);
        while let Ok(Some(entry)) = entries.next() {
            let CieOrFde::Fde(partial) = entry else { continue };
            let Ok(fde) = partial.parse(S::cie_from_offset) else { continue };
            functions.push((fde.initial_address(), fde.end_address(), fde.offset()));
        }
        functions.sort_unstable();
        Section { frames, functions }
    }

    fn rule(&self, address: u64, bases: &BaseAddresses) -> Option<Rule> {
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let (_, end, offset) = *self.functions.get(after.checked_sub(1)?)?;
        if address >= end {
            return None;
        }
        let fde =
            self.frames.fde_from_offset(bases, S::Offset::from(offset), S::cie_from_offset).ok()?;
        let mut context = UnwindContext::new();
        let row = fde.unwind_info_for_address(&self.frames, bases, &mut context, address).ok()?;
        let CfaRule::RegisterAndOffset { register, offset } = *row.cfa() else { return None };
        let saved = row.registers().filter_map(|(register, rule)| {
            let saved = match rule {
                RegisterRule::SameValue => return None,
                RegisterRule::Offset(offset) => Saved::At(*offset),
                RegisterRule::ValOffset(offset) => Saved::Is(*offset),
                RegisterRule::Register(other) => Saved::In(*other),
                _ => Saved::Lost,
            };
            Some((*register, saved))
        });
        Some(Rule { cfa: (register, offset), saved: saved.collect() })
    }
}

impl Default for UnwindTable {
    fn default() -> UnwindTable {
        let none = || Bytes::new(std::rc::Rc::from([]), gimli::LittleEndian);
        UnwindTable::new(none(), none(), BaseAddresses::default())
    }
}

impl UnwindTable {
    /// Reads the sections `.eh_frame` and `.debug_frame` of a binary, either of which may be empty.
    pub fn new(eh_frame: Bytes, debug_frame: Bytes, bases: BaseAddresses) -> UnwindTable {
        let mut eh_frame = EhFrame::from(eh_frame);
        let mut debug_frame = DebugFrame::from(debug_frame);
        eh_frame.set_address_size(8);
        debug_frame.set_address_size(8);
        eh_frame.set_vendor(VENDOR);
        debug_frame.set_vendor(VENDOR);
        let (eh_frame, debug_frame) =
            (Section::new(eh_frame, &bases), Section::new(debug_frame, &bases));
        UnwindTable { eh_frame, debug_frame, bases }
    }

    /// The rule at an address, as linked; `None` if the binary does not say.
    pub fn rule(&self, address: u64) -> Option<Rule> {
        self.eh_frame
            .rule(address, &self.bases)
            .or_else(|| self.debug_frame.rule(address, &self.bases))
    }
}

impl Rule {
    /// The caller's registers, and the address to which the function returns; `None` at the outermost function, and where they
    /// cannot be read.
    pub fn caller(&self, callee: &Registers, memory: Memory) -> Option<(Registers, u64)> {
        let (register, offset) = self.cfa;
        let cfa = callee.get(register)?.wrapping_add_signed(offset);
        let mut caller = callee.clone();
        caller.set(STACK_POINTER, Some(cfa));
        for (register, saved) in &self.saved {
            let value = match saved {
                Saved::At(offset) => memory.u64(cfa.wrapping_add_signed(*offset)),
                Saved::Is(offset) => Some(cfa.wrapping_add_signed(*offset)),
                Saved::In(other) => callee.get(*other),
                Saved::Lost => None,
            };
            caller.set(*register, value);
        }
        let address = code_address(caller.get(RETURN_ADDRESS)?);
        // A function that saved nothing has the same registers as its caller; it cannot have the same address to return to.
        (address != 0).then_some((caller, address))
    }
}
