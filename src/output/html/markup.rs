//! The page as HTML that is also well-formed XML, so that a test can parse it.

use std::fmt::Write;

use super::{
    Checked, Code, CodePart, Drawn, Index, Link, Page, Place, Provenance, Run, Section, prose,
};
use crate::i18n::{self, tr};
use crate::output::sentences;
use crate::output::svg::{self, escape};
use crate::picture::code::{self, Language};
use crate::picture::{Picture, Row, Span};
use crate::trace::{Counts, Verdict};

/// How many comparisons of a claim are shown without a click.
const MAX_EVIDENCE: usize = 1;

impl Page {
    /// The whole page.
    pub fn html(&self) -> String {
        let mut body = String::new();
        let _ = write!(body, "<header>{}", self.place.as_ref().map_or_else(String::new, nav));
        if let Some(number) = self.number {
            let _ =
                write!(body, "<p class=\"kicker\">{}</p>", escape(&tr!("Lesson {number}", number)));
        }
        let _ = writeln!(
            body,
            "<h1>{}</h1>\n<p class=\"question\">{}</p>\n{}<p class=\"counts\">{}</p></header>",
            prose::inline(&self.title),
            prose::inline(&self.question),
            provenance_line(
                &self.provenance,
                self.sections
                    .iter()
                    .all(|section| !matches!(section, Section::Run(run) if run.recorded.is_some()))
            ),
            escape(&sentences::counts(self.counts))
        );
        if self.counts.broken > 0 {
            let _ =
                writeln!(body, "<p class=\"trouble\">{}</p>", escape(sentences::kernel_is_right()));
        }
        // What answers a prediction is opened by a click; it ends at the next heading or prediction.
        let mut outcome = Outcome::None;
        for (index, section) in self.sections.iter().enumerate() {
            match section {
                Section::Prose(markdown) => {
                    let (explains, more) = before_heading(markdown);
                    body += &prose::block(explains);
                    if !more.is_empty() {
                        body += outcome.end();
                        body += &prose::block(more);
                    }
                }
                Section::Predict { question, options } => {
                    body += outcome.end();
                    body += &predict(question, options);
                    body += &outcome.begin();
                }
                Section::Run(shown) => body += &run(shown, &shown.experiment, index),
                Section::Further => {
                    body += outcome.end();
                    let heading = escape(sentences::further());
                    let _ = writeln!(body, "<hr />\n<p class=\"kicker\">{heading}</p>");
                }
            }
        }
        body += outcome.end();
        let _ =
            write!(body, "<footer>{}</footer>", self.place.as_ref().map_or_else(String::new, nav));
        document(&sentences::lesson_title(self.number, &self.title), &body)
    }
}

impl Index {
    /// The whole page.
    pub fn html(&self) -> String {
        let title = tr!("Network sockets on a real kernel");
        let mut body = format!(
            "<header><h1>{}</h1>\n<p>{}</p></header>\n<ol class=\"lessons\">\n",
            escape(title),
            prose::inline(tr!(
                "Each page is a lesson that was run on a real kernel: its questions, its code, what was seen, and what follows. \
                 On your own machine, `explore lesson 1` runs it live."
            ))
        );
        let mut all = Counts::default();
        for chapter in &self.lessons {
            all += chapter.counts;
            let _ = writeln!(
                body,
                "<li><a href=\"{}\">{}</a><p>{}</p><p class=\"counts {}\">{}</p></li>",
                escape(&chapter.link.file),
                prose::inline(&sentences::lesson_title(chapter.link.number, &chapter.link.title)),
                prose::inline(&chapter.question),
                worst_verdict(chapter.counts),
                escape(&sentences::counts(chapter.counts))
            );
        }
        let _ = write!(
            body,
            "</ol>\n<footer><p>{}</p>{}</footer>",
            escape(&sentences::counts(all)),
            provenance_line(&self.provenance, all.not_checked == 0)
        );
        document(title, &body)
    }
}

/// The worst verdict among the claims.
fn worst_verdict(counts: Counts) -> &'static str {
    match counts {
        Counts { broken: 1.., .. } => "broken",
        Counts { not_checked: 1.., .. } => "unchecked",
        _ => "held",
    }
}

pub(super) fn document(title: &str, body: &str) -> String {
    let language = i18n::spoken().full_tag();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n<meta name=\"color-scheme\" content=\"light dark\" />\n\
         <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n",
        escape(&title.replace('`', "")),
        style()
    )
}

/// The style sheet; print is always light.
fn style() -> String {
    format!(
        ":root{{{};--raised:#f3f5f7;--line:#d4dae0}}\n@media screen and (prefers-color-scheme:dark){{:root{{{};--raised:#1d232a;--line:#39424c}}}}\n{}\n{}",
        svg::LIGHT,
        svg::DARK,
        svg::style(),
        include_str!("page.css").replace("MONOSPACED", svg::MONOSPACED)
    )
}

/// The line that says where and when the page was made, and whether all of it was run there.
fn provenance_line(provenance: &Provenance, all_run: bool) -> String {
    let but = if all_run { "" } else { tr!(", except for the recordings, which are marked") };
    let text = tr!(
        "Run on {kernel}, {date}, by explore {version}. Pictures, traces and claims are from that run{but}.",
        kernel = provenance.kernel,
        date = readable_date(&provenance.date),
        version = env!("CARGO_PKG_VERSION"),
        but
    );
    format!("<p class=\"made\">{}</p>", escape(&text))
}

/// The line that says where and when a recording was made that is shown instead of a run.
fn recording_line(provenance: &Provenance) -> String {
    tr!(
        "Recorded on {kernel}, {date}; not run for this page.",
        kernel = provenance.kernel,
        date = readable_date(&provenance.date)
    )
}

/// `2026-11-23T15:04:48Z` as a person reads it.
pub(super) fn readable_date(date: &str) -> String {
    date.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

fn nav(place: &Place) -> String {
    let link = |link: &Option<Link>, before: &str, after: &str| match link {
        Some(link) => {
            let number = link
                .number
                .map_or_else(String::new, |number| escape(&tr!("Lesson {number}", number)));
            let title = prose::inline(&link.title);
            format!(
                "<a href=\"{}\">{before}{number}<span class=\"rest\"> · {title}</span>{after}</a>",
                escape(&link.file)
            )
        }
        None => "<span></span>".to_owned(),
    };
    format!(
        "<nav>{}<a href=\"index.html\">{}</a>{}</nav>\n",
        link(&place.previous, "← ", ""),
        escape(tr!("All lessons")),
        link(&place.next, "", " →")
    )
}

/// Whether what is written now is the outcome of a prediction.
enum Outcome {
    None,
    Begun,
}

impl Outcome {
    fn begin(&mut self) -> String {
        *self = Outcome::Begun;
        let summary = escape(tr!("Show what happened"));
        format!("<details class=\"outcome\"><summary>{summary}</summary>\n")
    }

    fn end(&mut self) -> &'static str {
        match std::mem::replace(self, Outcome::None) {
            Outcome::Begun => "</details>\n",
            Outcome::None => "",
        }
    }
}

/// The prose up to its first heading, and from there on.
fn before_heading(markdown: &str) -> (&str, &str) {
    let heading = if markdown.starts_with("## ") {
        Some(0)
    } else {
        markdown.find("\n## ").map(|before| before + 1)
    };
    markdown.split_at(heading.unwrap_or(markdown.len()))
}

fn predict(question: &str, options: &[String]) -> String {
    let options: String =
        options.iter().map(|option| format!("<li>{}</li>", prose::inline(option))).collect();
    format!(
        "<section class=\"predict\"><p>{}</p><p><b>{}</b></p><ol>{options}</ol></section>\n",
        escape(sentences::predict()),
        prose::inline(question)
    )
}

/// A run, in a section with this ID.
pub(super) fn run(run: &Run, id: &str, index: usize) -> String {
    let mut html = format!("<section class=\"run\" id=\"{}\">\n", escape(id));
    html.extend(run.code.iter().map(listing));
    if let Some(original) = &run.recorded {
        let why = tr!("This could not run where the page was made: {why}.", why = original.why);
        let _ = writeln!(
            html,
            "<p class=\"notice\">{} {}</p>",
            prose::inline(&why),
            escape(&recording_line(&original.provenance))
        );
    }
    for trouble in &run.troubles {
        let _ = writeln!(html, "<p class=\"trouble\">{}</p>", escape(trouble));
    }
    if !run.trace.0.is_empty() {
        html += &trace(run);
    }
    for (number, picture) in run.pictures.iter().enumerate() {
        html += &figure(run, picture, &format!("picture-{index}-{number}"));
    }
    if !run.claims.is_empty() {
        let heading = if run.recorded.is_some() {
            sentences::not_checked_here()
        } else {
            tr!("Checked by this run")
        };
        let claims: String = run.claims.iter().map(claim).collect();
        let _ = writeln!(
            html,
            "<p class=\"heading\">{}</p>\n<ul class=\"claims\">{claims}</ul>",
            escape(heading)
        );
    }
    if let Some(answer) = &run.answer {
        let _ =
            writeln!(html, "<p class=\"answer\">{}</p>", prose::inline(&sentences::answer(answer)));
    }
    html + "</section>\n"
}

fn listing(code: &Code) -> String {
    let first = code.parts.first().map_or(1, |part| part.first);
    let last = code.parts.last().map_or(1, |part| part.first as usize + part.lines.len());
    let digits = last.to_string().len();
    let language = Language::of_file(&code.path);
    let parts: String = code.parts.iter().map(|part| code_part(part, language, digits)).collect();
    let caption = escape(&sentences::code_at(&code.path, first));
    format!(
        "<figure class=\"code\"><figcaption>{caption}</figcaption><div class=\"listing\" tabindex=\"0\">{parts}</div></figure>\n"
    )
}

/// Some lines of a listing. What is wider than the page is reached by scrolling, so that the indentation stays.
pub(super) fn code_part(part: &CodePart, language: Option<Language>, digits: usize) -> String {
    let inked = code::rows(language, part.lines.iter().map(String::as_str));
    let rows: String = (part.first..)
        .zip(inked)
        .map(|(number, row)| {
            format!(
                "<span class=\"row\"><span class=\"number\">{number:>digits$}  </span>{}\n</span>",
                spans(&row)
            )
        })
        .collect();
    let rows = format!("<pre class=\"inks\"><code>{rows}</code></pre>");
    match &part.folded {
        Some(text) => {
            format!("<details class=\"fold\"><summary>{}</summary>{rows}</details>", escape(text))
        }
        None => rows,
    }
}

fn trace(run: &Run) -> String {
    let summary = match run.trace.0.len() + run.trace_more {
        1 => tr!("Every call, in order (1 line)").to_owned(),
        lines => tr!("Every call, in order ({lines} lines)", lines),
    };
    let more = match run.trace_more {
        0 => String::new(),
        more => format!(
            "<p class=\"heading\">{}</p>",
            escape(&tr!(
                "{more} more lines: {command} shows all of them.",
                more,
                command = run.command
            ))
        ),
    };
    format!(
        "<details class=\"trace\"><summary>{}</summary><pre class=\"inks\">{}</pre>{more}</details>\n",
        escape(&summary),
        rows(&run.trace)
    )
}

fn rows(picture: &Picture) -> String {
    let row = |row: &Row| format!("<span class=\"row\">{}\n</span>", spans(row));
    picture.0.iter().map(row).collect()
}

/// A row's text, each piece with the class of its ink.
pub(super) fn spans(row: &Row) -> String {
    let span = |span: &Span| {
        let text = escape(&span.text.replace('\t', "    "));
        match svg::class(span.ink) {
            "" => text,
            class => format!("<span class=\"{class}\">{text}</span>"),
        }
    };
    row.0.iter().map(span).collect()
}

fn figure(run: &Run, drawn: &Drawn, name: &str) -> String {
    // For screen readers, before the text of the picture.
    let title =
        tr!("{experiment}, as the view {view}", experiment = run.experiment, view = drawn.view);
    let caption = run.recorded.as_ref().map_or_else(String::new, |original| {
        format!("<figcaption>{}</figcaption>", escape(&recording_line(&original.provenance)))
    });
    format!(
        "<figure class=\"picture\"><div class=\"wide-picture\">{}</div><div class=\"narrow\">{}</div>{caption}</figure>\n",
        svg::inline(&drawn.wide, name, &title),
        svg::inline(&drawn.narrow, &format!("{name}-narrow"), &title)
    )
}

fn claim(claim: &Checked) -> String {
    let class = match claim.verdict {
        Verdict::Held => "held",
        Verdict::Broken => "broken",
        Verdict::NotChecked => "unchecked",
    };
    let why = claim.why.as_deref().filter(|_| claim.verdict != Verdict::Held);
    let verdict = sentences::verdict(claim.verdict);
    let verdict = prose::inline(&match why {
        Some(why) => tr!("({verdict}: {why})", verdict, why),
        None => tr!("({verdict})", verdict),
    });
    let evidence = |evidence: &[(bool, String)]| -> String {
        let one = |(held, text): &(bool, String)| {
            format!("<li{}>{}</li>", if *held { "" } else { " class=\"no\"" }, escape(text))
        };
        format!("<ul class=\"evidence\">{}</ul>", evidence.iter().map(one).collect::<String>())
    };
    let (first, more) = claim.evidence.split_at(claim.evidence.len().min(MAX_EVIDENCE));
    let mut shown = if first.is_empty() { String::new() } else { evidence(first) };
    if !more.is_empty() {
        let _ = write!(
            shown,
            "<details><summary>{}</summary>{}</details>",
            escape(&tr!("{more} more", more = more.len())),
            evidence(more)
        );
    }
    format!(
        "<li class=\"{class}\">{} <span class=\"verdict\">{verdict}</span>{shown}</li>\n",
        prose::inline(&claim.sentence)
    )
}
