//! Measured times as bars, a row for each label: the median of its values, and how far they spread.
//!
//! Where nothing was measured, numbers that were counted are drawn instead.

use unicode_width::UnicodeWidthStr;

use super::view;
use super::wording;
use crate::analysis::{Analysis, Measurements, percentile};
use crate::i18n::tr;
use crate::picture::axis::round_step;
use crate::picture::{Ink, Picture, Row, exact_span, fit, paragraph, span_of};
use crate::trace::{Event, EventKind, Label};

/// From so many values on the 99th percentile says more than the extremes.
const ENOUGH_FOR_P99: usize = 100;
/// More rows than these are not drawn, and counted instead.
const MOST_ROWS: usize = 24;
/// A bar is not longer than this: the eye must compare it with the next.
const LONGEST: usize = 80;
/// Where the values differ by less than this part of the largest, the bars do not begin at 0: else no difference is seen.
const CLOSE: u64 = 8;
/// Eighths of a column, from one to seven.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// What is drawn under one heading.
#[derive(Default)]
struct Group {
    heading: String,
    bars: Vec<Bar>,
    /// Where the numbers come from.
    footer: String,
    /// What the bars begin at.
    base: u64,
}

struct Bar {
    label: String,
    value: u64,
    /// How many values it stands for.
    times: usize,
    shown: String,
    spread: String,
}

view!("bars", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let mut groups = measured(analysis);
    if groups.is_empty() {
        groups = counted(analysis.recording.events());
    }
    let mut rows = Vec::new();
    let first_broken = groups.iter().position(|group| group.base > 0);
    for (index, group) in groups.into_iter().enumerate() {
        if !rows.is_empty() {
            rows.push(Row::new());
        }
        group.draw(width, first_broken == Some(index), &mut rows);
    }
    Picture(rows)
}

/// The values by series and by label.
fn measured(analysis: &Analysis) -> Vec<Group> {
    let group = |measurements: &Measurements| {
        let values = measurements.values_ns.iter();
        let mut bars: Vec<Bar> = values.map(|(label, values)| summary(label, values)).collect();
        let most = bars.iter().map(|bar| bar.times).max().unwrap_or(0);
        let alike = bars.iter().all(|bar| bar.times == most);
        let footer = match most {
            0 | 1 => String::new(),
            _ if alike => {
                tr!("a bar is the median of {most} measurements: half of them took no longer", most)
            }
            _ => tr!("a bar is the median of its measurements: half of them took no longer")
                .to_owned(),
        };
        let base = base_of(&bars);
        if base > 0 {
            // Three digits would not tell such values apart.
            bars.iter_mut().for_each(|bar| bar.shown = exact_span(bar.value, bar.value));
        }
        Group { heading: wording::label(measurements.series), bars, footer, base }
    };
    analysis.measurements.iter().map(group).collect()
}

/// What bars begin at: 0, but where the values are close to each other a round value just below the least.
fn base_of(bars: &[Bar]) -> u64 {
    let values = || bars.iter().map(|bar| bar.value);
    let (least, most) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
    let range = most - least;
    if range == 0 || range > most / CLOSE {
        return 0;
    }
    let step = round_step(range, 2);
    least / step * step
}

/// The bar of these values, the least of which comes first.
fn summary(label: &Label, values: &[u64]) -> Bar {
    let median = percentile(values, 50);
    let spread = match values {
        [] | [_] => String::new(),
        many if many.len() >= ENOUGH_FOR_P99 => {
            tr!("99 of 100 within {span}", span = span_of(percentile(values, 99)))
        }
        [least, .., most] => format!("{} … {}", span_of(*least), span_of(*most)),
    };
    Bar {
        label: wording::label(label),
        value: median,
        times: values.len(),
        shown: span_of(median),
        spread,
    }
}

/// The numbers that were counted, by part.
fn counted(events: &[Event]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut heading = String::new();
    for event in events {
        match &event.what {
            EventKind::Part { part } => heading = wording::label(part),
            EventKind::Count { label, count, source } => {
                if groups.last().is_none_or(|last| last.heading != heading) {
                    groups.push(Group { heading: heading.clone(), ..Group::default() });
                }
                let Some(group) = groups.last_mut() else {
                    continue;
                };
                group.bars.push(Bar {
                    label: wording::label(label),
                    value: *count,
                    times: 1,
                    shown: count.to_string(),
                    spread: String::new(),
                });
                let source = wording::label(source);
                let comma = tr!(context "list", ", ");
                if !group.footer.split(comma).any(|known| known == source) {
                    let comma = if group.footer.is_empty() { "" } else { comma };
                    group.footer = format!("{}{comma}{source}", group.footer);
                }
            }
            _ => {}
        }
    }
    for group in &mut groups {
        group.footer = tr!("counted by {sources}", sources = group.footer);
    }
    groups
}

impl Group {
    /// Only the first group with broken bars explains them.
    fn draw(self, width: usize, explains: bool, rows: &mut Vec<Row>) {
        if !self.heading.is_empty() {
            rows.extend(paragraph(&self.heading, width, Ink::Strong));
        }
        let widest = |text: fn(&Bar) -> &str| {
            self.bars.iter().map(|bar| text(bar).width()).max().unwrap_or(0)
        };
        // What would be cut stands above its bar.
        let labels = widest(|bar| &bar.label);
        let is_above = labels > width * 2 / 5;
        let labels = if is_above { 0 } else { labels };
        let (values, spread) = (widest(|bar| &bar.shown), widest(|bar| &bar.spread));
        let taken = labels + 2 + 1 + values;
        let with_spread = spread > 0 && width >= taken + 2 + spread + 12;
        let room = width
            .saturating_sub(taken + if with_spread { 2 + spread } else { 0 })
            .clamp(1, LONGEST);
        let above = |bar: &Bar| bar.value - self.base;
        let most = self.bars.iter().map(above).max().unwrap_or(0);
        // A bar that does not begin at 0 is broken at its beginning.
        let broken = if self.base > 0 && room > 4 { "╌╌" } else { "" };
        let room = room - broken.width();
        for (index, bar) in self.bars.iter().take(MOST_ROWS).enumerate() {
            if is_above {
                rows.extend(paragraph(&bar.label, width, Ink::Plain));
            }
            let mut row = Row::new().with(fit(&bar.label, labels), Ink::Plain);
            row.pad_to(labels + 2);
            row.push(broken, Ink::Of(index));
            row.push(stroke(above(bar), most, room), Ink::Of(index));
            row.push(format!(" {}", bar.shown), Ink::Strong);
            if with_spread && !bar.spread.is_empty() {
                row.push(format!("  {}", bar.spread), Ink::Faint);
            }
            rows.push(row);
        }
        if self.bars.len() > MOST_ROWS {
            rows.push(Row::new().with(
                fit(&tr!("… {more} more", more = self.bars.len() - MOST_ROWS), width),
                Ink::Faint,
            ));
        }
        if self.base > 0 {
            let base = exact_span(self.base, self.base);
            let words = if explains {
                tr!("(╌ the bars begin at {base}, not at 0, to show the differences)", base)
            } else {
                tr!("(╌ from {base})", base)
            };
            rows.extend(paragraph(&words, width, Ink::Faint));
        }
        if !self.footer.is_empty() {
            let footer = tr!("({footer})", footer = self.footer);
            rows.extend(paragraph(&footer, width, Ink::Faint));
        }
    }
}

/// A bar of at most `room` columns, to an eighth of a column; what is more than nothing is seen.
pub(super) fn stroke(value: u64, most: u64, room: usize) -> String {
    let whole = (room * 8) as u128;
    let eighths = (u128::from(value) * whole + u128::from(most) / 2) / u128::from(most.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(0).max(usize::from(value > 0));
    let mut bar = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::analysis::script::{Script, fits_everywhere};

    fn measure(script: &mut Script, label: &'static str, values: &[u64]) {
        for value_ns in values {
            script.event(
                "lab",
                EventKind::Measure {
                    series: "round trip".into(),
                    label: label.into(),
                    value_ns: *value_ns,
                },
            );
        }
    }

    #[test]
    fn a_bar_is_as_long_as_its_median_and_says_how_far_the_values_spread() {
        let mut script = Script::new();
        measure(&mut script, "AF_UNIX", &[10_000, 9_000, 400_000]);
        measure(&mut script, "AF_INET", &[45_000]);
        let many: Vec<u64> = (1..=200).map(|n| n * 200).collect();
        measure(&mut script, "AF_INET6", &many);
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 54).text());
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn values_close_to_each_other_are_told_apart() {
        let mut script = Script::new();
        for (label, value_ns) in
            [("poll", 50_063_000), ("setting", 52_010_000), ("both", 53_300_000)]
        {
            measure(&mut script, label, &[value_ns]);
        }
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 60).text());
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn numbers_that_were_counted_are_drawn_where_nothing_was_measured() {
        let mut script = Script::new();
        for (label, count) in [("AF_UNIX", 0), ("AF_INET", 8), ("AF_INET6", 6)] {
            script.event(
                "lab",
                EventKind::Count { label: label.into(), count, source: "/proc/net/dev".into() },
            );
        }
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 20).text());
        measure(&mut script, "x", &[5]);
        assert!(draw(&Analysis::of(&script.recording()), 20).text().contains("5 ns"));
        fits_everywhere(&script.recording(), draw);
    }
}
