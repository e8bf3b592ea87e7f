//! The same calls in several parts, or by several actors, a column each. What stands in one row is the same call; what
//! differs in it stands out. Clients stand on the left, servers on the right.

use std::collections::HashMap;

use self::align::{Aligned, Differs, align, differs, fold_equal};
use self::cell::Cell;
use super::wording::{self, ActorColors};
use super::{DrawOptions, view};
use crate::analysis::{Action, Analysis};
use crate::i18n::tr;
use crate::picture::fold::{Repetition, repetitions};
use crate::picture::{Ink, Picture, Row, paragraph, table};

mod align;
mod cell;

/// Narrower columns than these stand one below the other, and those in which a word has no room.
const NARROWEST: usize = 14;
/// Wider ones than these are hard to compare.
const WIDEST: usize = 60;
/// In a column longer than this, what repeats is folded.
const LONG: usize = 24;
/// A column with more cells than this, folded, is cut.
const MOST: usize = 48;
/// With more lines than this, runs of equal rows are folded: a screen of 24, without its first and its last.
const SCREEN: usize = 22;
/// How that is done, gently at first: so many rows at the beginning of a run are kept, and at its end, and not fewer folded.
const FOLDS: [(usize, usize, usize); 3] = [(1, 1, 2), (1, 0, 2), (0, 0, 2)];
/// The longest sequence of calls that is looked for as repeating.
const PERIOD: usize = 6;

/// What is said of the columns' rows.
fn legend() -> &'static str {
    tr!("A row lines up the same call, not the same moment.")
}

struct Column {
    heading: String,
    cells: Vec<Cell>,
}

view!("side-by-side", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let (mut columns, before) = columns(analysis);
    let rows = align(&columns);
    let count = columns.len().max(1);
    let each = (width.saturating_sub(3 * (count - 1)) / count).min(WIDEST);
    let fits = |column: &Column| column.cells.iter().all(|cell| cell.is_whole_in(each));
    let is_beside = each >= NARROWEST && columns.iter().all(fits);
    let mut picture = Vec::new();
    if is_beside && columns.len() > 1 && options.explains(legend()) {
        picture.extend(paragraph(legend(), width, Ink::Faint));
    }
    if before > 0 {
        let words = if before == 1 {
            tr!("({before} call before the first part)", before)
        } else {
            tr!("({before} calls before the first part)", before)
        };
        picture.extend(paragraph(&words, width, Ink::Faint));
    }
    if is_beside {
        beside(&mut columns, rows, each, &mut picture);
    } else {
        below(&columns, &rows, width, &mut picture);
    }
    Picture(picture)
}

/// The columns, and how many calls were made before the first part.
fn columns(analysis: &Analysis) -> (Vec<Column>, usize) {
    let colors = ActorColors::of(analysis.recording.shown_events());
    let (mut headings, mut before): (Vec<(String, Vec<&Action>)>, usize) = (Vec::new(), 0);
    for part in analysis.parts.iter().map(|part| wording::label(part.name)) {
        if !headings.iter().any(|(known, _)| *known == part) {
            headings.push((part, Vec::new()));
        }
    }
    for action in &analysis.actions {
        let heading = match action.part {
            Some(part) => wording::label(analysis.parts[part].name),
            None if analysis.parts.is_empty() => wording::actor(&action.actor),
            None => {
                before += 1;
                continue;
            }
        };
        match headings.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, actions)) => actions.push(action),
            None => headings.push((heading, vec![action])),
        }
    }
    if analysis.parts.is_empty() {
        headings.sort_by_key(|(_, actions)| analysis.side(&actions[0].actor));
    }
    // Threads interleave as they like: one actor's calls after the other's can be compared.
    let threaded = headings
        .iter()
        .any(|(_, actions)| actions.iter().any(|action| action.thread != actions[0].thread));
    let several = !analysis.parts.is_empty()
        && headings
            .iter()
            .any(|(_, actions)| actions.iter().any(|action| action.actor != actions[0].actor));
    let columns = headings.into_iter().map(|(heading, mut actions)| {
        if several && threaded {
            actions.sort_by_key(|action| colors.place(&action.actor));
        }
        let cell = |action: &Action| {
            let says_who = several && wording::actor(&action.actor) != heading;
            Cell::of(action, analysis, Some(&colors).filter(|_| says_who))
        };
        let mut cells: Vec<Cell> = actions.into_iter().map(cell).collect();
        if cells.len() > LONG {
            cells = fold(&cells);
        }
        if cells.len() > MOST {
            let rest = cells.len() - (MOST - 1);
            cells.truncate(MOST - 1);
            cells.push(Cell::note(tr!("… {rest} more calls", rest)));
        }
        Column { heading, cells }
    });
    (columns.collect(), before)
}

/// The cells, with what repeats shown once.
fn fold(cells: &[Cell]) -> Vec<Cell> {
    let mut folded = Vec::new();
    for Repetition { start, period, times } in repetitions(cells, PERIOD, Cell::is_like) {
        folded.extend_from_slice(&cells[start..start + period]);
        let more = times - 1;
        folded.extend((more > 0).then(|| {
            Cell::note(match period {
                1 => tr!("… {more} more like this", more),
                _ => tr!("… {more} more like these {period}", more, period),
            })
        }));
    }
    folded
}

/// How many lines these rows take.
fn height(columns: &[Column], rows: &[Aligned], each: usize) -> usize {
    let of_row = |row: &Aligned| {
        let differs = differs(columns, row);
        let cells = row
            .iter()
            .zip(columns)
            .filter_map(|(cell, column)| Some(column.cells[(*cell)?].rows(each, differs).len()));
        cells.max().unwrap_or(0)
    };
    2 + rows.iter().map(of_row).sum::<usize>()
}

fn beside(columns: &mut [Column], all: Vec<Aligned>, each: usize, picture: &mut Vec<Row>) {
    if columns.is_empty() {
        return;
    }
    let mut rows = all.clone();
    for kept in FOLDS {
        if picture.len() + height(columns, &rows, each) <= SCREEN {
            break;
        }
        rows = fold_equal(columns, &all, kept);
    }
    let rows = &rows;
    let layout = vec![table::Column::left(each, " │ "); columns.len()];
    let rule = vec![table::Column::left(each, "─┼─"); columns.len()];
    let headings = columns.iter().map(|column| paragraph(&column.heading, each, Ink::Strong));
    picture.extend(table::rows(&headings.collect::<Vec<_>>(), &layout));
    let line = Row::new().with("─".repeat(each), Ink::Faint);
    picture.push(table::row(columns.iter().map(|_| line.clone()), &rule));
    for row in rows {
        let mut differs = differs(columns, row);
        differs.function &= !row
            .iter()
            .zip(columns.iter())
            .any(|(cell, column)| cell.is_some_and(|cell| column.cells[cell].is_note));
        let cells: Vec<Vec<Row>> = row
            .iter()
            .zip(columns.iter())
            .map(|(cell, column)| {
                cell.map_or_else(Vec::new, |cell| column.cells[cell].rows(each, differs))
            })
            .collect();
        picture.extend(table::rows(&cells, &layout));
    }
}

fn below(columns: &[Column], rows: &[Aligned], width: usize, picture: &mut Vec<Row>) {
    let marked: HashMap<(usize, usize), Differs> = rows
        .iter()
        .flat_map(|row| {
            let differs = differs(columns, row);
            row.iter()
                .enumerate()
                .filter_map(move |(column, cell)| Some(((column, (*cell)?), differs)))
        })
        .collect();
    for (number, column) in columns.iter().enumerate() {
        if number > 0 {
            picture.push(Row::new());
        }
        picture.extend(paragraph(&column.heading, width, Ink::Strong));
        for (at, cell) in column.cells.iter().enumerate() {
            picture
                .extend(cell.rows(width, marked.get(&(number, at)).copied().unwrap_or_default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::analysis::script::{Script, data, fits_everywhere, here};
    use crate::trace::{EventKind, Outcome};

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    fn modes() -> Script {
        let mut script = Script::new();
        script.socket("bob", 1, "AF_INET", "SOCK_DGRAM");
        script.part("blocking");
        let recv = script.enter("bob", 1, "recv", &[("size", 16.into())]);
        script.pass(200_000_000).leave("bob", &recv, Outcome::Result(2), &[("data", data("hi"))]);
        script.call("bob", 1, "close", &[], 0);
        script.part("non-blocking").call(
            "bob",
            1,
            "set_nonblocking",
            &[("flags", "O_NONBLOCK".into())],
            0,
        );
        script.fails("bob", 1, "recv", &[("size", 16.into())], "EAGAIN");
        script.call("bob", 1, "close", &[], 0);
        script
    }

    #[test]
    fn equal_calls_stand_in_one_row_and_what_differs_stands_out() {
        let picture = draw(&Analysis::of(&modes().recording()), 57);
        assert_snapshot!(picture.text());
        let inks = |row: usize| {
            picture.0[row].0.iter().map(|span| (span.text.trim(), span.ink)).collect::<Vec<_>>()
        };
        assert!(inks(6).contains(&("recv(16)", Ink::Plain)), "{:?}", inks(6));
        assert!(inks(6).contains(&("2 \"hi\"", Ink::Strong)), "{:?}", inks(6));
        assert!(inks(6).contains(&("EAGAIN", Ink::Warn)), "{:?}", inks(6));
        assert!(inks(7).contains(&("ok", Ink::Plain)), "{:?}", inks(7));
        fits_everywhere(&modes().recording(), draw);
    }

    #[test]
    fn without_parts_there_is_a_column_for_each_actor() {
        let mut script = Script::new();
        for (number, actor) in ["ann", "bob"].into_iter().enumerate() {
            let port = 4000 + u16::try_from(number).unwrap_or(0);
            script.call(actor, 1, "connect", &[("address", here(port))], 0);
        }
        let picture = draw(&Analysis::of(&script.recording()), 200);
        assert_snapshot!(picture.text());
        assert!(
            picture.0[3].0.iter().all(|span| span.ink != Ink::Strong),
            "ports are the kernel's choice"
        );
    }

    #[test]
    fn a_part_with_several_actors_says_who_and_what_repeats_is_folded() {
        let mut script = Script::new();
        for part in ["tcp", "udp"] {
            script.part(part);
            for _ in 0..if part == "tcp" { 500 } else { 3 } {
                script.sends("ann", 1, "x").receives("bob", 2, 9, "x");
            }
        }
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 55).text());
        fits_everywhere(&script.recording(), draw);
    }

    #[test]
    fn what_is_no_call_has_a_row_times_are_times_and_a_close_says_which() {
        let mut script = Script::new();
        script.socket("ann", 1, "AF_UNIX", "SOCK_STREAM").call(
            "ann",
            1,
            "listen",
            &[("backlog", 1.into())],
            0,
        );
        let option = [
            ("level", "SOL_SOCKET".into()),
            ("option", "SO_RCVTIMEO".into()),
            ("value", 200_000.into()),
        ];
        script.call("ann", 1, "set_read_timeout", &option, 0).call("ann", 1, "close", &[], 0);
        script.event("ann", EventKind::Deed { deed: "unlink …/door".into(), errno: None });
        script.event(
            "ann",
            EventKind::Deed { deed: "open …/door".into(), errno: Some("ENXIO".into()) },
        );
        assert_snapshot!(draw(&Analysis::of(&script.recording()), 60).text());
    }

    #[test]
    fn columns_stand_beside_each_other_only_where_no_word_is_broken() {
        let mut script = Script::new();
        for (number, part) in ["one", "two", "three"].into_iter().enumerate() {
            let port = 42_921 + u16::try_from(number).unwrap_or(0);
            script.part(part).socket("client", 1, "AF_INET", "SOCK_STREAM");
            let address = [("address", here(port))];
            script.fails("client", 1, "connect", &address, "ECONNREFUSED");
            script.sends("client", 1, "so many letters that they are cut");
        }
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let (mut beside, mut below) = (0, 0);
        for width in 20..140 {
            let text = draw(&analysis, width).text();
            for word in ["socket", "connect", "127.0.0.1:42921", "127.0.0.1:42923", "ECONNREFUSED"]
            {
                assert!(text.contains(word), "{word} at {width}:\n{text}");
            }
            if text.contains('│') { beside += 1 } else { below += 1 }
        }
        assert!(beside > 60 && below > 20, "{beside} beside, {below} below");
    }

    #[test]
    fn too_narrow_for_columns_they_stand_one_below_the_other() {
        assert_snapshot!(draw(&Analysis::of(&modes().recording()), 20).text());
    }
}
