//! Whether a lesson names only what there is. The player alone can say: it knows the lessons, the table and the views.

use crate::capture::parameter;
use crate::experiments::{self, Experiment};
use crate::i18n::either;
use crate::lesson::{CourseError, Lesson, Named, Show};
use crate::views;
use crate::words;

/// The known name that is nearest to a wrong one, if any is near.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    if wrong.is_empty() {
        return None;
    }
    known
        .into_iter()
        .map(|name| {
            let likeness = strsim::jaro_winkler(&wrong, &name.to_lowercase());
            (name, if name.contains(&wrong) { likeness.max(0.9) } else { likeness })
        })
        .filter(|(_, likeness)| *likeness > 0.75)
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(name, _)| name)
}

/// “; did you mean `x`?”, or nothing.
#[must_use]
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map_or_else(String::new, words::did_you_mean)
}

/// Checks every name in a lesson against the table of experiments and the views.
///
/// # Errors
/// The first line that names what there is not, or leaves out a claim that the experiment checks.
pub fn lesson(lesson: &Lesson) -> Result<(), CourseError> {
    lesson.shows().try_for_each(|show| shown(&lesson.file, show))
}

fn shown(file: &str, show: &Show) -> Result<(), CourseError> {
    let wrong =
        |at: &Named, what: String| CourseError::Line { file: file.to_owned(), line: at.line, what };
    let name = show.experiment.name.as_str();
    let experiment: &Experiment = experiments::find(name).ok_or_else(|| {
        let near = did_you_mean(name, experiments::all().map(|experiment| experiment.name));
        wrong(&show.experiment, words::no_experiment(name, &near))
    })?;
    if let Some(view) = show.views.iter().find(|view| views::View::find(&view.name).is_none()) {
        let known = views::NAMES.map(|(name, _)| name);
        let near = did_you_mean(&view.name, known);
        return Err(wrong(
            view,
            words::no_view(&view.name, &near, &known.join(either(", ", "、"))),
        ));
    }
    for setting in &show.settings {
        parameter::settle(name, experiment.parameters, std::slice::from_ref(&setting.name))
            .map_err(|error| wrong(setting, error.to_string()))?;
    }
    if let Some(line) =
        show.claims.iter().find(|line| !experiment.claims.contains(&line.claim.name.as_str()))
    {
        let near = did_you_mean(&line.claim.name, experiment.claims.iter().copied());
        return Err(wrong(&line.claim, words::no_claim(name, &line.claim.name, &near)));
    }
    match experiment
        .claims
        .iter()
        .find(|claim| !show.claims.iter().any(|line| line.claim.name == **claim))
    {
        Some(left_out) => Err(wrong(&show.experiment, words::claim_left_out(name, left_out))),
        None => Ok(()),
    }
}
