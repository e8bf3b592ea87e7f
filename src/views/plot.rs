//! The plot: measured values against a number (time a message against connections), on logarithmic axes, a sign a series.

use crate::analysis::Analysis;
use unicode_width::UnicodeWidthStr;

use super::wording::safe;
use crate::i18n::tr;
use crate::picture::{Canvas, Ink, Picture, fit, span_of};
use crate::trace::EventKind;
use crate::trace::recording::Recording;

/// Told apart by shape, in ASCII too.
const SIGNS: [char; 6] = ['●', '✗', '▲', '■', '○', '▼'];

/// Rows of the field that the points stand in.
const HIGH: usize = 12;

/// One plot: its name, what is along its bottom, its unit, its series.
struct Plot {
    name: String,
    against: String,
    unit: String,
    series: Vec<(String, Vec<(u64, u64)>)>,
}

fn plots(recording: &Recording) -> Vec<Plot> {
    let mut all: Vec<Plot> = Vec::new();
    for event in recording.events() {
        let EventKind::Point { plot, series, against, x, y, unit } = &event.what else {
            continue;
        };
        let at = all.iter().position(|known| known.name == safe(plot)).unwrap_or_else(|| {
            all.push(Plot {
                name: safe(plot),
                against: safe(against),
                unit: safe(unit),
                series: Vec::new(),
            });
            all.len() - 1
        });
        let series = safe(series);
        match all[at].series.iter_mut().find(|(known, _)| *known == series) {
            Some((_, points)) => points.push((*x, *y)),
            None => all[at].series.push((series, vec![(*x, *y)])),
        }
    }
    all
}

/// A logarithmic axis from one power of ten to another, over so many cells.
struct Axis {
    low: u32,
    high: u32,
    cells: usize,
}

impl Axis {
    /// One that all these values fit on. Zero has no place on it, and stands at its beginning.
    fn of(values: impl Iterator<Item = u64> + Clone, cells: usize) -> Axis {
        let low = values.clone().map(|value| value.max(1).ilog10()).min().unwrap_or(0);
        let top = values.max().unwrap_or(1).max(1);
        let exact = 10_u64.checked_pow(top.ilog10()) == Some(top);
        let high = (top.ilog10() + u32::from(!exact)).max(low + 1);
        Axis { low, high, cells }
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place among few cells
    fn place(&self, value: u64) -> usize {
        let along =
            ((value.max(1) as f64).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        (along.clamp(0.0, 1.0) * (self.cells.max(1) - 1) as f64).round() as usize
    }

    /// The powers of ten, and where these are few also their double and their half.
    fn ticks(&self) -> impl Iterator<Item = u64> {
        let between: &[u64] =
            if self.high - self.low < 3 && self.cells >= 10 { &[1, 2, 5] } else { &[1] };
        let top = 10_u64.checked_pow(self.high).unwrap_or(u64::MAX);
        let all = (self.low..=self.high).flat_map(move |power| {
            between.iter().map(move |part| 10_u64.checked_pow(power)?.checked_mul(*part))
        });
        all.flatten().filter(move |tick| *tick <= top)
    }
}

fn said(value: u64, unit: &str) -> String {
    match unit {
        "ns" => span_of(value),
        "bytes" => bytes(value),
        other => format!("{value} {other}"),
    }
}

fn bytes(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} B"),
        1_000..1_000_000 => format!("{}.{} kB", value / 1_000, value % 1_000 / 100),
        1_000_000..1_000_000_000 => {
            format!("{}.{} MB", value / 1_000_000, value % 1_000_000 / 100_000)
        }
        _ => format!("{}.{} GB", value / 1_000_000_000, value % 1_000_000_000 / 100_000_000),
    }
}

/// A power of ten as an axis says it: `1 ms`, `10 µs`.
fn tick(value: u64, unit: &str) -> String {
    let (step, name) = match (unit, value) {
        ("ns", 0..1_000) => (1, "ns"),
        ("ns", 1_000..1_000_000) => (1_000, "µs"),
        ("ns", 1_000_000..1_000_000_000) => (1_000_000, "ms"),
        ("ns", _) => (1_000_000_000, "s"),
        ("bytes", 0..1_000) => (1, "B"),
        ("bytes", 1_000..1_000_000) => (1_000, "kB"),
        ("bytes", 1_000_000..1_000_000_000) => (1_000_000, "MB"),
        ("bytes", _) => (1_000_000_000, "GB"),
        _ => (1, ""),
    };
    format!("{} {name}", value / step).trim_end().to_owned()
}

pub(super) fn draw(analysis: &Analysis, width: usize) -> Picture {
    let mut canvas = Canvas::new(width);
    let mut row = 0;
    for plot in plots(analysis.recording) {
        row = one(&mut canvas, row, &plot, width) + 1;
    }
    canvas.picture()
}

fn one(canvas: &mut Canvas, row: usize, plot: &Plot, width: usize) -> usize {
    let points = || plot.series.iter().flat_map(|(_, points)| points.iter());
    let left = 9.min(width / 3);
    let columns = width.saturating_sub(left + 1);
    let up = Axis::of(points().map(|(_, y)| *y), HIGH);
    let along = Axis::of(points().map(|(x, _)| *x), columns);
    canvas.write(
        row,
        0,
        width,
        &tr!("{name} (both axes logarithmic)", name = plot.name),
        Ink::Strong,
    );
    let (top, bottom) = (row + 1, row + HIGH);
    let level = |value: u64| bottom - up.place(value);
    for at in top..=bottom {
        canvas.put(at, left, '│', Ink::Faint);
    }
    for value in up.ticks() {
        let words = fit(&tick(value, &plot.unit), left.saturating_sub(1));
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
    let mut free = 0;
    for value in along.ticks() {
        let column = left + 1 + along.place(value);
        canvas.put(bottom + 1, column, '┬', Ink::Faint);
        let words = value.to_string();
        let from = column.min(width.saturating_sub(words.width()));
        if from >= free {
            free = canvas.write(bottom + 2, from, width, &words, Ink::Faint) + 1;
        }
    }
    let name = fit(&plot.against, width);
    canvas.write(bottom + 3, width.saturating_sub(name.width()), width, &name, Ink::Faint);
    for (index, (_, points)) in plot.series.iter().enumerate() {
        for (x, y) in points {
            canvas.put(
                level(*y),
                left + 1 + along.place(*x),
                SIGNS[index % SIGNS.len()],
                Ink::Of(index),
            );
        }
    }
    legend(canvas, bottom + 4, plot, width)
}

/// Each series' sign and name, and its first and last value.
fn legend(canvas: &mut Canvas, mut row: usize, plot: &Plot, width: usize) -> usize {
    let widest = plot.series.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    for (index, (name, points)) in plot.series.iter().enumerate() {
        canvas.put(row, 0, SIGNS[index % SIGNS.len()], Ink::Of(index));
        let mut column =
            canvas.write(row, 2, width, name, Ink::Of(index)).max((2 + widest).min(width / 2)) + 2;
        for (x, y) in points {
            let words = format!("{x}: {}", said(*y, &plot.unit));
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
    use crate::analysis::sample::{Sample, fits_everywhere};

    fn point(
        script: &mut Sample,
        plot: &'static str,
        series: &'static str,
        x: u64,
        y: u64,
        unit: &'static str,
    ) {
        let [plot, series, against, unit] = [plot, series, "connections", unit].map(Into::into);
        script.event("lab", EventKind::Point { plot, series, against, x, y, unit });
    }

    fn many() -> Sample {
        let mut script = Sample::new();
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
        for recording in [odd.recording(), Sample::new().recording()] {
            fits_everywhere(&recording, draw);
        }
    }
}
