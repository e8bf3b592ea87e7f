//! What was asked with a command of the system, and what it answered: what a reader will see who types the same.
//!
//! An answer keeps its words. Where it has a head, as that of ss(8), its columns are set anew, so that each stands under its
//! name; with too few columns a row goes on below.

use unicode_width::UnicodeWidthStr;

use super::view;
use super::wording::{command_line, safe};
use crate::analysis::Analysis;
use crate::i18n::tr;
use crate::picture::table::{self, Column};
use crate::picture::{Ink, Picture, Row, paragraph};
use crate::text::{wrap_code, wrap_command};
use crate::trace::{EventKind, Fact, Label};
use crate::{labels, trace};

/// So many lines of an answer are shown.
const MOST: usize = 12;
/// Between two columns.
const GAP: &str = "  ";
/// What a row of `ss` has, in this order; of what comes first, some may be missing.
const SS: [&str; 7] =
    ["Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process"];
/// Where its rows may be broken, the widest layout first.
const BREAKS: [&[&str]; 4] = [
    &[],
    &["Process"],
    &["Local Address:Port", "Process"],
    &["Local Address:Port", "Peer Address:Port", "Process"],
];

view!("commands", |analysis, width, _| draw(analysis, width));
fn draw(analysis: &Analysis, width: usize) -> Picture {
    let mut rows = Vec::new();
    let mut part: Option<&Label> = None;
    for event in analysis.recording.events() {
        match &event.what {
            EventKind::Part { part: begun } => part = Some(begun),
            EventKind::Observed(trace::Observation {
                fact: Fact::CommandOutput { argv, lines },
                ..
            }) => {
                if !rows.is_empty() {
                    rows.push(Row::new());
                }
                if let Some(part) = part.take() {
                    rows.extend(paragraph(&labels::label(part), width, Ink::Faint));
                }
                answer(argv, lines, width, &mut rows);
            }
            _ => {}
        }
    }
    Picture(rows)
}

/// One command with its answer.
fn answer(argv: &[String], lines: &[String], width: usize, rows: &mut Vec<Row>) {
    let command = format!("$ {}", safe(&command_line(argv)));
    let command = wrap_command(&command, width).unwrap_or_else(|| wrap_code(&command, width));
    rows.extend(command.into_iter().map(|line| Row::new().with(line, Ink::Code)));
    if lines.is_empty() {
        let nothing = paragraph(tr!("(nothing)"), width.saturating_sub(2), Ink::Faint);
        rows.extend(nothing.into_iter().map(|line| line.moved(2)));
    }
    let shown = &lines[..lines.len().min(MOST)];
    match Table::of(shown) {
        Some(table) => rows.extend(table.rows(width)),
        None => rows.extend(plain(shown, width)),
    }
    if lines.len() > MOST {
        let text = tr!("… {more} more lines", more = lines.len() - MOST);
        rows.extend(paragraph(&text, width, Ink::Faint));
    }
}

/// Lines as they are; where one would not fit, with less space between their columns, and in as many rows as they need.
fn plain(lines: &[String], width: usize) -> Vec<Row> {
    let text = |line: &String| safe(line.replace('\t', "        ").trim_end());
    let lines: Vec<String> = lines.iter().map(text).collect();
    let lines =
        if lines.iter().all(|line| line.width() <= width) { lines } else { narrowed(&lines) };
    let rows = lines.iter().flat_map(|line| wrap_code(line, width));
    rows.map(|line| Row::new().with(line, Ink::Plain)).collect()
}

/// The lines, with as little space between their columns as these need.
fn narrowed(lines: &[String]) -> Vec<String> {
    let cells = |line: &String| -> Vec<String> {
        let cells = line.split(GAP).map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    let rows: Vec<Vec<String>> = lines.iter().map(cells).collect();
    let in_columns = || rows.iter().filter(|row| row.len() > 1);
    let width = |column: usize| {
        in_columns().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
    };
    let padded = |(column, cell): (usize, &String)| {
        format!("{cell}{}", " ".repeat(width(column).saturating_sub(cell.width())))
    };
    let line = |row: &Vec<String>| match &row[..] {
        [single] => single.clone(),
        _ => row.iter().enumerate().map(padded).collect::<Vec<_>>().join(GAP).trim_end().to_owned(),
    };
    rows.iter().map(line).collect()
}

/// An answer of `ss`.
struct Table {
    names: Vec<&'static str>,
    rows: Vec<SocketRow>,
}

/// A row of it.
struct SocketRow {
    /// As many as the table has names.
    cells: Vec<String>,
    /// What `ss` tells of the same socket in further lines.
    further: Vec<String>,
}

impl Table {
    /// `None` if the answer is none of `ss`, or not as `ss` is known to answer.
    fn of(lines: &[String]) -> Option<Table> {
        let (head, lines) = lines.split_first()?;
        let names: Vec<&str> = SS.into_iter().filter(|name| head.contains(name)).collect();
        // Between the last two names there may be no space.
        let whole = |text: &str| text.split_whitespace().collect::<String>();
        if names.len() < 4 || whole(head) != whole(&names.concat()) {
            return None;
        }
        let mut rows: Vec<SocketRow> = Vec::new();
        for line in lines {
            match rows.last_mut() {
                Some(row) if line.starts_with([' ', '\t']) => {
                    row.further.push(safe(line.trim()));
                }
                _ => rows.push(SocketRow { cells: cells(line, &names)?, further: Vec::new() }),
            }
        }
        Some(Table { names, rows })
    }

    /// The table in this many columns: with rows of one line, of several, or as a list.
    fn rows(&self, width: usize) -> Vec<Row> {
        let fitting = BREAKS.into_iter().find_map(|breaks| {
            let lines = self.lines(breaks);
            let fits = |line: &Line| line.indent + table::width(&line.columns) <= width;
            lines.iter().all(fits).then_some(lines)
        });
        let Some(lines) = fitting else { return self.list(width) };
        let shown = |cells: &dyn Fn(usize) -> String, ink: Ink| -> Vec<Row> {
            let rows = lines.iter().filter_map(|line| {
                let texts: Vec<String> = line.cells.clone().map(cells).collect();
                let row =
                    table::row(texts.iter().map(|it| Row::new().with(it, ink)), &line.columns);
                texts.iter().any(|text| !text.is_empty()).then(|| row.moved(line.indent))
            });
            rows.collect()
        };
        let has = |cell: usize| {
            self.rows.is_empty()
                || lines.len() == 1
                || self.rows.iter().any(|row| !row.cells[cell].is_empty())
        };
        let name =
            |cell: usize| if has(cell) { self.names[cell].to_owned() } else { String::new() };
        let mut rows = shown(&name, Ink::Faint);
        for row in &self.rows {
            rows.extend(shown(&|cell: usize| row.cells[cell].clone(), Ink::Plain));
            for text in &row.further {
                let further = wrap_code(text, width.saturating_sub(2).max(1)).into_iter();
                rows.extend(further.map(|line| Row::indented(2).with(line, Ink::Plain)));
            }
        }
        rows
    }

    /// The lines of a row that is broken before these columns.
    fn lines(&self, breaks: &[&str]) -> Vec<Line> {
        let mut starts = vec![0];
        starts.extend((1..self.names.len()).filter(|cell| breaks.contains(&self.names[*cell])));
        let ends = starts[1..].iter().copied().chain([self.names.len()]);
        let width = |cell: usize| {
            let cells = self.rows.iter().map(|row| row.cells[cell].width());
            cells.chain([self.names[cell].width()]).max().unwrap_or(0)
        };
        let line = |(start, end): (usize, usize)| Line {
            indent: if start == 0 { 0 } else { 2 },
            cells: start..end,
            columns: (start..end)
                .map(|cell| Column::left(width(cell), if cell + 1 == end { "" } else { GAP }))
                .collect(),
        };
        starts.iter().copied().zip(ends).map(line).collect()
    }

    /// Each value under or beside its name.
    fn list(&self, width: usize) -> Vec<Row> {
        if self.rows.is_empty() {
            return plain(&[self.names.join(GAP)], width);
        }
        let mut rows = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            if number > 0 {
                rows.push(Row::new());
            }
            let cells = self.names.iter().zip(&row.cells).filter(|(_, cell)| !cell.is_empty());
            for (name, cell) in cells {
                let one = Row::new().with(format!("{name}: "), Ink::Faint).with(cell, Ink::Plain);
                rows.extend(one.wrap(width));
            }
            rows.extend(plain(&row.further, width));
        }
        rows
    }
}

/// One line of a row: which cells stand in it, and how.
struct Line {
    indent: usize,
    cells: std::ops::Range<usize>,
    columns: Vec<Column>,
}

/// The cells of a row. Of a socket in the file system a path and a number are an address.
fn cells(line: &str, names: &[&str]) -> Option<Vec<String>> {
    let mut words = line.split_whitespace().map(safe);
    let is_unix = line.starts_with("u_");
    let mut cells = Vec::new();
    for name in names {
        let cell = match *name {
            "Process" => words.by_ref().collect::<Vec<_>>().join(" "),
            "Local Address:Port" | "Peer Address:Port" if is_unix => {
                format!("{} {}", words.next()?, words.next()?)
            }
            _ => words.next()?,
        };
        cells.push(cell);
    }
    words.next().is_none().then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[&str], width: usize) -> Vec<String> {
        let argv = ["ss", "-tan"].map(str::to_owned);
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let mut rows = Vec::new();
        answer(&argv, &lines, width, &mut rows);
        assert!(rows.iter().all(|row| row.width() <= width), "{rows:?}");
        rows.iter().skip(1).map(|row| row.text().trim_end().to_owned()).collect()
    }

    /// With its columns beside their names, as `ss` has them.
    const LISTENS: [&str; 3] = [
        "State      Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess                   ",
        "LISTEN     0      5          127.0.0.1:8000       0.0.0.0:*    users:((\"a\",pid=1,fd=3))",
        "CLOSE-WAIT 1      0          127.0.0.1:8000     127.0.0.1:40000                         ",
    ];

    #[test]
    fn columns_stand_under_their_names() {
        assert_eq!(
            texts(&LISTENS, 100),
            [
                "State       Recv-Q  Send-Q  Local Address:Port  Peer Address:Port  Process",
                "LISTEN      0       5       127.0.0.1:8000      0.0.0.0:*          users:((\"a\",pid=1,fd=3))",
                "CLOSE-WAIT  1       0       127.0.0.1:8000      127.0.0.1:40000",
            ]
        );
    }

    #[test]
    fn a_row_that_is_too_wide_goes_on_below_and_loses_nothing() {
        assert_eq!(
            texts(&LISTENS, 80),
            [
                "State       Recv-Q  Send-Q  Local Address:Port  Peer Address:Port",
                "  Process",
                "LISTEN      0       5       127.0.0.1:8000      0.0.0.0:*",
                "  users:((\"a\",pid=1,fd=3))",
                "CLOSE-WAIT  1       0       127.0.0.1:8000      127.0.0.1:40000",
            ]
        );
        assert_eq!(
            texts(&[LISTENS[0], LISTENS[2], "\t skmem:(r0,rb131072,t0,tb2626560,f0)"], 40),
            [
                "State       Recv-Q  Send-Q",
                "  Local Address:Port  Peer Address:Port",
                "CLOSE-WAIT  1       0",
                "  127.0.0.1:8000      127.0.0.1:40000",
                "  skmem:(r0,rb131072,t0,tb2626560,f0)",
            ]
        );
        let list = texts(&LISTENS[..2], 20).concat();
        for word in LISTENS[1].split_whitespace() {
            assert!(list.contains(word), "{word}: {list}");
        }
    }

    #[test]
    fn whatever_ss_answers_it_is_shown_at_every_width() {
        let unix = [
            "Netid State  Recv-Q Send-Q       Local Address:Port     Peer Address:PortProcess",
            "u_str LISTEN 0      5      /tmp/explore-1/service 14397517            * 0",
        ];
        let nothing = [unix[0]];
        let without_a_state = [
            "Recv-Q Send-Q Local Address:Port  Peer Address:Port Process",
            "0  1  10.9.0.1:4  10.9.0.2:5 timer:(on,996ms,0)",
        ];
        let unknown = ["State Recv-Q Send-Q Local Address:Port  Peer Address:Port Cgroup", "a b c"];
        for width in 20..120 {
            for lines in [&unix[..], &nothing, &without_a_state, &unknown] {
                let shown: String = texts(lines, width).concat().split_whitespace().collect();
                let words = lines.iter().skip(1).flat_map(|line| line.split_whitespace());
                for word in words {
                    assert!(shown.contains(word), "{word} at {width}: {shown}");
                }
            }
        }
        assert_eq!(
            texts(&unix, 100)[1],
            "u_str  LISTEN  0       5       /tmp/explore-1/service 14397517  * 0"
        );
    }

    #[test]
    fn wide_lines_keep_their_words_and_their_columns() {
        let lines = [
            "#kernel",
            "IpReasmReqds              1           0.0",
            "IpReasm              22           0.0",
        ];
        assert_eq!(texts(&lines, 80), lines);
        assert_eq!(
            texts(&lines, 36),
            ["#kernel", "IpReasmReqds  1   0.0", "IpReasm       22  0.0"]
        );
        assert_eq!(texts(&["10.9.0.2 dev wire lladdr 02:00 REACHABLE"], 30).len(), 2);
    }

    #[test]
    fn a_command_stands_above_its_answer() {
        let argv = ["ss", "-tan", "sport = :8000"].map(str::to_owned);
        let mut rows = Vec::new();
        answer(&argv, &["one".to_owned()], 60, &mut rows);
        answer(&argv, &[], 60, &mut rows);
        let texts: Vec<_> = rows.iter().map(Row::text).collect();
        let asked = "$ ss -tan 'sport = :8000'";
        assert_eq!(texts, [asked, "one", asked, "  (nothing)"]);
    }
}
