//! The requirements of an exercise after a check: each with its mark, of one that is not met what was expected and what came instead, and
//! of those that were not checked why.

use crate::commands::report::{self, Judged};
use crate::i18n::tr;
use crate::labels;
use crate::output::sentences;
use crate::output::terminal::{self, Terminal};
use crate::picture::Ink;
use crate::trace::{Evidence, Verdict};

/// Shows a requirement that was checked, with all that was compared if that is wanted.
pub(super) fn show(
    terminal: &mut Terminal,
    one: &Judged,
    with_evidence: bool,
) -> terminal::Result<()> {
    terminal.together(|terminal| {
        let is_met = one.verdict == Verdict::Held;
        let (mark, ink) = if is_met { ("✓ ", Ink::Good) } else { ("✗ ", Ink::Bad) };
        terminal.marked(mark, ink, &one.sentence, Ink::Plain)?;
        for text in explanations(one) {
            let name = sentences::requirement(one.verdict);
            terminal.wrapped("    ", &tr!("{name}: {what}", name, what = text), ink)?;
        }
        for evidence in one.evidence.iter().filter(|_| with_evidence) {
            terminal.wrapped("    ", &report::comparison(evidence), Ink::Faint)?;
        }
        Ok(())
    })
}

/// Shows requirements that were not checked, all for the same reason.
pub(super) fn show_unchecked(terminal: &mut Terminal, group: &[&Judged]) -> terminal::Result<()> {
    terminal.blank()?;
    let heading = match group.first().and_then(|one| one.why.as_ref()) {
        Some(why) => {
            let name = sentences::requirement(Verdict::NotChecked);
            tr!("{name}: {what}", name, what = why)
        }
        None => tr!("Not tried, for it needs what is not met yet:").to_owned(),
    };
    terminal.wrapped("", &heading, Ink::Warn)?;
    terminal.keep_with_next();
    group.iter().try_for_each(|one| terminal.wrapped("○ ", &one.sentence, Ink::Faint))
}

/// What was expected and what came instead, or why it was not checked; nothing of a requirement that is met.
pub(super) fn explanations(one: &Judged) -> Vec<String> {
    let worded = |evidence: &Evidence| match &evidence.explanation {
        Some(explanation) => labels::label(explanation).into_owned(),
        None => report::comparison(evidence),
    };
    let broken = one.evidence.iter().filter(|evidence| !evidence.held).map(worded);
    let mut all: Vec<String> = one.why.iter().cloned().chain(broken).collect();
    all.dedup();
    all
}
