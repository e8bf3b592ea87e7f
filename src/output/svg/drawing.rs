//! Draws characters: lines, blocks and arrowheads as shapes, everything else as runs of text.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{CELL_HEIGHT, CELL_WIDTH, class, escape, offset};
use crate::picture::Ink;

/// Where lines cross in a cell: in the middle of a pixel, so that a line one pixel wide is sharp.
const MIDDLE: (f32, f32) = (4.5, 9.5);
/// The baseline of text in a cell.
const BASELINE: f32 = 13.5;

/// How a shape is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Brush {
    Thin,
    Thick,
    Curve,
    Full,
    Shade(u8),
}

impl Brush {
    fn class(self) -> &'static str {
        match self {
            Brush::Thin => "thin",
            Brush::Thick => "thick",
            Brush::Curve => "curve",
            Brush::Full => "full",
            Brush::Shade(1) => "s1",
            Brush::Shade(2) => "s2",
            Brush::Shade(_) => "s3",
        }
    }
}

/// Adjacent characters of one ink and one width.
struct Run {
    column: usize,
    cells: usize,
    text: String,
    ink: Ink,
    wide: bool,
}

/// What has been drawn so far: shapes by ink and brush, then text.
#[derive(Default)]
pub(super) struct Drawing {
    /// The top of the current row.
    pub(super) y: f32,
    shapes: BTreeMap<(&'static str, Brush), Shapes>,
    run: Option<Run>,
    /// Spaces after the run, which belong to it only if more text follows.
    spaces: usize,
    texts: String,
}

/// Shapes of one ink and one brush.
#[derive(Default)]
struct Shapes {
    /// Level lines: y, from, to.
    horizontal: Vec<(f32, f32, f32)>,
    /// Upright lines: x, from, to.
    vertical: Vec<(f32, f32, f32)>,
    /// All else, as path data.
    other: String,
}

impl Drawing {
    /// One character in its cell.
    pub(super) fn draw_char(&mut self, character: char, wide: usize, column: usize, ink: Ink) {
        if wide == 0 {
            // A combining character, such as an accent.
            if let Some(run) = self.run.as_mut().filter(|_| self.spaces == 0) {
                run.text.push(character);
            }
        } else if character == ' ' {
            self.spaces += 1;
        } else if self.shape(character, column, ink) {
            self.end_run();
        } else {
            let joins = |run: &Run| {
                run.ink == ink && run.wide == (wide == 2) && self.spaces <= usize::from(!run.wide)
            };
            if !self.run.as_ref().is_some_and(joins) {
                self.end_run();
            }
            let run = self.run.get_or_insert_with(|| Run {
                column,
                cells: 0,
                text: String::new(),
                ink,
                wide: wide == 2,
            });
            run.text.push_str(&" ".repeat(self.spaces));
            run.text.push(character);
            run.cells = column + wide - run.column;
            self.spaces = 0;
        }
    }

    pub(super) fn end_run(&mut self) {
        self.spaces = 0;
        let Some(run) = self.run.take() else { return };
        let class = [class(run.ink), if run.wide { "wide" } else { "" }].join(" ");
        let class = if class.trim().is_empty() {
            String::new()
        } else {
            format!(" class=\"{}\"", class.trim())
        };
        let adjust = if run.wide { "" } else { " lengthAdjust=\"spacingAndGlyphs\"" };
        let (x, y, long) =
            (offset(run.column, CELL_WIDTH), self.y + BASELINE, offset(run.cells, CELL_WIDTH));
        let _ = write!(
            self.texts,
            "<text{class} x=\"{x}\" y=\"{y}\" textLength=\"{long}\"{adjust}>{}</text>",
            escape(&run.text)
        );
    }

    fn shapes(&mut self, ink: Ink, brush: Brush) -> &mut Shapes {
        self.shapes.entry((class(ink), brush)).or_default()
    }

    fn horizontal(&mut self, ink: Ink, brush: Brush, y: f32, from: f32, to: f32) {
        let lines = &mut self.shapes(ink, brush).horizontal;
        match lines
            .last_mut()
            .filter(|last| (last.0 - y).abs() < 0.01 && (last.2 - from).abs() < 0.01)
        {
            Some(last) => last.2 = to,
            None => lines.push((y, from, to)),
        }
    }

    fn block(
        &mut self,
        ink: Ink,
        brush: Brush,
        (left, top): (f32, f32),
        (right, bottom): (f32, f32),
    ) {
        let data = &mut self.shapes(ink, brush).other;
        let _ = write!(data, "M{left} {top}H{right}V{bottom}H{left}Z");
    }

    /// Draws a character that is a shape; returns false for text.
    fn shape(&mut self, character: char, column: usize, ink: Ink) -> bool {
        let (left, top) = (offset(column, CELL_WIDTH), self.y);
        let (right, bottom) = (left + CELL_WIDTH, top + CELL_HEIGHT);
        let (x, y) = (left + MIDDLE.0, top + MIDDLE.1);
        let mut path = |brush: Brush, data: String| self.shapes(ink, brush).other.push_str(&data);
        match character {
            '╌' | '╍' | '┄' | '┅' | '┈' | '┉' | '╎' | '╏' | '┆' | '┇' | '┊' | '┋' => {
                self.dashes(character, (left, top), ink)
            }
            '╭' => path(Brush::Thin, format!("M{x} {bottom}V{}Q{x} {y} {right} {y}", y + 4.0)),
            '╮' => path(Brush::Thin, format!("M{x} {bottom}V{}Q{x} {y} {left} {y}", y + 4.0)),
            '╯' => path(Brush::Thin, format!("M{x} {top}V{}Q{x} {y} {left} {y}", y - 4.0)),
            '╰' => path(Brush::Thin, format!("M{x} {top}V{}Q{x} {y} {right} {y}", y - 4.0)),
            '╱' => path(Brush::Curve, format!("M{left} {bottom}L{right} {top}")),
            '╲' => path(Brush::Curve, format!("M{left} {top}L{right} {bottom}")),
            '╳' => path(
                Brush::Curve,
                format!("M{left} {bottom}L{right} {top}M{left} {top}L{right} {bottom}"),
            ),
            '─'..='╿' => self.arms(character, (left, top), ink),
            '▀' => self.block(ink, Brush::Full, (left, top), (right, top + CELL_HEIGHT / 2.0)),
            '▁'..='█' => {
                let eighths = offset(character as usize - '▀' as usize, CELL_HEIGHT / 8.0);
                self.block(ink, Brush::Full, (left, bottom - eighths), (right, bottom));
            }
            '▉'..='▏' => {
                let eighths = offset('█' as usize + 8 - character as usize, CELL_WIDTH / 8.0);
                self.block(ink, Brush::Full, (left, top), (left + eighths, bottom));
            }
            '▐' => self.block(ink, Brush::Full, (left + CELL_WIDTH / 2.0, top), (right, bottom)),
            '░' => self.block(ink, Brush::Shade(1), (left, top), (right, bottom)),
            '▒' => self.block(ink, Brush::Shade(2), (left, top), (right, bottom)),
            '▓' => self.block(ink, Brush::Shade(3), (left, top), (right, bottom)),
            '▔' => self.block(ink, Brush::Full, (left, top), (right, top + CELL_HEIGHT / 8.0)),
            '▕' => self.block(ink, Brush::Full, (right - CELL_WIDTH / 8.0, top), (right, bottom)),
            '▖'..='▟' => self.quadrants(character, (left, top), ink),
            '■' => self.block(ink, Brush::Full, (left + 0.5, y - 3.5), (right - 0.5, y + 3.5)),
            '▪' => self.block(ink, Brush::Full, (left + 2.0, y - 2.0), (right - 2.0, y + 2.0)),
            '▶' => {
                path(Brush::Full, format!("M{left} {}L{right} {y}L{left} {}Z", y - 4.5, y + 4.5))
            }
            '▷' => path(
                Brush::Curve,
                format!("M{} {}L{right} {y}L{} {}Z", left + 0.5, y - 4.0, left + 0.5, y + 4.0),
            ),
            '◀' => {
                path(Brush::Full, format!("M{right} {}L{left} {y}L{right} {}Z", y - 4.5, y + 4.5))
            }
            '▲' => path(
                Brush::Full,
                format!("M{left} {}L{x} {}L{right} {}Z", y + 4.0, y - 5.0, y + 4.0),
            ),
            '▼' => path(
                Brush::Full,
                format!("M{left} {}L{x} {}L{right} {}Z", y - 4.0, y + 5.0, y - 4.0),
            ),
            '●' => {
                path(Brush::Full, format!("M{} {y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z", x - 3.5))
            }
            '◆' => path(
                Brush::Full,
                format!("M{left} {y}L{x} {}L{right} {y}L{x} {}Z", y - 5.0, y + 5.0),
            ),
            '○' => path(Brush::Thin, format!("M{} {y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z", x - 3.0)),
            '✓' => path(
                Brush::Curve,
                format!(
                    "M{} {}L{} {}L{} {}",
                    left + 0.5,
                    y,
                    left + 3.0,
                    y + 3.5,
                    right - 0.5,
                    y - 5.0
                ),
            ),
            '✗' => path(
                Brush::Curve,
                format!(
                    "M{0} {2}L{1} {3}M{1} {2}L{0} {3}",
                    left + 1.0,
                    right - 1.0,
                    y - 4.0,
                    y + 4.0
                ),
            ),
            _ => return false,
        }
        true
    }

    /// A line in two, three or four dashes.
    fn dashes(&mut self, character: char, (left, top): (f32, f32), ink: Ink) {
        let count = match character {
            '╌' | '╍' | '╎' | '╏' => 2,
            '┄' | '┅' | '┆' | '┇' => 3,
            _ => 4,
        };
        let brush =
            if "╍┅┉╏┇┋".contains(character) { Brush::Thick } else { Brush::Thin };
        let horizontal = "╌╍┄┅┈┉".contains(character);
        let long = if horizontal { CELL_WIDTH } else { CELL_HEIGHT } / offset(count, 1.0);
        for index in 0..count {
            let from = if horizontal { left } else { top } + offset(index, long) + long * 0.2;
            if horizontal {
                self.horizontal(ink, brush, top + MIDDLE.1, from, from + long * 0.6);
            } else {
                self.shapes(ink, brush).vertical.push((left + MIDDLE.0, from, from + long * 0.6));
            }
        }
    }

    /// A character of lines from its cell's edges to its middle, and a little beyond: up to the far side of what they meet there.
    fn arms(&mut self, character: char, (left, top): (f32, f32), ink: Ink) {
        let arms = ARMS[character as usize - '─' as usize];
        let [to_left, up, to_right, down] = [12, 8, 4, 0].map(|shift| arms >> shift & 0xf);
        let reach = |one: u16, other: u16| [0.0, 0.5, 1.5, 2.5][usize::from(one.max(other))];
        let (across, along) = (reach(up, down), reach(to_left, to_right));
        let (x, y) = (left + MIDDLE.0, top + MIDDLE.1);
        let lines = |weight: u16| match weight {
            2 => (Brush::Thick, &[0.0][..]),
            3 => (Brush::Thin, &[-2.0, 2.0][..]),
            _ => (Brush::Thin, &[0.0][..]),
        };
        let whole = to_left == to_right;
        for (weight, from, to) in [
            (to_left, left, if whole { left + CELL_WIDTH } else { x + across }),
            (to_right, x - across, left + CELL_WIDTH),
        ] {
            if weight == 0 || (whole && to < from + CELL_WIDTH - 0.01) {
                continue;
            }
            let (brush, offsets) = lines(weight);
            offsets.iter().for_each(|offset| self.horizontal(ink, brush, y + offset, from, to));
        }
        let whole = up == down;
        for (weight, from, to) in [
            (up, top, if whole { top + CELL_HEIGHT } else { y + along }),
            (down, y - along, top + CELL_HEIGHT),
        ] {
            if weight == 0 || (whole && to < from + CELL_HEIGHT - 0.01) {
                continue;
            }
            let (brush, offsets) = lines(weight);
            let vertical = &mut self.shapes(ink, brush).vertical;
            offsets.iter().for_each(|offset| vertical.push((x + offset, from, to)));
        }
    }

    /// The quarters of a cell.
    fn quadrants(&mut self, character: char, (left, top): (f32, f32), ink: Ink) {
        // Upper left 8, upper right 4, lower left 2, lower right 1.
        const QUARTERS: [u8; 10] =
            [0b0010, 0b0001, 0b1000, 0b1011, 0b1001, 0b1110, 0b1101, 0b0100, 0b0110, 0b0111];
        let quarters = QUARTERS[character as usize - '▖' as usize];
        for (bit, (right, below)) in
            [(8, (0.0, 0.0)), (4, (1.0, 0.0)), (2, (0.0, 1.0)), (1, (1.0, 1.0))]
        {
            if quarters & bit != 0 {
                let corner = (left + right * CELL_WIDTH / 2.0, top + below * CELL_HEIGHT / 2.0);
                self.block(
                    ink,
                    Brush::Full,
                    corner,
                    (corner.0 + CELL_WIDTH / 2.0, corner.1 + CELL_HEIGHT / 2.0),
                );
            }
        }
    }

    pub(super) fn svg(self) -> String {
        let mut svg = String::new();
        for ((ink, brush), shapes) in self.shapes {
            let class = [ink, brush.class()].join(" ");
            let _ = write!(svg, "<path class=\"{}\" d=\"", class.trim());
            for (y, from, to) in shapes.horizontal {
                let _ = write!(svg, "M{from} {y}H{to}");
            }
            // Join lines that continue from row to row.
            let mut vertical = shapes.vertical;
            vertical.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            vertical.dedup_by(|next, line| {
                let joins = (next.0 - line.0).abs() < 0.01 && next.1 <= line.2 + 0.01;
                line.2 = if joins { line.2.max(next.2) } else { line.2 };
                joins
            });
            for (x, from, to) in vertical {
                let _ = write!(svg, "M{x} {from}V{to}");
            }
            svg += &shapes.other;
            svg += "\"/>";
        }
        svg + &self.texts
    }
}

/// U+2500 to U+257F: the weight of the lines to the left, up, right and down; 1 light, 2 heavy, 3 double. Taken from their names in the
/// Unicode Character Database. Dashes, arcs and diagonals have none here.
#[rustfmt::skip]
const ARMS: [u16; 128] = [
    0x1010, 0x2020, 0x0101, 0x0202, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0011, 0x0021, 0x0012, 0x0022,
    0x1001, 0x2001, 0x1002, 0x2002, 0x0110, 0x0120, 0x0210, 0x0220, 0x1100, 0x2100, 0x1200, 0x2200, 0x0111, 0x0121, 0x0211, 0x0112,
    0x0212, 0x0221, 0x0122, 0x0222, 0x1101, 0x2101, 0x1201, 0x1102, 0x1202, 0x2201, 0x2102, 0x2202, 0x1011, 0x2011, 0x1021, 0x2021,
    0x1012, 0x2012, 0x1022, 0x2022, 0x1110, 0x2110, 0x1120, 0x2120, 0x1210, 0x2210, 0x1220, 0x2220, 0x1111, 0x2111, 0x1121, 0x2121,
    0x1211, 0x1112, 0x1212, 0x2211, 0x1221, 0x2112, 0x1122, 0x2221, 0x2122, 0x2212, 0x1222, 0x2222, 0x0000, 0x0000, 0x0000, 0x0000,
    0x3030, 0x0303, 0x0031, 0x0013, 0x0033, 0x3001, 0x1003, 0x3003, 0x0130, 0x0310, 0x0330, 0x3100, 0x1300, 0x3300, 0x0131, 0x0313,
    0x0333, 0x3101, 0x1303, 0x3303, 0x3031, 0x1013, 0x3033, 0x3130, 0x1310, 0x3330, 0x3131, 0x1313, 0x3333, 0x0000, 0x0000, 0x0000,
    0x0000, 0x0000, 0x0000, 0x0000, 0x1000, 0x0100, 0x0010, 0x0001, 0x2000, 0x0200, 0x0020, 0x0002, 0x1020, 0x0102, 0x2010, 0x0201,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_block_and_mark_that_our_views_draw_is_drawn_as_a_shape() {
        let mut seen = std::collections::BTreeSet::new();
        let mut folders =
            vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/views"))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)
                .expect("the views")
                .map(|entry| entry.expect("an entry").path())
            {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    seen.extend(
                        std::fs::read_to_string(entry)
                            .expect("text")
                            .chars()
                            .filter(|c| ('─'..='◿').contains(c) || "✓✗".contains(*c)),
                    );
                }
            }
        }
        assert!(seen.len() > 30, "the test has lost sight of the views: {seen:?}");
        for character in seen.into_iter().chain('─'..='▟') {
            let mut drawing = Drawing::default();
            assert!(
                drawing.shape(character, 0, Ink::Plain),
                "{character:?} would be left to the font"
            );
            let data = drawing
                .shapes
                .values()
                .map(|shapes| shapes.horizontal.len() + shapes.vertical.len() + shapes.other.len())
                .sum::<usize>();
            assert!(data > 0, "{character:?} draws nothing");
        }
    }

    #[test]
    fn a_cross_meets_all_its_edges() {
        let mut drawing = Drawing::default();
        assert!(drawing.shape('┼', 0, Ink::Plain));
        let shapes = drawing.shapes.values().next().expect("one brush");
        assert_eq!(
            (shapes.horizontal.as_slice(), shapes.vertical.as_slice()),
            (&[(9.5, 0.0, 8.0)][..], &[(4.5, 0.0, 18.0)][..])
        );
        let mut drawing = Drawing::default();
        assert!(drawing.shape('┥', 0, Ink::Plain));
        let thick = &drawing.shapes[&("", Brush::Thick)];
        assert_eq!(thick.horizontal, [(9.5, 0.0, 5.0)]);
    }
}
