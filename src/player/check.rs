//! Whether a lesson names only what there is. The player alone can say: it knows the lessons, the table and the views.

use crate::course::{CourseError, Lesson, Named, Show};
use crate::experiments::{self, Experiment};
use crate::lab::parameter;
use crate::views;

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

/// `; did you mean ‘x’?`, or nothing.
#[must_use]
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Checks every name in a lesson against the table of experiments and the views.
///
/// # Errors
/// The first line that names what there is not, or leaves out a claim that the experiment checks.
pub fn lesson(lesson: &Lesson) -> Result<(), CourseError> {
    lesson.shows().try_for_each(|show| shown(&lesson.file, show))
}

fn shown(file: &str, show: &Show) -> Result<(), CourseError> {
    let wrong = |at: &Named, what: String| CourseError::Line { file: file.to_owned(), line: at.line, what };
    let name = show.experiment.name.as_str();
    let experiment: &Experiment = experiments::find(name).ok_or_else(|| {
        let near = did_you_mean(name, experiments::all().map(|experiment| experiment.name));
        wrong(&show.experiment, format!("there is no experiment `{name}`{near} (`explore run --list` shows all)"))
    })?;
    if let Some(view) = show.views.iter().find(|view| views::View::find(&view.name).is_none()) {
        let known = views::NAMES.map(|(name, _)| name);
        let near = did_you_mean(&view.name, known);
        return Err(wrong(view, format!("there is no view `{}`{near} (there are {})", view.name, known.join(", "))));
    }
    for setting in &show.settings {
        parameter::settle(name, experiment.parameters, std::slice::from_ref(&setting.name))
            .map_err(|error| wrong(setting, error.to_string()))?;
    }
    if let Some(line) = show.claims.iter().find(|line| !experiment.claims.contains(&line.claim.name.as_str())) {
        let near = did_you_mean(&line.claim.name, experiment.claims.iter().copied());
        return Err(wrong(&line.claim, format!("`{name}` checks no claim `{}`{near}", line.claim.name)));
    }
    match experiment.claims.iter().find(|claim| !show.claims.iter().any(|line| line.claim.name == **claim)) {
        Some(left_out) => Err(wrong(&show.experiment, format!("`{name}` also checks the claim `{left_out}`: give it a sentence"))),
        None => Ok(()),
    }
}
