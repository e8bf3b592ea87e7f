//! Which cells of the columns stand in one row, and in what they differ.

use super::Column;
use super::cell::Cell;
use crate::i18n::tr;

/// One cell of each column, where it has one.
pub(super) type Aligned = Vec<Option<usize>>;

/// Sets the same calls in the same rows: each column is fitted to those before it by their longest common subsequence.
pub(super) fn align(columns: &[Column]) -> Vec<Aligned> {
    let actors = |column: &Column| {
        let mut all: Vec<String> = column
            .cells
            .iter()
            .map(|cell| cell.who.clone())
            .filter(|who| !who.is_empty())
            .collect();
        all.sort();
        all.dedup();
        all
    };
    let same_actors = columns.windows(2).all(|pair| actors(&pair[0]) == actors(&pair[1]));
    let score = |one: &Cell, other: &Cell| {
        let notes = one.is_note && other.is_note;
        if notes || (one.function == other.function && (!same_actors || one.who == other.who)) {
            2 + usize::from(one.args_key == other.args_key && one.outcome_key == other.outcome_key)
        } else {
            0
        }
    };
    let mut rows: Vec<Aligned> = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        let first = |row: &Aligned| {
            row.iter().enumerate().find_map(|(of, cell)| Some(&columns[of].cells[(*cell)?]))
        };
        let scores: Vec<Vec<usize>> = rows
            .iter()
            .map(|row| {
                column
                    .cells
                    .iter()
                    .map(|cell| first(row).map_or(0, |known| score(known, cell)))
                    .collect()
            })
            .collect();
        // best[row][cell]: the highest score that the rows and the cells from these on can have together.
        let mut best = vec![vec![0; column.cells.len() + 1]; rows.len() + 1];
        for row in (0..rows.len()).rev() {
            for cell in (0..column.cells.len()).rev() {
                let matched = if scores[row][cell] > 0 {
                    scores[row][cell] + best[row + 1][cell + 1]
                } else {
                    0
                };
                best[row][cell] = matched.max(best[row + 1][cell]).max(best[row][cell + 1]);
            }
        }
        // Walks the best path: both go on where they match, else the rows first, if nothing is lost by that.
        let (mut row, mut cell, mut fitted) = (0, 0, Vec::new());
        while row < rows.len() || cell < column.cells.len() {
            let both = row < rows.len() && cell < column.cells.len();
            let here = both
                && scores[row][cell] > 0
                && best[row][cell] == scores[row][cell] + best[row + 1][cell + 1];
            let mut next = if here
                || cell == column.cells.len()
                || (both && best[row][cell] == best[row + 1][cell])
            {
                row += 1;
                rows[row - 1].clone()
            } else {
                vec![None; number]
            };
            if here || next.iter().all(Option::is_none) {
                next.push(Some(cell));
                cell += 1;
            } else {
                next.push(None);
            }
            fitted.push(next);
        }
        rows = fitted;
    }
    rows
}

/// In what the cells of one row are not all the same.
#[derive(Clone, Copy, Default)]
pub(super) struct Differs {
    pub(super) function: bool,
    pub(super) args: bool,
    pub(super) outcome: bool,
}

pub(super) fn differs(columns: &[Column], row: &Aligned) -> Differs {
    let cells: Vec<&Cell> = row
        .iter()
        .zip(columns)
        .filter_map(|(cell, column)| Some(&column.cells[(*cell)?]))
        .collect();
    if columns.len() < 2 {
        return Differs::default();
    }
    let alone = cells.len() < columns.len();
    let differs =
        |key: fn(&Cell) -> &str| alone || cells.windows(2).any(|pair| key(pair[0]) != key(pair[1]));
    Differs {
        function: differs(|cell| &cell.function),
        args: differs(|cell| &cell.args_key),
        outcome: differs(|cell| &cell.outcome_key),
    }
}

/// True if the row's cells are the same call with the same outcome, wherever there is one.
fn is_equal(columns: &[Column], row: &Aligned) -> bool {
    let cells: Vec<&Cell> = row
        .iter()
        .zip(columns)
        .filter_map(|(cell, column)| Some(&column.cells[(*cell)?]))
        .collect();
    let key = |cell: &Cell| {
        [&cell.who, &cell.function, &cell.args_key, &cell.outcome_key].map(String::clone)
    };
    cells.len() > 1 && cells.windows(2).all(|pair| key(pair[0]) == key(pair[1]))
}

/// The names of a column's calls in these rows: `send, recv ×2, close`.
fn folded_calls(column: &Column, number: usize, rows: &[Aligned]) -> String {
    let names: Vec<&str> =
        rows.iter().filter_map(|row| Some(column.cells[row[number]?].function.as_str())).collect();
    let counted = names.chunk_by(|one, other| one == other).map(|same| match same.len() {
        1 => same[0].to_owned(),
        times => format!("{} ×{times}", same[0]),
    });
    counted.collect::<Vec<_>>().join(", ")
}

/// Runs of rows that are equal in the same columns, with all but a few of each told in one.
pub(super) fn fold_equal(
    columns: &mut [Column],
    rows: &[Aligned],
    (first, last, least): (usize, usize, usize),
) -> Vec<Aligned> {
    let mut folded: Vec<Aligned> = Vec::new();
    let mut at = 0;
    while at < rows.len() {
        let where_it_is = |row: &Aligned| row.iter().map(Option::is_some).collect::<Vec<_>>();
        let like =
            |row: &&Aligned| is_equal(columns, row) && where_it_is(row) == where_it_is(&rows[at]);
        let run = rows[at..].iter().take_while(like).count().max(1);
        let left_out = run.saturating_sub(first + last);
        if left_out < least {
            folded.extend_from_slice(&rows[at..at + run]);
        } else {
            folded.extend_from_slice(&rows[at..at + first]);
            let mut note: Aligned = rows[at].clone();
            let places = note.iter_mut().zip(columns.iter_mut()).enumerate();
            for (number, (cell, column)) in places.filter(|(_, (cell, _))| cell.is_some()) {
                let calls = folded_calls(column, number, &rows[at + first..at + run - last]);
                column.cells.push(Cell::note(tr!("… equal: {calls}", calls)));
                *cell = Some(column.cells.len() - 1);
            }
            folded.push(note);
            folded.extend_from_slice(&rows[at + run - last..at + run]);
        }
        at += run;
    }
    folded
}
