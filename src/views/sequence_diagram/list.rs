//! A ladder without lanes, for narrow terminals.

use unicode_width::UnicodeWidthStr;

use super::arrow::label;
use super::diagram::{Arrow, Diagram, Shape, Transit};
use super::{legend, wire};
use crate::i18n::tr;
use crate::picture::phrase::{fitted, fitting};
use crate::picture::{Canvas, Ink, Picture};
use crate::text::wrap;
use crate::views::DrawOptions;
use crate::views::legend::lines;

/// The same without lanes, for narrow terminals.
pub(super) fn draw(diagram: &Diagram, width: usize, options: DrawOptions) -> Picture {
    let mut canvas = Canvas::new(width);
    let mut row = 0;
    let name = |lane: usize| &*diagram.lanes[lane].name;
    for step in &diagram.steps {
        let (who, what, ink, what_ink) = match &step.shape {
            Shape::Part(part) => (String::new(), format!("── {part} ──"), Ink::Plain, Ink::Strong),
            Shape::Note(text, ink) => (String::new(), text.clone(), Ink::Plain, *ink),
            Shape::Fold(text) => (String::new(), format!("… {text}"), Ink::Plain, Ink::Strong),
            Shape::Aside(words) => (String::new(), fitted(words, width), Ink::Plain, Ink::Faint),
            Shape::Call { lane, words, ink, .. } => {
                let who = format!("{}:", name(*lane));
                let room = width.saturating_sub(who.width() + 1);
                let beside = fitting(words, room).cloned();
                let what = beside.unwrap_or_else(|| fitted(words, width.saturating_sub(2)));
                (who, what, Ink::Of(*lane), *ink)
            }
            Shape::State { lane, state, known_by } => {
                let who = format!("{}:", name(*lane));
                let room = width.saturating_sub(who.width() + 1);
                let words = fitted(&wire::state_words(state, *known_by), room);
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
                    None => format!("{}:", name(arrow.from)),
                };
                let why = arrow.stops.as_ref().map_or_else(String::new, |why| format!(" ✗ {why}"));
                let what = match &arrow.data {
                    Some((text, bytes)) => label(text, *bytes, width.saturating_sub(2)),
                    None => fitted(&arrow.tail, width.saturating_sub(2 + why.width())),
                };
                let ink = if arrow.stops.is_some() { Ink::Bad } else { Ink::Strong };
                (who, what + &why, Ink::Of(arrow.from), ink)
            }
        };
        let mut column = canvas.write(row, 0, width, &who, ink);
        if column > 0 && column + 1 + what.width() > width {
            row += 1;
            column = 1;
        }
        column += usize::from(!who.is_empty());
        let room = width.saturating_sub(column).max(1);
        for line in wrap(&what, room) {
            canvas.write(row, column, width, &line, what_ink);
            row += 1;
        }
        if let Shape::Arrow(Arrow { to: Some(to), head, head_matters: true, .. }) = &step.shape {
            let who = format!("{}:", name(*to));
            let column = canvas.write(row, 0, width, &who, Ink::Of(*to)) + 1;
            canvas.write(
                row,
                column,
                width,
                &fitted(head, width.saturating_sub(column).max(1)),
                Ink::Plain,
            );
            row += 1;
        }
    }
    for line in lines(options.explanations(legend::of_states(diagram)), width) {
        canvas.write(row, 0, width, &line, Ink::Faint);
        row += 1;
    }
    canvas.picture()
}
