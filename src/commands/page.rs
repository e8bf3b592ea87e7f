//! A lesson as a page: each experiment is run as a lesson without a terminal runs it, and what was recorded goes to `page`.

use std::path::Path;

use super::atomic_file::AtomicFile;
use super::report::{self, Judged, Told};
use super::{Done, Failure, Player, shipped};
use crate::analysis::Analysis;
use crate::capture::sys;
use crate::i18n::tr;
use crate::lesson::{Lesson, Show, Step};
use crate::output::html::{self, Checked, Code, Drawn, Made, Page, Place, Recorded, Run};
use crate::picture::{Ink, Picture};
use crate::reasons;
use crate::trace::recording::{Header, Origin, Recording};
use crate::trace::{Ending, EventKind};
use crate::views;
use crate::views::trace::{Detail, Trace};
use crate::views::{Numbers, View};
use crate::words::{self, Counts};

/// A trace on a page has no more lines.
const LONGEST_TRACE: usize = 400;

impl Player {
    /// Runs a lesson and writes it to this file as a page; `-` is standard output.
    ///
    /// # Errors
    /// [`Failure`], see there. Nothing has run if the file cannot be written.
    pub fn lesson_page(&mut self, which: &str, file: &Path) -> Result<Counts, Failure> {
        let lesson = self.chosen(which)?;
        let whole = AtomicFile::to(file)?;
        self.open_sinks()?;
        let page = self.page(&lesson, None)?;
        whole.write(&page.html())?;
        self.terminal.wrapped("", &tr!("Written: {path}", path = file.display()), Ink::Strong)?;
        self.terminal.flush()?;
        Ok(page.counts)
    }

    /// Runs a lesson, a line on the terminal for each experiment, and gathers what its page tells.
    pub(super) fn page(&mut self, lesson: &Lesson, place: Option<Place>) -> Result<Page, Failure> {
        self.terminal.wrapped(
            "",
            &words::lesson_title(lesson.number, &lesson.title),
            Ink::Strong,
        )?;
        let mut page = Page {
            number: lesson.number,
            title: lesson.title.clone(),
            question: lesson.question.clone(),
            made: made_now(),
            steps: Vec::new(),
            counts: Counts::default(),
            place,
        };
        let mut open = None;
        for step in &lesson.steps {
            page.steps.push(match step {
                Step::Prose(markdown) => html::Step::Prose(markdown.clone()),
                Step::Predict(prediction) => {
                    open = Some(prediction.options[prediction.right].clone());
                    html::Step::Predict {
                        question: prediction.question.clone(),
                        options: prediction.options.clone(),
                    }
                }
                Step::Experiment(show) => {
                    let (run, counts) = self.shown_on_page(show, open.take())?;
                    page.counts += counts;
                    html::Step::Run(Box::new(run))
                }
            });
        }
        Ok(page)
    }

    /// Runs an experiment; where this machine cannot, its shipped recording is shown instead, marked as one.
    fn shown_on_page(
        &mut self,
        show: &Show,
        answer: Option<String>,
    ) -> Result<(Run, Counts), Failure> {
        let experiment = show.experiment;
        let Done { recording, aftermath } = self.run_live(experiment, &show.settings)?;
        let instead = match recording.ending() {
            Some(Ending::Unavailable { why }) => {
                shipped::recording(experiment.name).map(|shipped| (why.clone(), shipped))
            }
            _ => None,
        };
        let (recording, judged, recorded) = match instead {
            Some((why, shipped)) => {
                let judged = report::judge(&show.claims, &shipped, Told::Recorded);
                let recorded =
                    Recorded { why: reasons::lack(&why), made: made_of(&shipped.header) };
                (shipped, judged, Some(recorded))
            }
            None => {
                let judged = report::judge(&show.claims, &recording, Told::Live(&aftermath));
                (recording, judged, None)
            }
        };
        let counts = report::count(&judged);
        let (mark, ink) = match counts {
            Counts { broken: 1.., .. } => ("  ✗ ", Ink::Bad),
            Counts { not_checked: 1.., .. } => ("  ○ ", Ink::Warn),
            _ => ("  ✓ ", Ink::Plain),
        };
        let (name, told) = (experiment.name, words::counts(counts));
        let told = match recorded {
            Some(_) => tr!("{experiment}: a recording; {counts}", experiment = name, counts = told),
            None => tr!("{experiment}: {counts}", experiment = name, counts = told),
        };
        self.terminal.wrapped(mark, &told, ink)?;
        self.terminal.flush()?;
        let (trace, trace_more) = self.whole_trace(&recording);
        let run = Run {
            experiment: experiment.name.to_owned(),
            code: experiment.source().filter(|_| show.code).map(|(first, lines)| Code {
                path: experiment.file.to_owned(),
                first,
                lines: lines.into_iter().map(str::to_owned).collect(),
            }),
            recorded,
            troubles: troubles(&recording),
            trace,
            trace_more,
            pictures: self.drawn(show, &recording),
            claims: judged.into_iter().map(checked).collect(),
            answer,
        };
        Ok((run, counts))
    }

    fn drawn(&self, show: &Show, recording: &Recording) -> Vec<Drawn> {
        let localized = views::localize(recording);
        let analysis = Analysis::of(&localized);
        let numbers = if self.verbose > 2 { Numbers::True } else { Numbers::Relative };
        let draw = |view: &View| Drawn {
            view: view.name().to_owned(),
            wide: view.draw_with(&analysis, html::WIDE, numbers),
            narrow: view.draw_with(&analysis, html::NARROW, numbers),
        };
        show.views.iter().map(draw).collect()
    }

    /// The trace as far as a page has room for it, and how much longer it is.
    fn whole_trace(&self, recording: &Recording) -> (Picture, usize) {
        let detail = match self.verbose {
            0 | 1 => Detail::Calls,
            2 => Detail::Kernel,
            _ => Detail::Frames,
        };
        let mut trace = Trace::new(detail, html::WIDE);
        let events = recording.events().iter();
        let mut rows: Vec<_> = events.flat_map(|event| trace.push(event)).collect();
        rows.extend(trace.pause());
        let more = rows.len().saturating_sub(LONGEST_TRACE);
        rows.truncate(LONGEST_TRACE);
        (Picture(rows), more)
    }
}

/// A deadline that struck, and who was blocked then.
pub(super) fn troubles(recording: &Recording) -> Vec<String> {
    let struck = recording.events().iter().find_map(|event| match &event.what {
        EventKind::Deadline { limit_ns, blocked } => Some(words::deadline(*limit_ns, blocked)),
        _ => None,
    });
    struck.unwrap_or_default()
}

/// This machine, now.
pub(super) fn made_now() -> Made {
    made_of(&Header::now(sys::name(), Origin::Program { argv: Vec::new() }))
}

fn made_of(header: &Header) -> Made {
    Made { kernel: header.kernel.clone(), date: header.date_to_the_second() }
}

fn checked(judged: Judged) -> Checked {
    let mut evidence: Vec<_> =
        judged.evidence.iter().map(|one| (one.held, report::comparison(one))).collect();
    evidence.sort_by_key(|(held, _)| *held);
    Checked { sentence: judged.sentence, verdict: judged.verdict, evidence, why: judged.why }
}
