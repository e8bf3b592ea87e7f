//! What this learner has finished: a small file in the state folder (XDG Base Directory Specification).
//!
//! Only a person finishes a lesson: one that runs into a pipe, or with `--auto`, is not noted.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::language::{either, error_text, said};

const FORMAT: &str = "socket-explorer progress";
const VERSION: u32 = 1;

/// The lessons that are finished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Their slugs.
    pub finished: BTreeSet<String>,
}

impl Progress {
    /// Whether this lesson is.
    #[must_use]
    pub fn has(&self, slug: &str) -> bool {
        self.finished.contains(slug)
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    version: u32,
    finished: BTreeSet<String>,
}

/// Why the record cannot be used; it has been set aside where it could be.
#[derive(Debug, Error)]
#[error("{path}: {what}")]
pub struct Trouble {
    path: String,
    what: String,
}

fn path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir().unwrap_or_else(|| base.data_dir()).join("explore").join("progress.json"))
}

/// Reads the record; none yet is an empty one.
///
/// # Errors
/// [`Trouble`] if it is damaged, or from a newer program: it has then been set aside, and nothing of it is lost.
pub fn read() -> Result<Progress, Trouble> {
    path().map_or_else(|| Ok(Progress::default()), |path| read_from(&path))
}

fn read_from(path: &Path) -> Result<Progress, Trouble> {
    let trouble = |what: String| Trouble { path: path.display().to_string(), what };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Progress::default()),
        Err(error) => {
            return Err(trouble(said!(
                "your progress cannot be read ({error}); the course plays all the same",
                "读不了你的学习进度（{error}）；课照样可以学",
                error = error_text(&error)
            )));
        }
    };
    match serde_json::from_slice::<File>(&text) {
        Ok(file) if file.format == FORMAT && file.version <= VERSION => Ok(Progress { finished: file.finished }),
        _ => {
            let aside = (0..1000).map(|number| path.with_extension(format!("set-aside-{number}.json"))).find(|aside| !aside.exists());
            let moved = aside.filter(|aside| fs::rename(path, aside).is_ok());
            let where_to = moved.map_or_else(
                || either("it is left as it is", "文件留在原处").to_owned(),
                |aside| said!("it is now {aside}", "已改名为 {aside}", aside = aside.display()),
            );
            Err(trouble(said!(
                "this is damaged, or from a newer program; {where_to}, and your progress begins anew",
                "文件已损坏，或者来自更新的程序；{where_to}，学习进度从头记起"
            )))
        }
    }
}

/// Notes that a lesson is finished.
///
/// # Errors
/// [`Trouble`] if it cannot be written.
pub fn finish(slug: &str) -> Result<(), Trouble> {
    let Some(path) = path() else { return Ok(()) };
    finish_in(&path, slug)
}

fn finish_in(path: &Path, slug: &str) -> Result<(), Trouble> {
    let trouble = |what: &dyn std::fmt::Display| Trouble {
        path: path.display().to_string(),
        what: said!(
            "that you finished this lesson cannot be noted ({what}); the course plays all the same",
            "记不下你学完了这一课（{what}）；课照样可以学"
        ),
    };
    let mut finished = read_from(path)?.finished;
    finished.insert(slug.to_owned());
    let file = File { format: FORMAT.to_owned(), version: VERSION, finished };
    let text = serde_json::to_vec_pretty(&file).map_err(|error| trouble(&error))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| trouble(&error_text(&error)))?;
    }
    // Written whole beside it, then put in its place: nobody ever reads half a file.
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        let _ = fs::remove_file(&beside);
        trouble(&error_text(&error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("explore-progress-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder.join("state").join("progress.json")
    }

    #[test]
    fn what_is_finished_is_there_again() {
        let path = place("again");
        assert_eq!(read_from(&path).expect("none yet"), Progress::default());
        finish_in(&path, "socket").expect("written");
        finish_in(&path, "families").expect("written");
        let progress = read_from(&path).expect("read");
        assert!(progress.has("socket") && progress.has("families") && !progress.has("chat"));
        let _ = fs::remove_dir_all(path.parent().and_then(Path::parent).expect("a folder"));
    }

    #[test]
    fn a_damaged_or_newer_record_is_set_aside_and_not_overwritten() {
        let path = place("aside");
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        for text in ["{ half", r#"{"format":"socket-explorer progress","version":99,"finished":["x"]}"#] {
            fs::write(&path, text).expect("written");
            let trouble = read_from(&path).expect_err("not usable").to_string();
            let aside = trouble.split("it is now ").nth(1).and_then(|rest| rest.split(", and").next()).expect("a path");
            assert_eq!(fs::read_to_string(aside).expect("set aside"), text);
            assert!(!path.exists());
        }
        let _ = fs::remove_dir_all(path.parent().and_then(Path::parent).expect("a folder"));
    }
}
