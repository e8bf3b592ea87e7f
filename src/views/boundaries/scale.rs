//! Where each stretch of bytes between two cuts is drawn.

use unicode_width::UnicodeWidthStr;

use super::{Flow, Holds, Piece, text};

/// Where each stretch between two cuts is drawn.
pub(super) struct Scale {
    /// The cuts, in bytes.
    pub(super) cuts: Vec<usize>,
    /// The column of each cut.
    pub(super) columns: Vec<usize>,
    /// False if the stretches are narrower than their text.
    pub(super) natural: bool,
}

impl Scale {
    /// Every stretch as wide as its text if that fits, else in proportion; what does not fit at all is left out.
    pub(super) fn new(flow: &Flow, room: usize) -> Scale {
        let pieces = || flow.sent.iter().chain(&flow.got);
        let mut cuts: Vec<usize> = pieces().flat_map(|piece| [piece.start, piece.end]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        // The shortest stretch is a byte: one character in four columns with the cut and a count of up to three digits.
        let most = (room.saturating_sub(1) / 4).max(1);
        cuts.truncate(most + 1);
        let stretches: Vec<(usize, usize)> =
            cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let digits = |&(start, end): &(usize, usize)| (end - start).to_string().len();
        let widest_text = |&(start, end): &(usize, usize)| {
            let inside = pieces().filter(|piece| {
                piece.start <= start && end <= piece.end && piece.holds == Holds::Bytes
            });
            inside.map(|piece| text(piece, start, end).width()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> =
            stretches.iter().map(|one| widest_text(one).max(digits(one)).max(1)).collect();
        // A box over several stretches must hold its text and its count, too.
        for piece in pieces() {
            let inside: Vec<usize> = (0..stretches.len())
                .filter(|&at| piece.start <= stretches[at].0 && stretches[at].1 <= piece.end)
                .collect();
            let Some(&last) = inside.last() else { continue };
            let has = inside.iter().map(|&at| widths[at]).sum::<usize>() + inside.len() - 1;
            widths[last] += (piece.end - piece.start).to_string().len().saturating_sub(has);
        }
        let natural = widths.iter().sum::<usize>() + widths.len() < room;
        let total = |widths: &[usize]| widths.iter().sum::<usize>() + widths.len() + 1;
        if !natural && total(&widths) > 2 * room {
            let free = room.saturating_sub(1 + 4 * stretches.len());
            let all: usize = stretches.iter().map(|(start, end)| end - start).sum();
            widths = stretches
                .iter()
                .map(|(start, end)| 3 + free.saturating_mul(end - start) / all.max(1))
                .collect();
        }
        // A little too wide: the widest give way.
        while total(&widths) > room
            && let Some(widest) = widths.iter_mut().max().filter(|wide| **wide > 1)
        {
            *widest -= 1;
        }
        let mut columns = vec![0];
        for wide in widths {
            columns.push(columns.last().copied().unwrap_or(0) + wide + 1);
        }
        columns.truncate(cuts.len());
        Scale { cuts, columns, natural }
    }

    fn place(&self, cut: usize) -> Option<usize> {
        self.cuts.iter().position(|known| *known == cut)
    }

    /// From which cut to which the piece is drawn, if it is, and whether it ends there.
    pub(super) fn extent(&self, piece: &Piece) -> Option<(usize, usize, bool)> {
        let first = self.place(piece.start).filter(|first| first + 1 < self.cuts.len())?;
        let closed = self.place(piece.end);
        Some((first, closed.unwrap_or(self.cuts.len() - 1), closed.is_some()))
    }
}
