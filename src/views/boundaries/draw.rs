//! Draws a flow: the row of the sends, and below it the row of the receives.

use unicode_width::UnicodeWidthStr;

use super::scale::Scale;
use super::{Flow, Holds, Piece, receives, sends, text};
use crate::i18n::tr;
use crate::picture::{Canvas, Ink, Row, paragraph};
use crate::views::wording::bytes;

impl Flow {
    pub(super) fn draw(&self, width: usize, rows: &mut Vec<Row>) {
        rows.extend(paragraph(&self.heading, width, Ink::Strong));
        let labels =
            [tr!("{who} sends", who = self.sender.0), tr!("{who} receives", who = self.receiver.0)];
        let label = labels.iter().map(|label| label.width() + 2).max().unwrap_or(0);
        let aside = label <= width / 4;
        let left = if aside { label } else { 0 };
        let scale = Scale::new(self, width.saturating_sub(left));
        let mut canvas = Canvas::new(width);
        let mut at = 0;
        for ((label, pieces), ink) in
            labels.iter().zip([&self.sent, &self.got]).zip([self.sender.1, self.receiver.1])
        {
            canvas.grow(at + 1);
            canvas.write(at, 0, if aside { left } else { width }, label, ink);
            at += usize::from(!aside);
            for piece in pieces {
                band(&mut canvas, (at, left), &scale, piece, ink);
            }
            counts(&mut canvas, (at + 1, left), &scale, pieces);
            at += 2;
        }
        let mut picture = canvas.picture();
        while picture.0.last().is_some_and(|row| row.width() == 0) {
            picture.0.pop();
        }
        rows.append(&mut picture.0);
        let end = scale.cuts.last().copied().unwrap_or(0);
        let beyond = |pieces: &[Piece]| {
            pieces.iter().filter(|piece| piece.end > end && piece.holds == Holds::Bytes).count()
        };
        let all = self.sent.iter().chain(&self.got).map(|piece| piece.end).max().unwrap_or(0);
        let mut remarks = self.remarks.clone();
        if all > end {
            let of =
                [(beyond(&self.sent), sends as fn(usize) -> String), (beyond(&self.got), receives)];
            let of: Vec<String> = of
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, said)| said(count))
                .collect();
            let (bytes, of) = (bytes(all - end), of.join(tr!(" and ")));
            remarks.insert(0, (tr!("… {bytes} more, of {of}", bytes, of), Ink::Faint));
        }
        for (remark, ink) in remarks {
            rows.extend(paragraph(&remark, width, ink));
        }
    }
}

/// The bytes in each box, spelt out if that fits below all of them.
fn counts(canvas: &mut Canvas, (row, left): (usize, usize), scale: &Scale, pieces: &[Piece]) {
    let shown: Vec<(usize, usize, &Piece)> = pieces
        .iter()
        .filter_map(|piece| {
            let (first, last, _) = scale.extent(piece)?;
            Some((left + scale.columns[first] + 1, left + scale.columns[last], piece))
        })
        .collect();
    let spelt = |piece: &Piece| {
        let count = bytes(piece.end - piece.start);
        match piece.holds {
            Holds::Bytes => count,
            Holds::Gone => tr!("{count} gone", count),
            Holds::Missing => tr!("{count} not received", count),
        }
    };
    let all_spelt = shown.iter().all(|(start, end, piece)| spelt(piece).width() <= end - start);
    for (start, end, piece) in shown {
        let words = if all_spelt { spelt(piece) } else { (piece.end - piece.start).to_string() };
        if words.width() <= end - start {
            let ink = match piece.holds {
                Holds::Bytes => Ink::Faint,
                Holds::Gone => Ink::Bad,
                Holds::Missing => Ink::Warn,
            };
            canvas.write(row, start + (end - start - words.width()) / 2, end, &words, ink);
        }
    }
}

/// One box; one that goes on beyond the scale is left open.
fn band(canvas: &mut Canvas, (row, left): (usize, usize), scale: &Scale, piece: &Piece, ink: Ink) {
    let Some((first, last, closed)) = scale.extent(piece) else {
        return;
    };
    let (start, end) = (left + scale.columns[first], left + scale.columns[last]);
    match piece.holds {
        Holds::Gone => canvas.fill(row, start + 1, end, '▒', Ink::Bad),
        Holds::Missing => canvas.fill(row, start + 1, end, '░', Ink::Warn),
        Holds::Bytes => {
            let upto = scale.cuts[last];
            let whole = text(piece, piece.start, upto);
            let stretches: Vec<(usize, usize, usize)> = (first..last)
                .map(|at| (scale.columns[at], scale.cuts[at], scale.cuts[at + 1]))
                .collect();
            let parts: Vec<String> =
                stretches.iter().map(|&(_, start, end)| text(piece, start, end)).collect();
            // A character that only the other row cuts is whole here.
            if parts.concat() == whole && scale.natural {
                for column in &scale.columns[first + 1..last] {
                    canvas.put(row, left + column, '·', Ink::Faint);
                }
                for (part, (column, ..)) in parts.iter().zip(&stretches) {
                    canvas.write(row, left + column + 1, end, part, ink);
                }
            } else {
                canvas.write(row, start + 1, end, &whole, ink);
            }
        }
    }
    canvas.put(row, start, '│', Ink::Strong);
    canvas.put(row, end, if closed { '│' } else { '…' }, Ink::Strong);
}
