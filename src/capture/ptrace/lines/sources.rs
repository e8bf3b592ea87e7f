//! Which source files are the learner's own: not those of libraries, of the standard library, or of the machine on which
//! somebody else compiled.

use std::path::{Path, PathBuf};

use super::maps;

/// Where the sources of libraries lie.
const LIBRARIES: [&str; 9] = [
    "/rustc/",
    "/usr/include/",
    "/usr/lib",
    "/usr/share/",
    "/usr/local/include/",
    "/usr/local/lib",
    "/usr/src/debug/",
    "/usr/src/rustc",
    "/usr/src/glibc",
];

/// Folders within a path that package managers fill: those of Rust's, of rustup, of Go.
const PACKAGES: [&str; 4] = ["/registry/src/", "/.cargo/git/", "/lib/rustlib/", "/pkg/mod/"];

/// The folders in which Go's own system calls are written, within its root.
const GO_SYSTEM_CALLS: [&str; 4] = [
    "/src/internal/runtime/syscall/",
    "/src/runtime/internal/syscall/",
    "/src/syscall/",
    "/src/runtime/",
];

/// The source files of a native program.
#[derive(Debug)]
pub struct Sources {
    process: u32,
    /// Where Go is installed, if this is a program in Go that has made a call: `/usr/local/go`.
    go_root: Option<String>,
}

impl Sources {
    pub fn of(process: u32) -> Sources {
        Sources { process, go_root: None }
    }

    /// The path of a source file, if it is one of the learner's: absolute, not a library's, and there to be read.
    pub fn own(&mut self, file: &str) -> Option<String> {
        if let Some(root) = go_root(file) {
            self.go_root = Some(root.to_owned());
        }
        let in_go = self.go_root.as_ref().is_some_and(|root| Path::new(file).starts_with(root));
        if in_go
            || is_library(file)
            || !maps::seen_from_here(self.process, Path::new(file)).is_file()
        {
            return None;
        }
        // Without `.`, which `cc ./server.c` leaves in it.
        let path: PathBuf = Path::new(file).components().collect();
        path.to_str().map(str::to_owned)
    }
}

fn is_library(file: &str) -> bool {
    !file.starts_with('/')
        || LIBRARIES.iter().any(|place| file.starts_with(place))
        || PACKAGES.iter().any(|folder| file.contains(folder))
}

/// Where Go is installed, if this is the file in assembly in which it makes its system calls.
fn go_root(file: &str) -> Option<&str> {
    let in_assembly = file.strip_suffix(".s")?;
    let at = GO_SYSTEM_CALLS.iter().filter_map(|folder| in_assembly.find(folder)).min()?;
    (at > 0).then(|| &file[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_told_by_where_its_sources_lie() {
        for file in [
            "/rustc/59807616e/library/std/src/net/tcp.rs",
            "/usr/include/c++/12/bits/stl_vector.h",
            "/home/ada/.cargo/registry/src/index/socket2-0.6.0/src/socket.rs",
            "/home/ada/go/pkg/mod/example.org/line@v1.2.0/line.go",
            "../sysdeps/unix/sysv/linux/recv.c",
        ] {
            assert!(is_library(file), "{file}");
        }
        for file in ["/home/ada/chat/server.c", "/usr/src/app/main.rs", "/srv/lib/line.go"] {
            assert!(!is_library(file), "{file}");
        }
    }

    #[test]
    fn go_is_where_its_system_calls_are_written_in_assembly() {
        let call = "/home/ada/sdk/go/src/internal/runtime/syscall/linux/asm_linux_amd64.s";
        assert_eq!(go_root(call), Some("/home/ada/sdk/go"));
        assert_eq!(go_root("/home/ada/src/syscall/server.c"), None);

        let mut sources = Sources::of(std::process::id());
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/./main.rs");
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/src/main.rs");
        assert_eq!(sources.own(here).as_deref(), Some(own));
        assert_eq!(sources.own("/nowhere/main.rs"), None, "it cannot be read");
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/runtime/asm.s");
        assert_eq!(sources.own(root), None);
        assert_eq!(sources.own(here), None, "it lies where this Go does");
    }
}
