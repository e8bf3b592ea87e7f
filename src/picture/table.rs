//! Cells side by side in columns.

use unicode_width::UnicodeWidthStr;

use super::{Ink, Row};

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Wider cells are cut.
    pub width: usize,
    /// Cells end where the column ends, as numbers do.
    right_aligned: bool,
    /// Stands between this column and the next.
    gap: &'static str,
}

impl Column {
    /// A column whose cells begin where it begins.
    #[must_use]
    pub fn left(width: usize, gap: &'static str) -> Column {
        Column { width, right_aligned: false, gap }
    }

    /// A column whose cells end where it ends.
    #[must_use]
    pub fn right(width: usize, gap: &'static str) -> Column {
        Column { width, right_aligned: true, gap }
    }
}

/// The width of all columns and of the gap after each.
#[must_use]
pub fn width(columns: &[Column]) -> usize {
    columns.iter().map(|column| column.width + column.gap.width()).sum()
}

/// A row of cells of one line each.
#[must_use]
pub fn row(cells: impl IntoIterator<Item = Row>, columns: &[Column]) -> Row {
    let mut row = Row::new();
    let (mut start, mut gap) = (0, "");
    for (cell, column) in cells.into_iter().zip(columns) {
        row.pad_to(start);
        row.push(gap, if gap.trim().is_empty() { Ink::Plain } else { Ink::Faint });
        start += gap.width();
        let cell = cell.cut(column.width);
        if column.right_aligned {
            row.pad_to(start + column.width - cell.width());
        }
        row.extend(cell);
        (start, gap) = (start + column.width, column.gap);
    }
    row
}

/// A row of cells of several lines each, in as many rows as the highest needs.
#[must_use]
pub fn rows(cells: &[Vec<Row>], columns: &[Column]) -> Vec<Row> {
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line =
        |at: usize| cells.iter().map(move |lines| lines.get(at).cloned().unwrap_or_default());
    (0..height).map(|at| row(line(at), columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_cut_and_aligned_and_go_on_below() {
        let columns = [Column::left(4, " │ "), Column::right(5, "  "), Column::left(3, "")];
        assert_eq!(width(&columns), 17);
        let cells = ["name", "longer"].map(|text| Row::new().with(text, Ink::Strong));
        let number = Row::new().with("42", Ink::Plain);
        let shown = rows(&[cells.to_vec(), vec![number.clone()], vec![number]], &columns);
        let shown: Vec<String> = shown.iter().map(Row::text).collect();
        assert_eq!(shown, ["name │    42  42", "lon… │        "]);
    }
}
