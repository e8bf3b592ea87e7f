//! `book`: all lessons in one language as pages, with an index.

use std::fs;

use super::page::{self, this_machine};
use super::page_file::PageFile;
use super::{Failure, Session, report};
use crate::cli;
use crate::i18n::tr;
use crate::lesson::{self, Lesson};
use crate::output::html::{Chapter, Index, Link, Place};
use crate::picture::Ink;
use crate::trace::Counts;

/// Runs every lesson and writes its page, then the index, to a folder. The folder is created if needed, and other files in it
/// are left alone.
pub fn run(args: &cli::Book, session: &mut Session) -> Result<(), Failure> {
    let folder = args.out.as_path();
    let lessons = lesson::lessons_and_cases()?;
    fs::create_dir_all(folder).map_err(|error| Failure::NoNewFolder(folder.to_owned(), error))?;
    let index = PageFile::to(&folder.join("index.html"))?;
    let pages = lessons
        .iter()
        .map(|lesson| PageFile::to(&folder.join(file(lesson))))
        .collect::<Result<Vec<_>, _>>()?;
    session.running.expect(lessons.iter().flat_map(Lesson::shows).count());
    let provenance = this_machine();
    let (mut counts, mut chapters) = (Counts::default(), Vec::new());
    for (number, (lesson, file)) in lessons.iter().zip(&pages).enumerate() {
        let place = Place {
            previous: number.checked_sub(1).map(|before| link(&lessons[before])),
            next: lessons.get(number + 1).map(link),
        };
        let page = page::make(session, lesson, Some(place))?;
        file.write(&page.html())?;
        counts += page.counts;
        chapters.push(Chapter {
            link: link(lesson),
            question: lesson.question.clone(),
            counts: page.counts,
        });
    }
    index.write(&Index { provenance, lessons: chapters }.html())?;
    report::show_counts(&mut session.terminal, counts)?;
    let written = tr!("Written: {path}", path = folder.join("index.html").display());
    session.terminal.wrapped("", &written, Ink::Strong)?;
    session.terminal.flush()?;
    report::outcome(counts)
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
