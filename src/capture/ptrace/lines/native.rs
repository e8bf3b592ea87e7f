//! Lines of programs in C, C++, Rust, Go: the functions that a thread is in, from the system call outwards, and what the
//! debug information says of each.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use addr2line::Location;

use super::binary::{Binaries, Binary};
use super::maps::{self, Mapping};
use super::registers::Registers;
use super::sources::Sources;
use super::unwind::Rule;
use crate::capture::sys::Memory;
use crate::trace::Site;

/// How many functions are looked at, from the system call outwards.
const DEPTH: usize = 128;

/// How many addresses are remembered: code that is generated while a program runs has ever new ones.
const MOST_ADDRESSES: usize = 10_000;

/// A process, as long as it runs one program.
pub struct Program {
    memory: Memory,
    modules: Vec<Module>,
    /// By address: a program makes its calls from few places.
    rules: HashMap<u64, Option<Rule>>,
    sites: HashMap<u64, Option<Site>>,
    sources: Sources,
}

/// A program's or a library's code in a process.
struct Module {
    range: Range<u64>,
    /// What to subtract from an address for the address as linked.
    bias: u64,
    binary: Rc<Binary>,
}

impl Program {
    /// `None` if nothing that is mapped into the process has debug information.
    pub fn of(process: u32, mappings: &[Mapping], binaries: &mut Binaries) -> Option<Program> {
        let modules = Module::all(process, mappings, binaries);
        modules.iter().any(|module| module.binary.has_debug_info).then(|| Program {
            memory: Memory::of(process),
            modules,
            rules: HashMap::new(),
            sites: HashMap::new(),
            sources: Sources::of(process),
        })
    }

    /// The line of the learner's that a stopped thread is at: that of the innermost function with a file of theirs.
    pub fn site(&mut self, process: u32, thread: u32, binaries: &mut Binaries) -> Option<Site> {
        let (mut registers, mut address) = Registers::of(thread)?;
        for _ in 0..DEPTH {
            // The address after the call or the system call: the one before it is still in that instruction.
            let inside = address.wrapping_sub(1);
            if self.module(inside).is_none() && !self.rules.contains_key(&inside) {
                self.load_again(process, binaries);
            }
            if let Some(site) = self.site_at(inside) {
                return Some(site);
            }
            let memory = self.memory;
            (registers, address) = self.rule_at(inside)?.caller(&registers, memory)?;
        }
        None
    }

    /// Looks for libraries that were loaded since.
    fn load_again(&mut self, process: u32, binaries: &mut Binaries) {
        let modules = maps::of(process).map(|mappings| Module::all(process, &mappings, binaries));
        if let Some(modules) = modules
            && !modules.iter().map(|it| &it.range).eq(self.modules.iter().map(|it| &it.range))
        {
            self.modules = modules;
            self.rules.clear();
            self.sites.clear();
        }
    }

    fn module(&self, address: u64) -> Option<&Module> {
        self.modules.iter().find(|module| module.range.contains(&address))
    }

    fn rule_at(&mut self, address: u64) -> Option<&Rule> {
        if !self.rules.contains_key(&address) {
            if self.rules.len() >= MOST_ADDRESSES {
                self.rules.clear();
                self.sites.clear();
            }
            let find =
                |module: &Module| module.binary.unwind().rule(address.wrapping_sub(module.bias));
            let rule = self.module(address).and_then(find);
            self.rules.insert(address, rule);
        }
        self.rules.get(&address)?.as_ref()
    }

    fn site_at(&mut self, address: u64) -> Option<Site> {
        if let Some(known) = self.sites.get(&address) {
            return known.clone();
        }
        let site = self.find_site(address);
        self.sites.insert(address, site.clone());
        site
    }

    /// The line of the innermost function at this address, of those that the compiler put into each other, that is the learner's.
    fn find_site(&mut self, address: u64) -> Option<Site> {
        let module = self.modules.iter().find(|module| module.range.contains(&address))?;
        let debug = module.binary.debug()?;
        let mut functions =
            debug.find_frames(address.wrapping_sub(module.bias)).skip_all_loads().ok()?;
        while let Ok(Some(function)) = functions.next() {
            let Some(Location { file: Some(file), line: Some(line), .. }) = function.location
            else {
                continue;
            };
            if line > 0
                && let Some(file) = self.sources.own(file)
            {
                return Some(Site { file: file.into(), line });
            }
        }
        None
    }
}

impl Module {
    fn all(process: u32, mappings: &[Mapping], binaries: &mut Binaries) -> Vec<Module> {
        let code = mappings.iter().filter(|mapping| mapping.executable);
        let modules = code.filter_map(|mapping| {
            let binary = binaries.open(process, &mapping.path)?;
            let bias = binary.bias(mapping.range.start, mapping.offset)?;
            Some(Module { range: mapping.range.clone(), bias, binary })
        });
        modules.collect()
    }
}
