//! The files that are mapped into a process: /proc/PID/maps (proc_pid_maps(5)).

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A part of a file in a process's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub range: Range<u64>,
    /// Where in the file it begins.
    pub offset: u64,
    pub executable: bool,
    /// The file, as the process sees it.
    pub path: PathBuf,
}

/// The mapped files of a process; `None` if it has ended, or may not be looked into.
pub fn of(process: u32) -> Option<Vec<Mapping>> {
    let text = fs::read(format!("/proc/{process}/maps")).ok()?;
    Some(String::from_utf8_lossy(&text).lines().filter_map(parse).collect())
}

/// A path of a process, as a path of ours: it may have another root (proc_pid_root(5)).
pub fn seen_from_here(process: u32, path: &Path) -> PathBuf {
    let inside = path.strip_prefix("/").unwrap_or(path);
    Path::new(&format!("/proc/{process}/root")).join(inside)
}

/// A line of the table; `None` for memory that is no file's.
fn parse(line: &str) -> Option<Mapping> {
    let mut words = line.splitn(6, ' ');
    let (from, to) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let offset = u64::from_str_radix(words.next()?, 16).ok()?;
    let path = words.nth(2)?.trim_start();
    let range = u64::from_str_radix(from, 16).ok()?..u64::from_str_radix(to, 16).ok()?;
    let executable = rights.contains('x');
    path.starts_with('/').then(|| Mapping { range, offset, executable, path: path.into() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_of_the_table_is_understood_with_a_space_in_its_path_too() {
        let line = "7f12a000-7f13b000 r-xp 00002000 fe:01 1234     /home/a b/my server";
        let mapping = parse(line).expect("a mapping");
        assert_eq!(mapping.range, 0x7f12_a000..0x7f13_b000);
        assert_eq!((mapping.offset, mapping.executable), (0x2000, true));
        assert_eq!(mapping.path, Path::new("/home/a b/my server"));
        assert_eq!(parse("7ffc0000-7ffc1000 rw-p 00000000 00:00 0          [stack]"), None);
        assert_eq!(parse("7ffc0000-7ffc1000 rw-p 00000000 00:00 0 "), None);
    }

    #[test]
    fn this_process_has_its_own_program_mapped() {
        let program = std::env::current_exe().expect("a program");
        let mappings = of(std::process::id()).expect("a table");
        assert!(mappings.iter().any(|it| it.executable && it.path == program), "{mappings:?}");
        assert!(seen_from_here(std::process::id(), &program).is_file());
    }

    proptest! {
        #[test]
        fn any_line_is_a_mapping_or_none(line in "[0-9a-f]{0,20}-?[0-9a-f]{0,20} .{0,80}") {
            let _ = parse(&line);
        }
    }
}
