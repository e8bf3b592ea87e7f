//! The lessons that are part of the program: the folder `lessons/`, embedded whole. A lesson is a folder in it, such as
//! `06-handshake/`, with a text in each language (`en.md`), a whole program (`program.py`, `program.c`), and the recordings of its
//! experiments (`recordings/NAME.jsonl`). The cases of `explore why` are such folders too, in `cases/`.

use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::i18n::{self, Language};

static LESSONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/lessons");

/// The folder of the cases.
const CASES: &str = "cases";

/// The folder of one lesson, or of one case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Folder {
    pub number: u32,
    pub slug: &'static str,
    dir: &'static Dir<'static>,
}

impl Folder {
    fn of(dir: &'static Dir<'static>) -> Option<Folder> {
        let (number, slug) = dir.path().file_name()?.to_str()?.split_once('-')?;
        Some(Folder { number: number.parse().ok()?, slug, dir })
    }

    /// Its name: `06-handshake`.
    pub fn name(&self) -> String {
        self.dir.path().display().to_string()
    }

    /// Its path from the project's root and its text, in the reader's language, or in English if it is not translated.
    pub fn text(&self) -> (String, &'static str) {
        [i18n::spoken(), Language::ENGLISH]
            .into_iter()
            .find_map(|language| self.text_in(language))
            .unwrap_or_default()
    }

    /// Its path and its text in this language, if there is one.
    pub fn text_in(&self, language: Language) -> Option<(String, &'static str)> {
        let file = self.dir.get_file(self.dir.path().join(file_name(language)))?;
        Some((format!("lessons/{}", file.path().display()), file.contents_utf8()?))
    }

    /// The path and the text of a task in it, if it has this exercise: `exercise`, `bonus`.
    pub fn task(&self, exercise: &str) -> Option<(String, &'static str)> {
        [i18n::spoken(), Language::ENGLISH].into_iter().find_map(|language| {
            let inside = Path::new(exercise).join(file_name(language));
            let file = self.dir.get_file(self.dir.path().join(inside))?;
            Some((format!("lessons/{}", file.path().display()), file.contents_utf8()?))
        })
    }

    /// The files in a folder of it, `exercise/start/python`, each with its name; none if there is no such folder.
    pub fn files(&self, folder: &Path) -> Vec<(String, &'static str)> {
        let path = self.dir.path().join(folder);
        let files = self.dir.get_dir(path).into_iter().flat_map(|dir| dir.files());
        let named = files.filter_map(|file| {
            let name = file.path().file_name()?.to_str()?;
            Some((name.to_owned(), file.contents_utf8()?))
        });
        named.collect()
    }

    /// The text of another file in it.
    pub fn file(&self, name: &str) -> Option<&'static str> {
        self.dir.get_file(self.dir.path().join(name))?.contents_utf8()
    }
}

/// The name of a lesson's text in this language.
pub(super) fn file_name(language: Language) -> String {
    format!("{}.md", language.tag())
}

/// The lessons, in the order of the course.
pub(super) fn folders() -> Vec<Folder> {
    in_order(LESSONS.dirs())
}

/// The cases, in the order of their numbers.
pub(super) fn cases() -> Vec<Folder> {
    in_order(LESSONS.get_dir(CASES).into_iter().flat_map(Dir::dirs))
}

fn in_order(dirs: impl Iterator<Item = &'static Dir<'static>>) -> Vec<Folder> {
    let mut folders: Vec<_> = dirs.filter_map(Folder::of).collect();
    folders.sort_by_key(|folder| folder.number);
    folders
}

/// The table of the messages of errors.
pub(super) fn messages() -> &'static str {
    let file = LESSONS.get_file(Path::new(CASES).join("messages.md"));
    file.and_then(|file| file.contents_utf8()).unwrap_or_default()
}

/// The table of the glossary.
pub(super) fn glossary() -> &'static str {
    LESSONS.get_file("glossary.md").and_then(|file| file.contents_utf8()).unwrap_or_default()
}

/// The recording of this experiment that ships with the program, if there is one.
pub fn recording(experiment: &str) -> Option<&'static [u8]> {
    let file = Path::new("recordings").join(format!("{experiment}.jsonl"));
    let all = folders().into_iter().chain(cases());
    all.map(|folder| folder.dir)
        .find_map(|dir| dir.get_file(dir.path().join(&file)))
        .map(|file| file.contents())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn embedded(dir: &Dir<'_>) -> BTreeSet<PathBuf> {
        let below = dir.dirs().flat_map(embedded);
        dir.files().map(|file| file.path().to_owned()).chain(below).collect()
    }

    fn on_disk(folder: &Path, root: &Path) -> BTreeSet<PathBuf> {
        let entries =
            fs::read_dir(folder).expect("the lessons").map(|entry| entry.expect("an entry"));
        entries
            .flat_map(|entry| {
                let path = entry.path();
                if path.is_dir() {
                    on_disk(&path, root)
                } else {
                    BTreeSet::from([path.strip_prefix(root).expect("below it").to_owned()])
                }
            })
            .collect()
    }

    #[test]
    fn the_embedded_lessons_are_those_of_the_folder() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lessons"));
        let (embedded, on_disk) = (embedded(&LESSONS), on_disk(root, root));
        let differ: Vec<_> = embedded.symmetric_difference(&on_disk).collect();
        assert!(
            differ.is_empty(),
            "cargo does not notice a file that is added or removed: `touch src/lesson/catalogue.rs`, then build again; {differ:?}"
        );
    }

    #[test]
    fn every_folder_is_a_lesson_with_a_text_in_every_language() {
        let cases_folder = LESSONS.get_dir(CASES).expect("there are cases");
        let all = LESSONS.dirs().count() - 1 + cases_folder.dirs().count();
        assert_eq!(folders().len() + cases().len(), all, "a folder is not called NN-slug");
        for folder in folders().into_iter().chain(cases()) {
            for language in Language::all() {
                let path = folder.dir.path().join(file_name(language));
                let file = folder.dir.get_file(&path);
                assert!(file.is_some_and(|file| file.contents_utf8().is_some()), "{path:?}");
            }
        }
    }
}
