//! A ladder without lanes, for narrow terminals.

use unicode_width::UnicodeWidthStr;

use super::arrow::label;
use super::diagram::{Arrow, Diagram, Shape, Transit};
use super::legend::{self, Addresses};
use super::wire;
use crate::i18n::tr;
use crate::picture::phrase::{fitted, fitting};
use crate::picture::{Canvas, Ink, Picture};
use crate::text::wrap;
use crate::views::DrawOptions;
use crate::views::legend::lines;

/// The first of the wordings that fits into so many columns, else the last: it goes on below.
fn shortest(words: &[String], columns: usize) -> String {
    fitting(words, columns).or(words.last()).cloned().unwrap_or_default()
}

/// Where to go on after this, which ends before that column: a blank stands between, but not after a wide colon.
fn after(who: &str, column: usize) -> usize {
    column + usize::from(!who.is_empty() && !who.ends_with('：'))
}

/// The same without lanes, for narrow terminals.
pub(super) fn draw(diagram: &Diagram, width: usize, options: DrawOptions) -> Picture {
    let mut canvas = Canvas::new(width);
    let mut row = 0;
    let name = |lane: usize| &*diagram.lanes[lane].name;
    let mut addresses = Addresses::default();
    for step in &diagram.steps {
        let first_row = row;
        let (who, what, ink, what_ink) = match &step.shape {
            Shape::Part(part) => (String::new(), format!("── {part} ──"), Ink::Plain, Ink::Strong),
            Shape::Note(text, ink) => (String::new(), text.clone(), Ink::Plain, *ink),
            Shape::Fold(text) => (String::new(), format!("… {text}"), Ink::Plain, Ink::Strong),
            Shape::Aside(words) => (String::new(), shortest(words, width), Ink::Plain, Ink::Faint),
            Shape::Call { lane, words, ink, .. } => {
                let who = tr!("{who}:", who = name(*lane));
                let room = width.saturating_sub(who.width() + 1);
                let beside = fitting(words, room).cloned();
                let what = beside.unwrap_or_else(|| shortest(words, width.saturating_sub(2)));
                (who, what, Ink::Of(*lane), *ink)
            }
            Shape::State { lane, state, known_by } => {
                let who = tr!("{who}:", who = name(*lane));
                let room = width.saturating_sub(who.width() + 1);
                let words = shortest(&wire::state_words(state, *known_by), room);
                (who, words, Ink::Of(*lane), wire::state_ink(state, *known_by))
            }
            Shape::Segment(segment_row) => {
                let who = format!("{} → {}", name(segment_row.from), name(segment_row.to));
                let (rest, ink) = match &segment_row.transit {
                    Transit::Stops(why) => {
                        (format!(" ✗ {}", why.first().map_or("", String::as_str)), Ink::Bad)
                    }
                    Transit::Whole(Some(note)) | Transit::Arrives(note) => (
                        note.iter()
                            .find(|note| note.width() + 14 < width)
                            .map_or_else(String::new, |note| tr!(", {note}", note)),
                        segment_row.ink,
                    ),
                    Transit::Whole(None) => (String::new(), segment_row.ink),
                    Transit::Leaves => (tr!(" leaves").to_owned(), segment_row.ink),
                };
                let room = width.saturating_sub(2 + rest.width()).max(width / 2);
                (who, fitted(&segment_row.words, room) + &rest, Ink::Of(segment_row.from), ink)
            }
            Shape::Arrow(arrow) => {
                let who = match arrow.to {
                    Some(to) => format!("{} → {}", name(arrow.from), name(to)),
                    None => tr!("{who}:", who = name(arrow.from)),
                };
                let why = arrow.stops.as_ref().map_or_else(String::new, |why| format!(" ✗ {why}"));
                let what = match &arrow.data {
                    Some((text, bytes)) => label(text, *bytes, width.saturating_sub(2)),
                    None => shortest(&arrow.tail, width.saturating_sub(2 + why.width())),
                };
                let ink = if arrow.stops.is_some() { Ink::Bad } else { Ink::Strong };
                (who, what + &why, Ink::Of(arrow.from), ink)
            }
        };
        let mut column = after(&who, canvas.write(row, 0, width, &who, ink));
        if column > 0 && column + what.width() > width {
            row += 1;
            column = 2;
        }
        let room = width.saturating_sub(column).max(1);
        for line in wrap(&what, room) {
            canvas.write(row, column, width, &line, what_ink);
            row += 1;
        }
        if let Shape::Arrow(Arrow { to: Some(to), head, head_matters: true, .. }) = &step.shape {
            let who = tr!("{who}:", who = name(*to));
            let column = after(&who, canvas.write(row, 0, width, &who, Ink::Of(*to)));
            canvas.write(
                row,
                column,
                width,
                &fitted(head, width.saturating_sub(column).max(1)),
                Ink::Plain,
            );
            row += 1;
        }
        addresses.note(std::slice::from_ref(step), &canvas.text(first_row..row));
    }
    let untold = addresses.untold();
    let mut below = lines(untold.iter().map(String::as_str).collect(), width);
    below.extend(lines(options.explanations(legend::of_states(diagram)), width));
    for line in below {
        canvas.write(row, 0, width, &line, Ink::Faint);
        row += 1;
    }
    canvas.picture()
}
