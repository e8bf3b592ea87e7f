//! `check --watch`: which files belong to the programs, and waiting until one of them is saved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What sources are called: others in a folder may be what a program or a build writes.
const OF_SOURCES: [&str; 16] = [
    "c", "cc", "cpp", "cs", "go", "h", "hpp", "hs", "java", "js", "kt", "mjs", "py", "rb", "rs",
    "ts",
];

/// When each file of the programs was saved last, and how long it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files(BTreeMap<PathBuf, (Option<SystemTime>, u64)>);

impl Files {
    /// The files that are named in these command lines, and the sources beside them.
    pub(super) fn of<'a>(words: impl IntoIterator<Item = &'a String>) -> Files {
        let paths = words.into_iter().filter_map(|word| fs::canonicalize(word).ok());
        let is_own = |path: &PathBuf| path.is_file() && !is_installed(path);
        let named: BTreeSet<PathBuf> = paths.filter(is_own).collect();
        let folders: BTreeSet<&Path> = named.iter().filter_map(|file| file.parent()).collect();
        let beside = folders.into_iter().filter_map(|folder| fs::read_dir(folder).ok());
        let beside =
            beside.flatten().flatten().map(|entry| entry.path()).filter(|it| is_source(it));
        let all: BTreeSet<PathBuf> = beside.chain(named.iter().cloned()).collect();
        Files(
            all.into_iter().filter_map(|path| state_of(&path).map(|state| (path, state))).collect(),
        )
    }

    /// Their names, as they are shown.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.0.keys().filter_map(|path| path.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// Waits until a file has been saved, added or removed, and is no longer written to; returns the name of one.
    pub(super) fn until_saved<'a>(
        &self,
        words: impl IntoIterator<Item = &'a String> + Clone,
    ) -> String {
        let mut last = self.clone();
        loop {
            thread::sleep(LOOK);
            let now = Files::of(words.clone());
            if now == last && now != *self {
                return self.first_other(&now);
            }
            last = now;
        }
    }

    fn first_other(&self, now: &Files) -> String {
        let all: BTreeSet<&PathBuf> = self.0.keys().chain(now.0.keys()).collect();
        let other = all.into_iter().find(|path| self.0.get(*path) != now.0.get(*path));
        let name = other.and_then(|path| path.file_name()).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// Whether a file is in a folder of the search path: an interpreter, and nothing that the learner writes.
fn is_installed(file: &Path) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).filter_map(|it| fs::canonicalize(it).ok());
    folders.any(|folder| file.parent() == Some(&folder))
}

fn is_source(path: &Path) -> bool {
    let is_known = |extension: &std::ffi::OsStr| OF_SOURCES.iter().any(|it| extension == *it);
    path.extension().is_some_and(is_known) || path.file_name().is_some_and(|it| it == "Makefile")
}

fn state_of(path: &Path) -> Option<(Option<SystemTime>, u64)> {
    let about = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((about.modified().ok(), about.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_source_beside_the_program_counts_and_what_the_program_writes_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let [server, beside, log] =
            ["server.py", "messages.py", "server.log"].map(|name| folder.path().join(name));
        fs::write(&server, "1").expect("written");
        let words = vec!["python3".to_owned(), server.display().to_string()];
        let before = Files::of(&words);
        assert_eq!(before.names(), ["server.py"]);
        fs::write(&log, "a line").expect("written");
        assert_eq!(Files::of(&words), before);
        fs::write(&beside, "2").expect("written");
        assert_eq!(before.until_saved(&words), "messages.py");
        let before = Files::of(&words);
        fs::write(&server, "longer").expect("written");
        assert_eq!(before.until_saved(&words), "server.py");
    }
}
