//! The plot: measured values against a number (time a message against connections), on logarithmic axes, a sign a series.

use std::collections::{BTreeMap, BTreeSet};

use unicode_width::UnicodeWidthStr;

use super::wording::{self, safe};
use super::{DrawOptions, view};
use crate::analysis::{Analysis, Plot};
use crate::i18n::tr;
use crate::picture::axis::{LogAxis, write_ticks};
use crate::picture::table::{self, Column};
use crate::picture::{Canvas, Ink, Picture, Row, exact_span, fit, paragraph, span_of};
use crate::text::wrap;

/// Told apart by shape, in ASCII too; none of them is a sign of failure.
const SIGNS: [char; 6] = ['●', '▲', '■', '○', '▼', '◆'];

/// Rows of the field that the points stand in.
const HIGH: usize = 12;
/// The fewest columns of a plot that has another beside it.
const BESIDE: usize = 60;
/// A plot is no wider: what it shows would be flat.
const WIDEST: usize = 100;
/// Between two plots.
const GAP: &str = "    ";

fn sign_of(series: usize) -> char {
    SIGNS[series % SIGNS.len()]
}

fn format_value(value: u64, unit: &str) -> String {
    match unit {
        "ns" => span_of(value),
        "bytes" => bytes(value),
        other => format!("{value} {other}"),
    }
}

/// The unit in which so many bytes are said, and its name.
fn unit_of(bytes: u64) -> (u64, &'static str) {
    match bytes {
        0..1_000 => (1, "B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    }
}

fn bytes(value: u64) -> String {
    match unit_of(value) {
        (1, name) => format!("{value} {name}"),
        (unit, name) => format!("{}.{} {name}", value / unit, value % unit / (unit / 10)),
    }
}

/// A tick of an axis: `1 ms`, `10 kB`.
fn tick(value: u64, unit: &str) -> String {
    match unit {
        "ns" => exact_span(value, value),
        "bytes" => {
            let (unit, name) = unit_of(value);
            format!("{} {name}", value / unit)
        }
        _ => value.to_string(),
    }
}

view!("plot", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let in_a_row = if width >= 2 * BESIDE + GAP.len() { 2 } else { 1 };
    let each = ((width - GAP.len() * (in_a_row - 1)) / in_a_row).min(WIDEST);
    let drawn = |plot: &Plot| {
        let mut canvas = Canvas::new(each);
        one(&mut canvas, 0, plot, each);
        canvas.picture().0
    };
    let mut rows = Vec::new();
    for plots in analysis.plots.chunks(in_a_row) {
        let plots: Vec<Vec<Row>> = plots.iter().map(drawn).collect();
        rows.extend(table::rows(&plots, &[Column::left(each, GAP), Column::left(each, "")]));
        rows.push(Row::new());
    }
    if rows.is_empty() {
        return Picture::default();
    }
    let words = tr!(
        "(both axes are logarithmic: equal distances are equal factors, such as ten times as much)"
    );
    if options.explains(words) {
        rows.extend(paragraph(words, width, Ink::Faint));
    } else {
        rows.pop();
    }
    Picture(rows)
}

fn one(canvas: &mut Canvas, row: usize, plot: &Plot, width: usize) -> usize {
    let points = || plot.series.iter().flat_map(|(_, points)| points.iter());
    let left = 9.min(width / 3);
    let columns = width.saturating_sub(left + 1);
    let up = LogAxis::of(points().map(|(_, y)| *y), HIGH).rounded();
    let along = LogAxis::of(points().map(|(x, _)| *x), columns);
    let title = wrap(&wording::label(plot.name), width.max(8));
    for (below, line) in title.iter().enumerate() {
        canvas.write(row + below, 0, width, line, Ink::Strong);
    }
    let unit = safe(plot.unit);
    let top = row + title.len().max(1);
    let bottom = top + HIGH - 1;
    let level = |value: u64| bottom - up.place(value);
    for at in top..=bottom {
        canvas.put(at, left, '│', Ink::Faint);
    }
    for value in up.ticks() {
        let words = fit(&tick(value, &unit), left.saturating_sub(1));
        canvas.write(
            level(value),
            left.saturating_sub(words.width() + 1),
            left,
            &words,
            Ink::Faint,
        );
        canvas.put(level(value), left, '├', Ink::Faint);
    }
    canvas.fill(bottom + 1, left, width, '─', Ink::Faint);
    canvas.put(bottom + 1, left, '└', Ink::Faint);
    let mut measured: Vec<u64> = points().map(|(x, _)| *x).collect();
    measured.sort_unstable();
    measured.dedup();
    let ticks = measured.iter().map(|x| (left + 1 + along.place(*x), x.to_string()));
    write_ticks(canvas, bottom + 1, width, ticks);
    let name = fit(&wording::label(plot.against), width);
    canvas.write(bottom + 3, width.saturating_sub(name.width()), width, &name, Ink::Faint);
    let mut places: BTreeMap<(usize, usize), BTreeSet<usize>> = BTreeMap::new();
    for (index, (_, points)) in plot.series.iter().enumerate() {
        for (x, y) in points {
            places.entry((level(*y), left + 1 + along.place(*x))).or_default().insert(index);
        }
    }
    let shared = places.values().any(|series| series.len() > 1);
    for ((row, column), series) in places {
        // Around their place, as far as the field goes.
        let last = width.saturating_sub(series.len()).max(left + 1);
        let first = column.saturating_sub((series.len() - 1) / 2).clamp(left + 1, last);
        for (at, index) in (first..).zip(series) {
            canvas.put(row, at, sign_of(index), Ink::Of(index));
        }
    }
    let mut row = legend(canvas, bottom + 4, plot, width);
    if shared {
        let words = tr!("(signs side by side share one place)");
        for line in wrap(words, width.max(8)) {
            canvas.write(row, 0, width, &line, Ink::Faint);
            row += 1;
        }
    }
    row
}

/// Each series' sign and name, and its first and last value.
fn legend(canvas: &mut Canvas, mut row: usize, plot: &Plot, width: usize) -> usize {
    let names: Vec<String> = plot.series.iter().map(|(name, _)| wording::label(name)).collect();
    let widest = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let unit = safe(plot.unit);
    for (index, (name, (_, points))) in names.iter().zip(&plot.series).enumerate() {
        canvas.put(row, 0, sign_of(index), Ink::Of(index));
        let mut column =
            canvas.write(row, 2, width, name, Ink::Of(index)).max((2 + widest).min(width / 2)) + 2;
        for (x, y) in points {
            let words = format!("{x}: {}", format_value(*y, &unit));
            if column + words.width() > width {
                (row, column) = (row + 1, 2);
            }
            column = canvas.write(row, column, width, &words, Ink::Plain) + 3;
        }
        row += 1;
    }
    row
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::analysis::script::{Script, fits_everywhere};
    use crate::trace::EventKind;

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    fn point(
        script: &mut Script,
        plot: &'static str,
        series: &'static str,
        x: u64,
        y: u64,
        unit: &'static str,
    ) {
        let [plot, series, against] = [plot, series, "connections"].map(Into::into);
        let unit = unit.into();
        script.event("lab", EventKind::Point { plot, series, against, x, y, unit });
    }

    fn many() -> Script {
        let mut script = Script::new();
        for (series, times) in
            [("thread each", [20_000, 25_000, 60_000]), ("epoll", [21_000, 21_500, 22_000])]
        {
            for (x, y) in [1, 100, 5_000].into_iter().zip(times) {
                point(&mut script, "time a message", series, x, y, "ns");
            }
        }
        point(&mut script, "memory", "epoll", 5_000, 12_300_000, "bytes");
        script
    }

    #[test]
    fn series_are_told_apart_on_logarithmic_axes() {
        let drawn = draw(&Analysis::of(&many().recording()), 80).text();
        assert_snapshot!(drawn);
    }

    #[test]
    fn what_falls_on_one_place_is_all_seen() {
        let mut script = Script::new();
        for (series, last) in [("a", 900), ("b", 900), ("c", 100)] {
            point(&mut script, "time", series, 1, 100, "ns");
            point(&mut script, "time", series, 9, last, "ns");
        }
        let drawn = draw(&Analysis::of(&script.recording()), 40).text();
        let rows: Vec<&str> = drawn.lines().collect();
        assert!(rows.iter().any(|row| row.ends_with(" ●▲")), "{drawn}");
        assert!(rows.iter().any(|row| row.contains("├●▲■") && row.ends_with('■')), "{drawn}");
        assert!(drawn.contains("(signs side by side share one place)"), "{drawn}");
    }

    #[test]
    fn two_plots_stand_side_by_side_where_there_is_room() {
        let mut script = many();
        point(&mut script, "memory", "epoll", 1, 1_000_000, "bytes");
        point(&mut script, "memory", "epoll", 10, 2_000_000, "bytes");
        let drawn = |width| draw(&Analysis::of(&script.recording()), width).text();
        let titles = |width| drawn(width).lines().next().unwrap_or_default().to_owned();
        assert!(titles(200).contains("memory") && !titles(100).contains("memory"));
        assert!(drawn(200).lines().count() < drawn(100).lines().count());
    }

    #[test]
    fn it_fits_every_width_and_bears_what_is_odd() {
        let mut odd = many();
        for (x, y) in [(0, 0), (u64::MAX, u64::MAX), (1, 1)] {
            point(
                &mut odd,
                "odd",
                "a name that is far too long for any legend of any terminal at all",
                x,
                y,
                "ns",
            );
            point(&mut odd, "odder", "a series", x, y, "bytes");
        }
        for recording in [odd.recording(), Script::new().recording()] {
            fits_everywhere(&recording, draw);
        }
    }
}
