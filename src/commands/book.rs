//! All lessons of the language as pages, and an index to them.

use std::fs;
use std::path::Path;

use super::atomic_file::AtomicFile;
use super::page::made_now;
use super::{Failure, Player};
use crate::i18n::tr;
use crate::lesson::{self, Lesson};
use crate::output::html::{Chapter, Index, Link, Place};
use crate::picture::Ink;
use crate::words::{self, Counts};

impl Player {
    /// Runs every lesson and writes it to this folder, which is made if it is not there; then the index. Nothing else in it is touched.
    ///
    /// # Errors
    /// [`Failure`], see there.
    pub fn book(&mut self, folder: &Path) -> Result<Counts, Failure> {
        let lessons = lesson::lessons()?;
        fs::create_dir_all(folder)
            .map_err(|error| Failure::Unable(words::no_new_folder(folder, &error)))?;
        let index = AtomicFile::to(&folder.join("index.html"))?;
        let pages = lessons
            .iter()
            .map(|lesson| AtomicFile::to(&folder.join(file(lesson))))
            .collect::<Result<Vec<_>, _>>()?;
        let made = made_now();
        let (mut counts, mut chapters) = (Counts::default(), Vec::new());
        for (number, (lesson, whole)) in lessons.iter().zip(&pages).enumerate() {
            let place = Place {
                previous: number.checked_sub(1).map(|before| link(&lessons[before])),
                next: lessons.get(number + 1).map(link),
            };
            let page = self.page(lesson, Some(place))?;
            whole.write(&page.html())?;
            counts += page.counts;
            chapters.push(Chapter {
                link: link(lesson),
                question: lesson.question.clone(),
                counts: page.counts,
            });
        }
        index.write(&Index { made, lessons: chapters }.html())?;
        self.terminal.wrapped(
            "",
            &words::counts(counts),
            if counts.broken > 0 { Ink::Bad } else { Ink::Good },
        )?;
        self.terminal.wrapped(
            "",
            &tr!("Written: {path}", path = folder.join("index.html").display()),
            Ink::Strong,
        )?;
        self.terminal.flush()?;
        Ok(counts)
    }
}

fn file(lesson: &Lesson) -> String {
    match lesson.number {
        Some(number) => format!("{number:02}-{}.html", lesson.slug),
        None => format!("{}.html", lesson.slug),
    }
}

fn link(lesson: &Lesson) -> Link {
    Link { file: file(lesson), number: lesson.number, title: lesson.title.clone() }
}
