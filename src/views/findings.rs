//! What a teacher who looked over the shoulder would say of a program: what it did, what to do, where, and the lesson that
//! shows it.

use super::view;
use super::wording::{self, ActorColors, safe};
use crate::analysis::findings::{Finding, Rule};
use crate::analysis::{Analysis, CallSpan};
use crate::i18n::tr;
use crate::picture::{Ink, Picture, Row, fit, paragraph, span_of};
use crate::trace::Site;

mod addresses;
mod advice;
mod course;
mod words;

/// More findings than these are counted: whoever has mended so many will look again.
const MOST: usize = 6;
/// So many of the calls that show a finding are shown.
const MOST_CALLS: usize = 2;
/// Before what belongs to a finding.
const INDENT: usize = 2;

view!("findings", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let shows = |call: &usize| analysis.recording.shows_actor(&analysis.calls[*call].actor);
    let findings = analysis.findings_where(|finding| finding.calls.iter().any(shows));
    if findings.is_empty() {
        let text = tr!(
            "(no fault was found of those that explore knows; that does not make a program right)"
        );
        return Picture(paragraph(text, width, Ink::Faint));
    }
    draw_these(&findings, analysis, width)
}

/// Draws some of the findings of an analysis.
#[must_use]
pub fn draw_these(findings: &[Finding], analysis: &Analysis, width: usize) -> Picture {
    let colors = ActorColors::of(analysis.recording.shown_events());
    let mut rows = Vec::new();
    for finding in findings.iter().take(MOST) {
        if !rows.is_empty() {
            rows.push(Row::new());
        }
        rows.extend(block(finding, analysis, &colors, width));
    }
    let more = findings.len().saturating_sub(MOST);
    if more > 0 {
        rows.push(Row::new());
        let text = tr!("… {more} more findings", more);
        rows.push(Row::new().with(fit(&text, width), Ink::Faint));
    }
    Picture(rows)
}

fn block(finding: &Finding, analysis: &Analysis, colors: &ActorColors, width: usize) -> Vec<Row> {
    let who = wording::actor(&finding.who);
    let other = finding.calls.get(1).map(|&call| wording::actor(&analysis.calls[call].actor));
    let does = words::does(&finding.rule, &who, &other.unwrap_or_default());
    let mut rows = paragraph(&format!("✗ {does}"), width, Ink::Bad);
    rows.extend(paragraph(&format!("→ {}", advice::advice(&finding.rule)), width, Ink::Plain));
    let mut shown: Vec<usize> = Vec::new();
    for &call in &finding.calls {
        let same = |other: &usize| is_same_line(&analysis.calls[call], &analysis.calls[*other]);
        if shown.len() == MOST_CALLS || shown.iter().any(same) {
            continue;
        }
        let times = if shown.is_empty() { finding.times } else { 1 };
        rows.extend(evidence(call, times, &finding.rule, analysis, colors, width));
        shown.push(call);
    }
    let lesson = course::lesson(&finding.rule).map(|lesson| format!("explore lesson {lesson}"));
    let case = course::case(&finding.rule).map(|case| format!("explore why {case}"));
    for text in lesson.into_iter().chain(case) {
        rows.push(Row::indented(INDENT).with(fit(&text, width - INDENT), Ink::Strong));
    }
    rows
}

/// True if both are of the same call of one actor, at the same line.
fn is_same_line(one: &CallSpan, other: &CallSpan) -> bool {
    let place = |span: &CallSpan| (span.actor.clone(), span.call.kind(), span.call.site.clone());
    one.call.site.is_some() && place(one) == place(other)
}

/// Who made the call, which, where and when; below it the line of the source, where that is known.
fn evidence(
    call: usize,
    times: usize,
    rule: &Rule,
    analysis: &Analysis,
    colors: &ActorColors,
    width: usize,
) -> Vec<Row> {
    let span = &analysis.calls[call];
    let mut row = Row::indented(INDENT);
    // Where the fault is none of a call's, the last one tells what it did before.
    let is_last = matches!(rule, Rule::BusyWithoutCall { .. });
    if is_last {
        row.push(format!("{} ", tr!("its last call:")), Ink::Plain);
    }
    row.push(format!("{} ", wording::actor(&span.actor)), colors.ink(&span.actor));
    row.push(format!("{}() ", safe(span.call.function())), Ink::Plain);
    if let Some(site) = &span.call.site {
        row.push(format!("{} ", place(site)), Ink::Plain);
    }
    let time = span_of(span.entered_ns);
    let when = match times {
        1 => tr!("at {time}", time),
        _ => tr!("at {time}, the first of {times}", time, times),
    };
    row.push(when, Ink::Faint);
    let mut rows: Vec<Row> = row.wrap(width).into_iter().map(|row| row.cut(width)).collect();
    let site = span.call.site.as_ref().filter(|_| !is_last);
    let line = site.and_then(|site| analysis.recording.source_line(site));
    if let Some(line) = line {
        let text = fit(&safe(line), width.saturating_sub(2 * INDENT));
        rows.push(Row::indented(2 * INDENT).with(text, Ink::Strong));
    }
    rows
}

/// The source line; of a file somewhere on the machine, its name alone.
fn place(site: &Site) -> String {
    let file = match site.file.rsplit_once('/') {
        Some((_, name)) if site.file.starts_with('/') => name,
        _ => &site.file,
    };
    safe(&format!("{file}:{}", site.line))
}

#[cfg(test)]
mod tests;
