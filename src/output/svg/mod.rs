//! A picture as SVG: the same rows of inked text that the terminal shows, on a grid of cells.
//!
//! Frames, bars and arrowheads are drawn as shapes, so that they join whatever the font; text keeps its columns by `textLength`, wide
//! characters too. Ink says what text means; here that is a class, and a style sheet decides the colour, for light and for dark.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::picture::{Ink, Picture};
use crate::text::safe;

mod drawing;

use drawing::Drawing;

/// A cell's width in pixels; the font size matches it.
const CELL_WIDTH: f32 = 8.0;
/// A cell's height.
const CELL_HEIGHT: f32 = 18.0;
/// The margin around a picture in a file of its own.
const MARGIN: f32 = 16.0;

/// Monospaced fonts; the later ones have Chinese.
pub const MONOSPACED: &str = "ui-monospace,'Cascadia Mono','SF Mono',Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',\
'Noto Sans Mono CJK SC','Sarasa Mono SC','Source Han Mono SC','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',monospace";

/// Colours on a light ground, as CSS variables, with a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3).
pub const LIGHT: &str = "--ground:#fff;--plain:#1f2328;--faint:#5c6670;--strong:#000;--good:#11662b;--bad:#b3261e;--warn:#855300;\
--code:#4a3fc4;--keyword:#7434b4;--literal:#4d6209;\
--of0:#0b5cad;--of1:#97309a;--of2:#666000;--of3:#0b6672;--of4:#a1285f;--of5:#505a68";
/// Colours on a dark ground.
pub const DARK: &str = "--ground:#14181d;--plain:#d6dce2;--faint:#98a2ac;--strong:#fff;--good:#62d48e;--bad:#ff8f85;--warn:#e6b455;\
--code:#a9a5ff;--keyword:#c8a6f2;--literal:#b0c871;\
--of0:#79b8ff;--of1:#e39be4;--of2:#c9c35c;--of3:#52cadb;--of4:#ff9ec4;--of5:#aeb9c7";

/// The style of a drawing's classes, given the variables of [`LIGHT`] or [`DARK`].
pub fn style() -> String {
    let mut css = format!(
        ".inks{{color:var(--plain)}}.inks text{{fill:currentColor;font:13.33px {MONOSPACED};white-space:pre;direction:ltr;unicode-bidi:bidi-override}}\
         .inks .wide{{font-size:15px}}.inks path{{fill:none;stroke:currentColor}}.inks .thick{{stroke-width:3}}.inks .curve{{stroke-width:1.6}}\
         .inks .full,.inks .s1,.inks .s2,.inks .s3{{fill:currentColor;stroke:none}}\
         .inks .s1{{fill-opacity:.25}}.inks .s2{{fill-opacity:.45}}.inks .s3{{fill-opacity:.7}}\
         .inks .strong,.inks text.good,.inks text.bad{{font-weight:700}}"
    );
    for name in [
        "faint", "strong", "good", "bad", "warn", "code", "keyword", "literal", "of0", "of1",
        "of2", "of3", "of4", "of5",
    ] {
        let _ = write!(css, ".inks .{name}{{color:var(--{name})}}");
    }
    css
}

/// The class of an ink; plain text has none.
pub fn class(ink: Ink) -> &'static str {
    const OF: [&str; 6] = ["of0", "of1", "of2", "of3", "of4", "of5"];
    match ink {
        Ink::Plain => "",
        Ink::Faint => "faint",
        Ink::Strong => "strong",
        Ink::Good => "good",
        Ink::Bad => "bad",
        Ink::Warn => "warn",
        Ink::Code => "code",
        Ink::Keyword => "keyword",
        Ink::Literal => "literal",
        Ink::Of(which) => OF[which % OF.len()],
    }
}

/// Escapes text for XML and HTML, between tags and in attributes, and makes it safe to show.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in safe(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'), // no characters of XML (XML 1.0, 2.2)
            other => escaped.push(other),
        }
    }
    escaped
}

/// A drawing inside a page that has [`style`]. The name must be unique in the page, of letters, digits and hyphens.
pub fn inline(picture: &Picture, name: &str, title: &str) -> String {
    let (width, height) = size(picture);
    let attributes = format!(
        "class=\"inks\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\""
    );
    element(picture, &attributes, name, title, "")
}

/// A file of its own, light or dark as the reader's system is; it fetches nothing.
pub fn file(picture: &Picture, title: &str) -> String {
    let (width, height) = size(picture);
    let (width, height) = (width + 2.0 * MARGIN, height + 2.0 * MARGIN);
    let attributes = format!(
        "xmlns=\"http://www.w3.org/2000/svg\" class=\"inks\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"-{MARGIN} -{MARGIN} {width} {height}\""
    );
    let ground = format!(
        "<style>svg{{{LIGHT}}}@media (prefers-color-scheme:dark){{svg{{{DARK}}}}}rect{{fill:var(--ground);stroke:var(--faint);stroke-opacity:.4}}{}</style>\
         <rect x=\"-{at}\" y=\"-{at}\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
        style(),
        width - 1.0,
        height - 1.0,
        at = MARGIN - 0.5,
    );
    element(picture, &attributes, "picture", title, &ground) + "\n"
}

/// Width and height in pixels.
fn size(picture: &Picture) -> (f32, f32) {
    let columns = picture
        .0
        .iter()
        .map(|row| cells(&row.text()).map(|(_, wide)| wide).sum::<usize>())
        .max()
        .unwrap_or(0);
    (offset(columns.max(1), CELL_WIDTH), offset(picture.0.len().max(1), CELL_HEIGHT))
}

#[allow(clippy::cast_precision_loss)] // a picture has some thousand rows at most
fn offset(cells: usize, size: f32) -> f32 {
    cells as f32 * size
}

/// The characters that are shown, each with its columns.
fn cells(text: &str) -> impl Iterator<Item = (char, usize)> {
    safe(text)
        .into_owned()
        .chars()
        .collect::<Vec<_>>()
        .into_iter()
        .map(|character| (character, character.width().unwrap_or(0)))
}

fn element(picture: &Picture, attributes: &str, name: &str, title: &str, ground: &str) -> String {
    let rows =
        picture.0.iter().map(|row| escape(row.text().trim_end())).collect::<Vec<_>>().join("\n");
    let mut drawing = Drawing::default();
    for (number, row) in picture.0.iter().enumerate() {
        drawing.y = offset(number, CELL_HEIGHT);
        let mut column = 0;
        for span in &row.0 {
            for (character, wide) in cells(&span.text) {
                drawing.draw_char(character, wide, column, span.ink);
                column += wide;
            }
        }
        drawing.end_run();
    }
    format!(
        "<svg {attributes} role=\"img\" aria-labelledby=\"{name}-title {name}-text\"><title id=\"{name}-title\">{}</title>\
         <desc id=\"{name}-text\">{rows}</desc>{ground}{}</svg>",
        escape(title),
        drawing.svg()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Row;
    use crate::picture::contrast::contrast;

    fn picture(rows: &[&str]) -> Picture {
        Picture(rows.iter().map(|row| Row::new().with(*row, Ink::Plain)).collect())
    }

    fn drawn(rows: &[&str]) -> String {
        file(&picture(rows), "a picture")
    }

    /// Each run of text: its x, its length, what it says.
    fn runs(svg: &str) -> Vec<(f32, f32, String)> {
        let document = roxmltree::Document::parse(svg).expect("well-formed XML");
        let texts = document.descendants().filter(|node| node.has_tag_name("text"));
        let number = |node: &roxmltree::Node<'_, '_>, name| {
            node.attribute(name).expect("it is there").parse().expect("a number")
        };
        texts
            .map(|node| {
                (
                    number(&node, "x"),
                    number(&node, "textLength"),
                    node.text().unwrap_or_default().to_owned(),
                )
            })
            .collect()
    }

    fn run(column: usize, cells: usize, text: &str) -> (f32, f32, String) {
        (offset(column, CELL_WIDTH), offset(cells, CELL_WIDTH), text.to_owned())
    }

    #[test]
    fn every_run_of_text_stands_at_its_column_wide_characters_counted_as_two() {
        let svg = drawn(&["a bc  def │你好│ ok", "é\u{301}x 你 好"]);
        let expected = [
            run(0, 4, "a bc"),
            run(6, 3, "def"),
            run(11, 4, "你好"),
            run(17, 2, "ok"),
            run(0, 2, "é\u{301}x"),
            run(3, 2, "你"),
            run(6, 2, "好"),
        ];
        assert_eq!(runs(&svg), expected);
    }

    #[test]
    fn what_a_peer_sent_is_shown_and_never_markup() {
        let hostile = "</text><script>alert(1)</script> & \"x\" '\u{1b}]0;\u{202e}\u{0}\u{ffff}";
        let svg = drawn(&[hostile]);
        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        assert!(document.descendants().all(|node| !node.has_tag_name("script")));
        let texts = document
            .descendants()
            .filter(|node| node.has_tag_name("text"))
            .filter_map(|node| node.text().map(str::to_owned));
        let shown = "</text><script>alert(1)</script> & \"x\" '\\u{1b}]0;\\u{202e}\\u{0}\u{fffd}";
        assert_eq!(texts.collect::<Vec<_>>(), [shown]);
        let description = document
            .descendants()
            .find(|node| node.has_tag_name("desc"))
            .and_then(|node| node.text());
        assert_eq!(description, Some(shown));
    }

    #[test]
    fn lines_join_from_cell_to_cell_and_from_row_to_row() {
        let svg = drawn(&["┌──┐", "│  │", "└──┘"]);
        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        let paths: Vec<_> = document.descendants().filter_map(|node| node.attribute("d")).collect();
        // Two horizontal lines from corner to corner, two vertical ones over three rows; each ends on the far side of the other.
        assert_eq!(paths, ["M4 9.5H29M4 45.5H29M4.5 9V46M28.5 9V46"]);
        assert!(runs(&svg).is_empty());
    }

    #[test]
    fn a_picture_is_as_wide_as_its_widest_row() {
        assert_eq!(size(&picture(&["abc", "你好你", ""])), (6.0 * CELL_WIDTH, 3.0 * CELL_HEIGHT));
        assert!(roxmltree::Document::parse(&drawn(&[])).is_ok());
    }

    #[test]
    fn every_colour_can_be_read_on_its_ground() {
        let components = |colour: &str| {
            let digits = colour.trim_start_matches('#');
            let wide: String = if digits.len() == 3 {
                digits.chars().flat_map(|digit| [digit, digit]).collect()
            } else {
                digits.to_owned()
            };
            [0, 2, 4].map(|at| u8::from_str_radix(&wide[at..at + 2], 16).expect("hexadecimal"))
        };
        for (colours, raised) in [(LIGHT, "#f3f5f7"), (DARK, "#1d232a")] {
            let colours: Vec<_> =
                colours.split(';').filter_map(|one| one.split_once(':')).collect();
            for ground in [colours[0].1, raised] {
                for (name, colour) in &colours[1..] {
                    let ratio = contrast(components(colour), components(ground));
                    assert!(ratio >= 4.5, "{name} {colour} on {ground}: {ratio:.2}");
                }
            }
        }
    }
}
