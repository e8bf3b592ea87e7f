//! Names that an author or a learner types: what each stands for, or which known name is near.

use crate::experiments::{self, Experiment, Listing};
use crate::i18n::{command, tr};
use crate::views::{self, View};

/// The known name most similar to a wrong one, if one is similar.
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
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map_or_else(String::new, |near| tr!("; did you mean `{near}`?", near))
}

/// The experiment of that name, or a sentence that says that there is none.
pub(super) fn experiment(name: &str) -> Result<&'static Experiment, String> {
    experiments::find(name).ok_or_else(|| no_experiment(name))
}

/// The judge of that name, or a sentence that says that there is none.
pub(super) fn judge(name: &str) -> Result<&'static Experiment, String> {
    experiments::find_judge(name).ok_or_else(|| tr!("there is no judge `{name}`", name))
}

/// Says that there is no experiment of that name, and which name is near.
pub fn no_experiment(name: &str) -> String {
    let near = did_you_mean(name, experiments::all().map(|experiment| experiment.name));
    let list = command("run --list");
    tr!("there is no experiment `{name}`{near} (`{list}` shows all)", name, near, list)
}

/// The view of that name, or a sentence that says that there is none.
pub(super) fn view(name: &str) -> Result<View, String> {
    View::find(name).ok_or_else(|| {
        let known: Vec<_> = views::all().map(View::name).collect();
        let near = did_you_mean(name, known.iter().copied());
        let all = known.join(tr!(context "list", ", "));
        tr!("there is no view `{name}`{near} (there are {all})", name, near, all)
    })
}

/// A function that a lesson shows beside an experiment: `FUNCTION` of the experiment's file, or `FILE FUNCTION`.
pub(super) fn function(experiment: &Experiment, words: &str) -> Result<Listing, String> {
    let (file, function) = words.split_once(' ').unwrap_or((experiment.file, words));
    let function = function.trim();
    experiments::find_listing(file, function).ok_or_else(|| {
        tr!(
            "there is no function `{function}` in {file}: `code:` takes `no`, a function of the experiment's file, or a file below src/experiments or src/chat and its function",
            function,
            file
        )
    })
}

/// Says that the experiment makes no claim of that name.
pub(super) fn no_claim(experiment: &Experiment, claim: &str) -> String {
    let (name, near) = (experiment.name, did_you_mean(claim, experiment.claim_names()));
    tr!("`{name}` checks no claim `{claim}`{near}", name, claim, near)
}

/// Says that a lesson leaves out a claim that the experiment makes.
pub(super) fn claim_left_out(experiment: &Experiment, claim: &str) -> String {
    tr!(
        "`{name}` also checks the claim `{claim}`: give it a sentence",
        name = experiment.name,
        claim
    )
}
