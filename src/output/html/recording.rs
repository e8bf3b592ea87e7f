//! The page of a recording: programs that were traced, or what was replayed.

use std::fmt::Write;

use super::markup::{code_part, document, readable_date, run};
use super::{Code, Provenance, Run};
use crate::i18n::tr;
use crate::output::svg::escape;
use crate::picture::code::Language;

/// Recordings as a page.
#[derive(Clone, Debug)]
pub struct RecordingPage {
    pub recordings: Vec<Replayed>,
}

/// One recording.
#[derive(Clone, Debug)]
pub struct Replayed {
    pub provenance: Provenance,
    pub run: Run,
    /// The lines of source that it cites, file by file.
    pub sources: Vec<Code>,
}

impl RecordingPage {
    /// The whole page.
    pub fn html(&self) -> String {
        let mut body = String::new();
        for (index, recording) in self.recordings.iter().enumerate() {
            let _ = writeln!(
                body,
                "<header><h1><code>{}</code></h1>\n<p class=\"made\">{}</p></header>",
                escape(&recording.run.experiment),
                escape(&made(&recording.provenance))
            );
            body += &run(&recording.run, &format!("run-{index}"), index);
            body.extend(recording.sources.iter().map(source));
        }
        let titles = self.recordings.iter().map(|it| it.run.experiment.as_str());
        document(&titles.collect::<Vec<_>>().join(" · "), &body)
    }
}

fn made(provenance: &Provenance) -> String {
    tr!(
        "Recorded on {kernel}, {date}; drawn by explore {version}.",
        kernel = provenance.kernel,
        date = readable_date(&provenance.date),
        version = env!("CARGO_PKG_VERSION")
    )
}

/// Lines of a file, with a gap where lines are left out.
fn source(code: &Code) -> String {
    let last = code.parts.last().map_or(1, |part| part.first as usize + part.lines.len());
    let digits = last.to_string().len();
    let language = Language::of_file(&code.path);
    let parts: Vec<String> =
        code.parts.iter().map(|part| code_part(part, language, digits)).collect();
    let caption = tr!("The lines of {file} that made these calls", file = code.path);
    format!(
        "<figure class=\"code\"><figcaption>{}</figcaption><div class=\"listing\" tabindex=\"0\">{}</div></figure>\n",
        escape(&caption),
        parts.concat()
    )
}
