//! The hands that a room raised for a prediction, as bars beside the options, with what happened marked.
//!
//! The one picture that is not drawn from a recording: what people guessed is no event of a run.

use super::bars::stroke;
use super::wording::safe;
use crate::picture::{Ink, Picture, Row, fit};
use crate::text::wrap;

/// A bar is not longer than this.
const LONGEST: usize = 60;

/// Draws the options, the hands for each, and a mark at the right one.
#[must_use]
pub fn draw(options: &[String], hands: &[u32], right: usize, width: usize) -> Picture {
    let most = hands.iter().copied().max().unwrap_or(0);
    let digits = most.to_string().len();
    let room = width.saturating_sub(5 + 1 + digits).clamp(1, LONGEST);
    let mut rows = Vec::new();
    for (place, (option, (letter, count))) in options.iter().zip(('a'..).zip(hands)).enumerate() {
        let (mark, ink) = if place == right { ("✓", Ink::Good) } else { (" ", Ink::Plain) };
        for (line, text) in wrap(&safe(&option.replace('`', "")), width.saturating_sub(5).max(2))
            .into_iter()
            .enumerate()
        {
            let head = if line == 0 { format!("{mark} {letter}) ") } else { " ".repeat(5) };
            rows.push(Row::new().with(head, ink).with(fit(&text, width.saturating_sub(5)), ink));
        }
        let bar = stroke((*count).into(), most.into(), room);
        rows.push(
            Row::new()
                .with(" ".repeat(5), ink)
                .with(bar, Ink::Of(place))
                .with(format!(" {count}"), Ink::Strong),
        );
    }
    Picture(rows)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn each_option_has_its_bar_and_the_right_one_a_mark() {
        let options =
            ["none: `hello` opens it", "two: a question and an answer", "你好：也、啊、你啊"]
                .map(str::to_owned);
        assert_snapshot!(draw(&options, &[5, 12, 0], 2, 19).text());
        for width in 20..100 {
            for line in draw(&options, &[9_999, 0, 1], 0, width).text().lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
        assert!(draw(&options, &[0, 0, 0], 1, 40).text().contains("✓ b) two"));
    }
}
