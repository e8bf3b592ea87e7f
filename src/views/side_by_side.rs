//! The same calls in several parts, or by several actors, a column each. What stands in one row is the same call; what
//! differs in it stands out.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use super::wording::{ActorColors, argument, option_span, outcome_ink, safe, value};
use crate::analysis::{Analysis, CallSpan, Origin};
use crate::i18n::tr;
use crate::picture::fold::{Repetition, repetitions};
use crate::picture::{Ink, Picture, Row, fit, span_of};
use crate::text::wrap;
use crate::trace::{Address, Event, EventKind, Name, Output, Syscall, SyscallKind, Value};

/// Narrower columns than these stand one below the other.
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
/// A call that took this long says so, in nanoseconds.
const SLOW_NS: u64 = 1_000_000;

/// A call as a column shows it. What is compared is not what is shown: descriptors and ports differ in every run.
#[derive(Clone, Default)]
struct Cell {
    /// True for words that stand for calls that are left out.
    is_note: bool,
    who: String,
    who_ink: Ink,
    function: String,
    args: String,
    args_short: String,
    args_key: String,
    outcome: String,
    outcome_key: String,
    outcome_ink: Ink,
    took: String,
    /// The error, or nothing: calls that agree in this are of one kind.
    error: String,
}

struct Column {
    heading: String,
    cells: Vec<Cell>,
}

/// One cell of each column, where it has one.
type Aligned = Vec<Option<usize>>;

pub(super) fn draw(analysis: &Analysis, width: usize) -> Picture {
    let (mut columns, before) = columns(analysis);
    let rows = align(&columns);
    let count = columns.len().max(1);
    let each = (width.saturating_sub(3 * (count - 1)) / count).min(WIDEST);
    let mut picture = Vec::new();
    if before > 0 {
        let words = if before == 1 {
            tr!("({before} call before the first part)", before)
        } else {
            tr!("({before} calls before the first part)", before)
        };
        picture.push(Row::new().with(fit(&words, width), Ink::Faint));
    }
    if each >= NARROWEST {
        beside(&mut columns, rows, each, &mut picture);
    } else {
        below(&columns, &rows, width, &mut picture);
    }
    Picture(picture)
}

/// The columns, and how many calls were made before the first part.
fn columns(analysis: &Analysis) -> (Vec<Column>, usize) {
    let events = analysis.recording.events();
    let colors = ActorColors::of(events);
    let parts: Vec<(u64, String)> = events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Part { part } => Some((event.at_ns, safe(part))),
            _ => None,
        })
        .collect();
    let calls =
        analysis.calls.iter().filter(|made| !made.call.is_instrument() && &*made.actor != "lab");
    let mut doings: Vec<Doing> = calls.map(Doing::Call).collect();
    doings.extend(events.iter().filter_map(|event| match &event.what {
        EventKind::Deed { deed, errno } if &*event.actor != "lab" => {
            Some(Doing::Deed(event, deed, errno.as_deref()))
        }
        _ => None,
    }));
    doings.sort_by_key(Doing::at_ns);
    let (mut headings, mut before): (Vec<(String, Vec<Doing>)>, usize) = (Vec::new(), 0);
    for (_, part) in &parts {
        if !headings.iter().any(|(known, _)| known == part) {
            headings.push((part.clone(), Vec::new()));
        }
    }
    for doing in doings {
        // What goes out of scope late still belongs to where it was opened.
        let opened_ns = match doing {
            Doing::Call(made) if made.is(SyscallKind::Close) => {
                made.socket.map(|at| analysis.sockets[at].made_ns)
            }
            _ => None,
        };
        let part_at = |when_ns: u64| parts.iter().rev().find(|(at_ns, _)| *at_ns <= when_ns);
        let part = opened_ns.and_then(part_at).or_else(|| part_at(doing.at_ns()));
        let heading = match part {
            Some((_, part)) => part.clone(),
            None if parts.is_empty() => safe(doing.actor()),
            None => {
                before += 1;
                continue;
            }
        };
        match headings.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, calls)) => calls.push(doing),
            None => headings.push((heading, vec![doing])),
        }
    }
    // Threads interleave as they like: one actor's calls after the other's can be compared.
    let threaded = headings
        .iter()
        .any(|(_, calls)| calls.iter().any(|doing| doing.thread() != calls[0].thread()));
    let several = !parts.is_empty()
        && headings
            .iter()
            .any(|(_, calls)| calls.iter().any(|doing| doing.actor() != calls[0].actor()));
    let columns = headings.into_iter().map(|(heading, mut calls)| {
        if several && threaded {
            calls.sort_by_key(|doing| colors.place(doing.actor()));
        }
        let mut cells: Vec<Cell> = calls
            .into_iter()
            .map(|doing| {
                Cell::of(
                    doing,
                    analysis,
                    Some(&colors).filter(|_| several && **doing.actor() != *heading),
                )
            })
            .collect();
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

/// What stands in a column: a call, or what somebody did besides.
#[derive(Clone, Copy)]
enum Doing<'a> {
    Call(&'a CallSpan),
    /// The event, what was done, and the error.
    Deed(&'a Event, &'a str, Option<&'a str>),
}

impl<'a> Doing<'a> {
    fn at_ns(&self) -> u64 {
        match self {
            Doing::Call(made) => made.entered_ns,
            Doing::Deed(event, ..) => event.at_ns,
        }
    }

    fn actor(&self) -> &'a Name {
        match self {
            Doing::Call(made) => &made.actor,
            Doing::Deed(event, ..) => &event.actor,
        }
    }

    fn thread(&self) -> u32 {
        match self {
            Doing::Call(made) => made.thread,
            Doing::Deed(event, ..) => event.thread,
        }
    }
}

impl Cell {
    fn of(doing: Doing, analysis: &Analysis, colors: Option<&ActorColors>) -> Cell {
        let said = |cell: Cell| Cell {
            who: colors.map_or_else(String::new, |_| safe(doing.actor())),
            who_ink: colors.map_or(Ink::Plain, |colors| colors.ink(doing.actor())),
            ..cell
        };
        match doing {
            Doing::Call(made) => said(Cell::of_call(made, analysis)),
            Doing::Deed(_, deed, errno) => {
                let errno = safe(errno.unwrap_or_default());
                let cell = Cell {
                    outcome: errno.clone(),
                    outcome_key: errno.clone(),
                    outcome_ink: Ink::Bad,
                    function: safe(deed),
                    ..Cell::default()
                };
                said(Cell { error: errno, ..cell })
            }
        }
    }

    fn of_call(made: &CallSpan, analysis: &Analysis) -> Cell {
        let syscall = &made.call.syscall;
        // Which descriptor is free says nothing; and a setter is named for its option, whose level says nothing new.
        let args: Vec<(_, Value)> =
            syscall.args().0.into_iter().filter(|(name, _)| name != "fd").collect();
        let is_setter = matches!(syscall, Syscall::SetOption { .. });
        let told = || args.iter().skip(usize::from(is_setter)).map(|(_, it)| it);
        let joined = |words: Vec<String>| format!("({})", words.join(", "));
        let (outcome, outcome_key, ink, error) = outcome(made);
        let took_ns =
            made.exit.as_ref().map_or(0, |back| back.at_ns.saturating_sub(made.entered_ns));
        let in_words =
            |words: fn(&Value) -> String| told().map(|it| argument(syscall, it, words)).collect();
        let closed = which(made, analysis).map(|which| format!("({which})"));
        Cell {
            function: safe(made.call.function()),
            args: closed.clone().unwrap_or_else(|| joined(in_words(|it| short(it, 24)))),
            args_short: closed.unwrap_or_else(|| joined(in_words(shorter))),
            args_key: joined(args.iter().map(|(_, it)| key(it)).collect()),
            outcome,
            outcome_key,
            outcome_ink: ink,
            took: if took_ns >= SLOW_NS { span_of(took_ns) } else { String::new() },
            error,
            ..Cell::default()
        }
    }

    /// Words that stand for calls that are left out.
    fn note(words: String) -> Cell {
        Cell { is_note: true, function: words, ..Cell::default() }
    }

    fn is_like(&self, other: &Cell) -> bool {
        (&self.who, &self.function, &self.error) == (&other.who, &other.function, &other.error)
    }

    /// The cell in rows of this width: one if it fits, or the outcome below the call.
    fn rows(&self, width: usize, differs: Differs) -> Vec<Row> {
        let ink = |differs: bool| if differs { Ink::Strong } else { Ink::Plain };
        let who = || {
            let mut row = Row::new();
            if !self.who.is_empty() {
                row.push(format!("{} ", self.who), self.who_ink);
            }
            row.with(self.function.clone(), ink(differs.function))
        };
        let outcome = |row: Row, arrow: &str, took: bool| {
            if self.outcome.is_empty() {
                return row;
            }
            let told = if self.outcome_ink == Ink::Plain {
                ink(differs.outcome)
            } else {
                self.outcome_ink
            };
            let row = row.with(arrow, Ink::Faint).with(self.outcome.clone(), told);
            if took && !self.took.is_empty() {
                row.with(format!("  {}", self.took), Ink::Faint)
            } else {
                row
            }
        };
        let call = |args: &String| who().with(args.clone(), ink(differs.args));
        let took = !self.took.is_empty();
        let one = |args: &String, took: bool| {
            Some(outcome(call(args), " → ", took)).filter(|row| row.width() <= width)
        };
        if let Some(row) =
            one(&self.args, true).or_else(|| if took { None } else { one(&self.args_short, false) })
        {
            return vec![row];
        }
        let mut rows = Vec::new();
        if let Some(above) =
            [&self.args, &self.args_short].into_iter().map(call).find(|row| row.width() <= width)
        {
            rows.push(above);
        } else {
            let open = who().with("(", ink(differs.args));
            let open_fits = open.width() <= width || who().width() > width;
            rows.push(if open_fits { open } else { who() });
            let args = [&self.args, &self.args_short]
                .into_iter()
                .find(|args| args.width() < width)
                .unwrap_or(&self.args_short);
            let args = if open_fits { args.trim_start_matches('(') } else { args };
            let both =
                outcome(Row::new().with(format!("  {args}"), ink(differs.args)), " → ", took);
            if both.width() <= width {
                return vec![rows.remove(0).cut(width), both];
            }
            rows.extend(
                wrap(args, width - 2)
                    .iter()
                    .map(|line| Row::new().with(format!("  {line}"), ink(differs.args))),
            );
        }
        let told = outcome(Row::new(), "  → ", true);
        if told.width() <= width {
            rows.push(told);
        } else {
            let mut lines = wrap(&self.outcome, width - 4).into_iter();
            let told = if self.outcome_ink == Ink::Plain {
                ink(differs.outcome)
            } else {
                self.outcome_ink
            };
            rows.push(
                Row::new().with("  → ", Ink::Faint).with(lines.next().unwrap_or_default(), told),
            );
            rows.extend(lines.map(|line| Row::new().with(format!("    {line}"), told)));
        }
        rows.into_iter().filter(|row| row.width() > 0).map(|row| row.cut(width)).collect()
    }
}

/// Which socket is closed, where the column closes several: one that listens, or one that was accepted.
fn which(made: &CallSpan, analysis: &Analysis) -> Option<&'static str> {
    let socket =
        made.socket.filter(|_| made.is(SyscallKind::Close)).map(|at| &analysis.sockets[at])?;
    match socket.origin {
        _ if socket.backlog.is_some() => Some(tr!("listener")),
        Origin::Accept(_) => Some(tr!("connection")),
        _ => None,
    }
}

/// What the call gave back: as it is shown, as it is compared, its ink, and the error.
fn outcome(made: &CallSpan) -> (String, String, Ink, String) {
    let Some(back) = &made.exit else {
        return ("…".to_owned(), "…".to_owned(), Ink::Warn, "…".to_owned());
    };
    let ink = outcome_ink(&back.outcome);
    if let Some(errno) = made.errno() {
        return (safe(errno), errno.to_owned(), ink, errno.to_owned());
    }
    let result = made.result().unwrap_or(0);
    let ok = tr!("ok");
    let descriptor = matches!(made.call.kind(), SyscallKind::Socket | SyscallKind::Accept);
    let (mut shown, mut compared) = match result {
        _ if descriptor => (ok.to_owned(), "ok".to_owned()),
        number if made.sending().is_some() || made.receives() => {
            (number.to_string(), number.to_string())
        }
        0 => (ok.to_owned(), "ok".to_owned()),
        number => (number.to_string(), number.to_string()),
    };
    for (name, it) in back.out.args().0.iter().filter(|(name, _)| name != "socket") {
        // What a getter of an option that is a time gave back is a time.
        let span = match (&made.call.syscall, &back.out) {
            (Syscall::GetOption { option }, Output::Value(_)) => option_span(option, it),
            _ => None,
        };
        if let Some(span) = span {
            (shown, compared) = (span, key(it));
            continue;
        }
        let mut told = short(it, 24);
        if &**name == "address" && (descriptor || made.receives()) {
            told = tr!("from {told}", told);
        }
        shown = if shown == ok { told } else { format!("{shown} {told}") };
        compared = format!("{compared} {}", key(it));
    }
    (shown, compared, ink, String::new())
}

/// A value in few words: of a path its last part.
fn short(it: &Value, bytes: usize) -> String {
    let words = value(it, bytes);
    match (it, words.rsplit_once('/')) {
        (Value::Address(Address::Unix(Some(_))), Some((folder, name))) if !folder.is_empty() => {
            format!("…/{name}")
        }
        _ => words,
    }
}

/// In fewer words: constants without their prefix.
fn shorter(it: &Value) -> String {
    let words = short(it, 8);
    let plain = ["AF_", "SOCK_", "IPPROTO_"].iter().find_map(|prefix| words.strip_prefix(prefix));
    plain.map_or_else(|| words.clone(), str::to_owned)
}

/// What is compared of a value: of an address not the port that the kernel chose.
fn key(it: &Value) -> String {
    match it {
        Value::Address(Address::Inet(at)) => format!("{} {}", at.ip(), at.port() == 0),
        Value::Address(Address::Inet6(at)) => format!("{} {}", at.ip(), at.port() == 0),
        Value::Address(Address::Unix(path)) => format!("path {}", path.is_some()),
        other => other.to_string(),
    }
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

/// Sets the same calls in the same rows: each column is fitted to those before it by their longest common subsequence.
fn align(columns: &[Column]) -> Vec<Aligned> {
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
struct Differs {
    function: bool,
    args: bool,
    outcome: bool,
}

fn differs(columns: &[Column], row: &Aligned) -> Differs {
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

/// Runs of rows that are equal in the same columns, with all but a few of each told in one.
fn fold_equal(
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
            for (cell, column) in
                note.iter_mut().zip(columns.iter_mut()).filter(|(cell, _)| cell.is_some())
            {
                column.cells.push(Cell::note(tr!("… {left_out} equal calls", left_out)));
                *cell = Some(column.cells.len() - 1);
            }
            folded.push(note);
            folded.extend_from_slice(&rows[at + run - last..at + run]);
        }
        at += run;
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
    let mut rows = all.clone();
    for kept in FOLDS {
        if picture.len() + height(columns, &rows, each) <= SCREEN {
            break;
        }
        rows = fold_equal(columns, &all, kept);
    }
    let rows = &rows;
    let mut line = |cells: Vec<Row>, between: &str, fill: &str| {
        let mut all = Row::new();
        for (number, cell) in cells.into_iter().enumerate() {
            if number > 0 {
                all.pad_to(number * (each + 3) - 3);
                all.push(between, Ink::Faint);
            }
            all.extend(cell);
            all.push(fill.repeat(each), Ink::Faint);
        }
        picture.push(all);
    };
    if columns.is_empty() {
        return;
    }
    line(
        columns
            .iter()
            .map(|column| Row::new().with(fit(&column.heading, each), Ink::Strong))
            .collect(),
        " │ ",
        "",
    );
    line(vec![Row::new(); columns.len()], "─┼─", "─");
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
        for height in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            line(
                cells.iter().map(|cell| cell.get(height).cloned().unwrap_or_default()).collect(),
                " │ ",
                "",
            );
        }
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
        picture.push(Row::new().with(fit(&column.heading, width), Ink::Strong));
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
    use crate::analysis::sample::{Sample, data, fits_everywhere, here};
    use crate::trace::Outcome;

    fn modes() -> Sample {
        let mut sample = Sample::new();
        sample.socket("bob", 1, "AF_INET", "SOCK_DGRAM");
        sample.part("blocking");
        let recv = sample.enter("bob", 1, "recv", &[("size", 16.into())]);
        sample.pass(200_000_000).leave("bob", &recv, Outcome::Result(2), &[("data", data("hi"))]);
        sample.call("bob", 1, "close", &[], 0);
        sample.part("non-blocking").call(
            "bob",
            1,
            "set_nonblocking",
            &[("flags", "O_NONBLOCK".into())],
            0,
        );
        sample.fails("bob", 1, "recv", &[("size", 16.into())], "EAGAIN");
        sample.call("bob", 1, "close", &[], 0);
        sample
    }

    #[test]
    fn equal_calls_stand_in_one_row_and_what_differs_stands_out() {
        let picture = draw(&Analysis::of(&modes().recording()), 57);
        assert_snapshot!(picture.text());
        let inks = |row: usize| {
            picture.0[row].0.iter().map(|span| (span.text.trim(), span.ink)).collect::<Vec<_>>()
        };
        assert!(inks(5).contains(&("recv(16)", Ink::Plain)), "{:?}", inks(5));
        assert!(inks(5).contains(&("2 \"hi\"", Ink::Strong)), "{:?}", inks(5));
        assert!(inks(5).contains(&("EAGAIN", Ink::Warn)), "{:?}", inks(5));
        assert!(inks(6).contains(&("ok", Ink::Plain)), "{:?}", inks(6));
        fits_everywhere(&modes().recording(), draw);
    }

    #[test]
    fn without_parts_there_is_a_column_for_each_actor() {
        let mut sample = Sample::new();
        for (number, actor) in ["ann", "bob"].into_iter().enumerate() {
            let port = 4000 + u16::try_from(number).unwrap_or(0);
            sample.call(actor, 1, "connect", &[("address", here(port))], 0);
        }
        let picture = draw(&Analysis::of(&sample.recording()), 200);
        assert_snapshot!(picture.text());
        assert!(
            picture.0[2].0.iter().all(|span| span.ink != Ink::Strong),
            "ports are the kernel's choice"
        );
    }

    #[test]
    fn a_part_with_several_actors_says_who_and_what_repeats_is_folded() {
        let mut sample = Sample::new();
        for part in ["tcp", "udp"] {
            sample.part(part);
            for _ in 0..if part == "tcp" { 500 } else { 3 } {
                sample.sends("ann", 1, "x").receives("bob", 2, 9, "x");
            }
        }
        assert_snapshot!(draw(&Analysis::of(&sample.recording()), 55).text());
        fits_everywhere(&sample.recording(), draw);
    }

    #[test]
    fn what_is_no_call_has_a_row_times_are_times_and_a_close_says_which() {
        let mut sample = Sample::new();
        sample.socket("ann", 1, "AF_UNIX", "SOCK_STREAM").call(
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
        sample.call("ann", 1, "set_read_timeout", &option, 0).call("ann", 1, "close", &[], 0);
        sample.event("ann", EventKind::Deed { deed: "unlink …/door".into(), errno: None });
        sample.event(
            "ann",
            EventKind::Deed { deed: "open …/door".into(), errno: Some("ENXIO".into()) },
        );
        assert_snapshot!(draw(&Analysis::of(&sample.recording()), 60).text());
    }

    #[test]
    fn too_narrow_for_columns_they_stand_one_below_the_other() {
        assert_snapshot!(draw(&Analysis::of(&modes().recording()), 20).text());
    }
}
