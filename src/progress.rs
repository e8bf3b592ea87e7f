//! The learner's progress: a small file in the state folder (XDG Base Directory Specification).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::atomic_file::{replace, target_of};
use crate::i18n::{error_text, tr};

const FORMAT: &str = "socket-explorer progress";
const VERSION: u32 = 4;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The record of each lesson, by its slug.
    pub lessons: BTreeMap<String, Record>,
    /// What the order of options in predictions is drawn from, once a lesson has been played.
    pub seed: Option<u64>,
    /// The exercises that are done, by their lesson's slug.
    pub exercises: BTreeSet<String>,
    /// The lessons that have been begun since they were finished, if ever, the one played last at the end.
    pub begun: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    #[serde(default)]
    pub finished: bool,
    /// The last experiment seen to its end, if the lesson was left.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_after: Option<String>,
    /// Where the lesson was left, behind that experiment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_at: Option<LeftAt>,
    /// The option chosen in a prediction whose experiment has not been seen to its end.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub answers: BTreeMap<String, usize>,
    /// Whether the first prediction was right, by the experiment that answers it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub predictions: BTreeMap<String, bool>,
    /// The predictions that were wrong at first, and right when `explore quiz` asked again.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    pub put_right: BTreeSet<String>,
}

/// A place in a lesson: so many steps behind the last experiment seen to its end, or the beginning, and so many blocks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAt {
    pub steps: usize,
    pub blocks: usize,
}

impl Record {
    /// Whether the lesson goes on from another place than its beginning.
    pub fn goes_on(&self) -> bool {
        self.left_after.is_some() || self.left_at.is_some()
    }

    /// How many predictions were right.
    pub fn right(&self) -> usize {
        self.predictions.values().filter(|right| **right).count()
    }

    /// Whether the prediction that this experiment answers was wrong, and has not been put right since.
    pub fn is_missed(&self, experiment: &str) -> bool {
        self.predictions.get(experiment) == Some(&false) && !self.put_right.contains(experiment)
    }
}

impl Progress {
    pub fn of(&self, slug: &str) -> Option<&Record> {
        self.lessons.get(slug)
    }

    pub fn has(&self, slug: &str) -> bool {
        self.of(slug).is_some_and(|record| record.finished)
    }

    /// Whether the exercise of this lesson is done.
    pub fn has_done(&self, slug: &str) -> bool {
        self.exercises.contains(slug)
    }

    /// Whether a lesson has been begun and not finished.
    pub fn is_open(&self, slug: &str) -> bool {
        self.of(slug).is_some_and(|record| !record.finished && record.goes_on())
    }

    /// The lesson left last of those that are open.
    pub fn left_last(&self) -> Option<&str> {
        self.begun.iter().map(String::as_str).rfind(|slug| self.is_open(slug))
    }

    /// Notes that the exercise of this lesson is done.
    pub fn solve(&mut self, slug: &str) {
        self.exercises.insert(slug.to_owned());
    }

    pub fn is_empty(&self) -> bool {
        self.lessons.is_empty()
    }

    /// Notes that a lesson is finished.
    pub fn finish(&mut self, slug: &str) {
        let record = self.record(slug);
        (record.finished, record.left_after, record.left_at) = (true, None, None);
        record.answers.clear();
        self.begun.retain(|begun| begun != slug);
    }

    /// Notes that a lesson has been seen as far as the end of this experiment.
    pub fn reach(&mut self, slug: &str, experiment: &str) {
        let record = self.record(slug);
        (record.left_after, record.left_at) = (Some(experiment.to_owned()), None);
        record.answers.remove(experiment);
    }

    /// Notes where a lesson was left, behind the experiment seen last.
    pub fn leave(&mut self, slug: &str, at: Option<LeftAt>) {
        self.record(slug).left_at = at;
        self.begun.retain(|begun| begun != slug);
        self.begun.push(slug.to_owned());
    }

    /// Notes that a lesson begins anew.
    pub fn start_over(&mut self, slug: &str) {
        let record = self.record(slug);
        (record.left_after, record.left_at) = (None, None);
        record.answers.clear();
    }

    /// Notes the option chosen in a prediction before the experiment that answers it is seen.
    pub fn answer(&mut self, slug: &str, experiment: &str, option: usize) {
        self.record(slug).answers.insert(experiment.to_owned(), option);
    }

    /// Notes a prediction. The first one counts: later the answer is known.
    pub fn predict(&mut self, slug: &str, experiment: &str, right: bool) {
        self.record(slug).predictions.entry(experiment.to_owned()).or_insert(right);
    }

    /// Notes that a prediction that had been wrong was right when it was asked again.
    pub fn put_right(&mut self, slug: &str, experiment: &str) {
        self.record(slug).put_right.insert(experiment.to_owned());
    }

    /// The learner's seed, drawn if there is none yet.
    pub fn seed(&mut self) -> u64 {
        *self.seed.get_or_insert_with(random_seed)
    }

    fn record(&mut self, slug: &str) -> &mut Record {
        self.lessons.entry(slug.to_owned()).or_default()
    }
}

/// A random number, from the keys that the standard library draws for hash tables.
pub fn random_seed() -> u64 {
    RandomState::new().hash_one(())
}

#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    version: u32,
    #[serde(default)]
    lessons: BTreeMap<String, Record>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", default)]
    exercises: BTreeSet<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    begun: Vec<String>,
    /// What version 1 had instead.
    #[serde(skip_serializing, default)]
    finished: BTreeSet<String>,
}

/// What every version of the file has.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

/// Why the contents of the file are not used.
enum Unusable {
    Damaged,
    /// A newer program wrote it, and can read more in it than this one.
    Newer,
}

/// Why the file cannot be used or written.
#[derive(Debug, Error)]
#[error("{path}: {what}")]
pub struct Trouble {
    path: String,
    what: String,
    /// A damaged file has been set aside, and a new one can be written.
    pub begun_anew: bool,
}

impl Trouble {
    fn with(path: &Path, what: String) -> Trouble {
        Trouble { path: path.display().to_string(), what, begun_anew: false }
    }

    fn unwritten(path: &Path, error: &dyn fmt::Display) -> Trouble {
        let what = tr!(
            "your progress cannot be saved ({error}); you can take the course all the same",
            error
        );
        Trouble::with(path, what)
    }
}

/// The path of the file, if the system has a folder for it.
pub fn path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir().unwrap_or_else(|| base.data_dir()).join("explore").join("progress.json"))
}

/// Reads the record; one that does not exist yet is empty. One that is damaged is set aside, one of a newer program is left alone,
/// and both are reported as [`Trouble`].
pub fn read() -> Result<Progress, Trouble> {
    let Some(path) = path() else {
        return Ok(Progress::default());
    };
    if let Ok(Ok(progress)) = fs::read(&path).map(|text| parse(&text)) {
        return Ok(progress);
    }
    // Another process may just have replaced the file: read it again under the lock before setting it aside.
    let _alone = lock(&path);
    read_from(&path)
}

/// Waits for other processes; on a file system without locks the last one to write wins.
fn lock(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    let lock =
        options.write(true).create(true).truncate(false).open(path.with_extension("lock"))?;
    let _ = lock.lock();
    Ok(lock)
}

fn parse(text: &[u8]) -> Result<Progress, Unusable> {
    match serde_json::from_slice::<Head>(text) {
        Ok(head) if head.format == FORMAT && head.version > VERSION => return Err(Unusable::Newer),
        Ok(head) if head.format == FORMAT => {}
        _ => return Err(Unusable::Damaged),
    }
    let File { lessons, seed, exercises, begun, finished, .. } =
        serde_json::from_slice(text).map_err(|_| Unusable::Damaged)?;
    let mut progress = Progress { lessons, seed, exercises, begun };
    finished.iter().for_each(|slug| progress.finish(slug));
    Ok(progress)
}

/// Reads the file, changes it and writes it, under a lock, so that two lessons at once lose nothing.
pub fn change(how: impl FnOnce(&mut Progress)) -> Result<(), Trouble> {
    path().map_or(Ok(()), |path| change_in(&path, how))
}

/// Sets the file aside, and returns its new path.
pub fn reset() -> Result<Option<PathBuf>, Trouble> {
    path().map_or(Ok(None), |path| reset_in(&path))
}

fn reset_in(path: &Path) -> Result<Option<PathBuf>, Trouble> {
    if !path.exists() {
        return Ok(None);
    }
    set_aside(path).map(Some).map_err(|error| {
        Trouble::with(
            path,
            tr!("it cannot be renamed: {error}; nothing was changed", error = error_text(&error)),
        )
    })
}

/// Moves the file to a free name. A link to it stays, and the next file is written where it points.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let path = &target_of(path);
    let free = (0..1000)
        .map(|number| path.with_extension(format!("set-aside-{number}.json")))
        .find(|aside| !aside.exists());
    let aside = free.ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    fs::rename(path, &aside).map(|()| aside)
}

fn read_from(path: &Path) -> Result<Progress, Trouble> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Progress::default()),
        Err(error) => {
            let what = tr!(
                "your progress cannot be read ({error}); you can take the course all the same",
                error = error_text(&error)
            );
            return Err(Trouble::with(path, what));
        }
    };
    let what = match parse(&text) {
        Ok(progress) => return Ok(progress),
        Err(Unusable::Newer) => {
            let what = tr!(
                "a newer `explore` wrote this file, so it is left as it is, and nothing is added to it: use the newer `explore`; you can take the course all the same"
            );
            return Err(Trouble::with(path, what.to_owned()));
        }
        Err(Unusable::Damaged) => set_aside(path),
    };
    let begun_anew = what.is_ok();
    let what = match what {
        Ok(place) => tr!(
            "this file is damaged; it is now {place}, and your progress starts over",
            place = place.display()
        ),
        Err(error) => tr!(
            "this file is damaged, and cannot be renamed ({error}); your progress is not saved",
            error = error_text(&error)
        ),
    };
    Err(Trouble { begun_anew, ..Trouble::with(path, what) })
}

fn change_in(path: &Path, how: impl FnOnce(&mut Progress)) -> Result<(), Trouble> {
    let unwritten = |error: io::Error| Trouble::unwritten(path, &error_text(&error));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritten)?;
    }
    let _alone = lock(path).map_err(unwritten)?;
    let (mut progress, trouble) = match read_from(path) {
        Ok(progress) => (progress, None),
        Err(trouble) if !trouble.begun_anew => return Err(trouble),
        Err(trouble) => (Progress::default(), Some(trouble)),
    };
    how(&mut progress);
    let file = File {
        format: FORMAT.to_owned(),
        version: VERSION,
        lessons: progress.lessons,
        seed: progress.seed,
        exercises: progress.exercises,
        begun: progress.begun,
        finished: BTreeSet::new(),
    };
    let text = serde_json::to_vec_pretty(&file).map_err(|error| unwritten(error.into()))?;
    replace(path, &text).map_err(unwritten)?;
    trouble.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder for a test, and the path of a record in it whose own folder is still to be made.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state").join("progress.json");
        (folder, path)
    }

    #[test]
    fn what_is_noted_is_there_again() {
        let (_folder, path) = place();
        assert_eq!(read_from(&path).expect("none yet"), Progress::default());
        change_in(&path, |progress| progress.finish("socket")).expect("written");
        change_in(&path, |progress| progress.predict("families", "who-may-connect", true))
            .expect("written");
        change_in(&path, |progress| progress.predict("families", "who-may-connect", false))
            .expect("written");
        change_in(&path, |progress| progress.reach("families", "who-may-connect"))
            .expect("written");
        let progress = read_from(&path).expect("read");
        assert!(progress.has("socket") && !progress.has("families") && !progress.has("chat"));
        let families = progress.of("families").expect("noted");
        assert_eq!(
            (families.right(), families.left_after.as_deref()),
            (1, Some("who-may-connect")),
            "the first prediction counts"
        );
    }

    #[test]
    fn a_learners_seed_is_drawn_once() {
        let (_folder, path) = place();
        let mut drawn = Vec::new();
        for _ in 0..2 {
            change_in(&path, |progress| drawn.push(progress.seed())).expect("written");
        }
        assert_eq!(drawn[0], drawn[1]);
        assert_eq!(read_from(&path).expect("read").seed, Some(drawn[0]));
    }

    #[test]
    fn a_record_of_the_first_version_is_read() {
        let (_folder, path) = place();
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(
            &path,
            r#"{"format":"socket-explorer progress","version":1,"finished":["socket"]}"#,
        )
        .expect("written");
        change_in(&path, |progress| progress.finish("layers")).expect("written");
        let progress = read_from(&path).expect("read");
        assert!(progress.has("socket") && progress.has("layers"));
    }

    #[test]
    fn a_damaged_record_is_set_aside_and_not_overwritten() {
        let (_folder, path) = place();
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        for text in ["{ half", r#"{"format":"another","version":99}"#] {
            fs::write(&path, text).expect("written");
            let trouble = change_in(&path, |progress| progress.finish("chat"))
                .expect_err("not usable")
                .to_string();
            let aside = trouble
                .split("it is now ")
                .nth(1)
                .and_then(|rest| rest.split(", and").next())
                .expect("a path");
            assert_eq!(fs::read_to_string(aside).expect("set aside"), text);
            assert!(
                read_from(&path).expect("begun anew").has("chat"),
                "what was to be noted is noted all the same"
            );
        }
    }

    #[test]
    fn the_record_of_a_newer_program_is_left_as_it_is() {
        let (_folder, path) = place();
        let folder = path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("made");
        let text =
            r#"{"format":"socket-explorer progress","version":99,"lessons":["another shape"]}"#;
        fs::write(&path, text).expect("written");
        for _ in 0..2 {
            let trouble = change_in(&path, |progress| progress.finish("chat"))
                .expect_err("not usable")
                .to_string();
            assert!(trouble.contains("a newer `explore`"), "{trouble}");
            assert!(read_from(&path).is_err());
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
        let beside = fs::read_dir(folder).expect("a folder").count();
        assert_eq!(beside, 2, "the file and its lock: nothing was set aside");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_record_stays_a_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let (folder, path) = place();
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        symlink("../kept.json", &path).expect("a link to nothing yet");
        let kept = folder.path().join("kept.json");
        let is_link = || fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink());
        change_in(&path, |progress| progress.finish("socket")).expect("written");
        assert!(is_link() && read_from(&kept).expect("there").has("socket"));
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).expect("ours");
        change_in(&path, |progress| progress.finish("layers")).expect("written");
        let mode = fs::metadata(&kept).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "who may read it has not changed");
        let aside = reset_in(&path).expect("moved").expect("there was one");
        assert!(is_link() && read_from(&aside).expect("kept").has("layers"));
        change_in(&path, |progress| progress.finish("chat")).expect("written");
        assert!(is_link() && read_from(&kept).expect("there").has("chat"));
    }

    #[test]
    fn a_place_and_an_answer_are_kept_until_the_experiment_is_seen() {
        let (_folder, path) = place();
        let change = |how: fn(&mut Progress)| change_in(&path, how).expect("written");
        let record = || read_from(&path).expect("read").of("families").expect("noted").clone();
        let at = LeftAt { steps: 2, blocks: 3 };
        change(|progress| progress.answer("families", "dual-stack", 1));
        change(|progress| progress.leave("families", Some(LeftAt { steps: 2, blocks: 3 })));
        assert!(record().goes_on() && record().left_at == Some(at));
        assert_eq!(record().answers.get("dual-stack"), Some(&1));
        change(|progress| progress.reach("families", "dual-stack"));
        let seen = record();
        assert_eq!((seen.left_at, seen.answers.len()), (None, 0), "the place is behind it");
        assert!(seen.goes_on());
        change(|progress| progress.leave("families", Some(LeftAt { steps: 2, blocks: 3 })));
        change(|progress| progress.start_over("families"));
        assert!(!record().goes_on());
    }

    #[test]
    fn the_lesson_left_last_is_the_one_to_go_on_with() {
        let (_folder, path) = place();
        let change = |how: fn(&mut Progress)| change_in(&path, how).expect("written");
        let last = || read_from(&path).expect("read").left_last().map(str::to_owned);
        let at = || Some(LeftAt { steps: 0, blocks: 2 });
        for slug in ["families", "layers", "chat"] {
            change_in(&path, |progress| progress.leave(slug, at())).expect("written");
        }
        change_in(&path, |progress| progress.leave("layers", at())).expect("written");
        assert_eq!(last().as_deref(), Some("layers"));
        change(|progress| progress.leave("socket", None));
        assert_eq!(last().as_deref(), Some("layers"), "of the other nothing was read");
        change(|progress| progress.finish("layers"));
        assert_eq!(last().as_deref(), Some("chat"));
        change_in(&path, |progress| progress.leave("layers", at())).expect("written");
        assert_eq!(last().as_deref(), Some("chat"), "one that is finished is played again");
    }

    #[test]
    fn what_was_put_right_is_no_longer_missed() {
        let (_folder, path) = place();
        let change = |how: fn(&mut Progress)| change_in(&path, how).expect("written");
        change(|progress| progress.predict("families", "dual-stack", false));
        change(|progress| progress.predict("families", "who-may-connect", false));
        change(|progress| progress.put_right("families", "dual-stack"));
        let progress = read_from(&path).expect("read");
        let families = progress.of("families").expect("noted");
        assert!(!families.is_missed("dual-stack") && families.is_missed("who-may-connect"));
        assert!(!families.is_missed("ipv6-only"), "it was never asked");
        assert_eq!(families.right(), 0, "the first answer counts");
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let (_folder, path) = place();
        std::thread::scope(|scope| {
            for number in 0..16 {
                let path = &path;
                scope.spawn(move || {
                    change_in(path, |progress| progress.finish(&format!("lesson-{number}")))
                        .expect("written")
                });
            }
        });
        assert_eq!(read_from(&path).expect("read").lessons.len(), 16);
    }

    #[test]
    fn to_begin_anew_keeps_what_there_was() {
        let (_folder, path) = place();
        assert_eq!(reset_in(&path).expect("nothing to do"), None);
        change_in(&path, |progress| progress.finish("socket")).expect("written");
        let aside = reset_in(&path).expect("moved").expect("there was one");
        assert!(
            read_from(&aside).expect("kept").has("socket")
                && read_from(&path).expect("anew").is_empty()
        );
    }
}
