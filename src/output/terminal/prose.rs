//! Lays out CommonMark in rows of a given width; wide characters take two columns.

use std::borrow::Cow;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use unicode_width::UnicodeWidthStr;

use super::commands;
use crate::citations::citations;
use crate::picture::code::{self, Language};
use crate::picture::table::{self, Column};
use crate::picture::{Ink, Row, inked_again, paragraph};
use crate::text::{behind, joint, wrap};

/// How code and headings stand out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Emphasis {
    #[default]
    ByInk,
    /// Where no ink is seen: code keeps its backticks, and headings are underlined.
    BySigns,
}

/// A short text in one ink, with `code` in another, in rows of this width.
pub(super) fn inline(text: &str, ink: Ink, width: usize, emphasis: Emphasis) -> Vec<Row> {
    let mut inked = Inked::default();
    // An odd backtick, as in a shell's message, is only a backtick.
    let code = text.matches('`').count().is_multiple_of(2);
    for (index, piece) in text.split('`').enumerate() {
        match (code, index % 2) {
            (true, 1) => inked.push(&code_in(piece, emphasis), Ink::Code),
            (true, _) => inked.push(piece, ink),
            (false, _) => inked.push(&format!("{}{piece}", if index > 0 { "`" } else { "" }), ink),
        }
    }
    inked.rows(width)
}

/// Code within a sentence.
fn code_in(text: &str, emphasis: Emphasis) -> Cow<'_, str> {
    let text = commands::as_typed_here(text);
    match emphasis {
        Emphasis::ByInk => text,
        Emphasis::BySigns => format!("`{text}`").into(),
    }
}

/// Text whose characters have inks.
#[derive(Clone, Default)]
struct Inked {
    text: String,
    inks: Vec<Ink>,
    /// The source has a line break here.
    broken: bool,
}

impl Inked {
    fn push(&mut self, text: &str, ink: Ink) {
        if std::mem::take(&mut self.broken) {
            let joint = joint(&self.text, text);
            self.text.push_str(joint);
            self.inks.extend(joint.chars().map(|_| Ink::Plain));
        }
        let text = behind(&self.text, text);
        self.text.push_str(text);
        self.inks.extend(text.chars().map(|_| ink));
    }

    /// Gives the sources that the text cites an ink of their own; brackets in code are no citation.
    fn cite(&mut self) {
        for range in citations(&self.text) {
            let from = self.text[..range.start].chars().count();
            let inks = &mut self.inks[from..from + self.text[range].chars().count()];
            if !inks.contains(&Ink::Code) {
                inks.fill(Ink::Faint);
            }
        }
    }

    /// Wraps the plain text, then gives each character its ink again.
    fn rows(&self, width: usize) -> Vec<Row> {
        let characters = self.text.chars().zip(self.inks.iter().copied());
        inked_again(characters, &wrap(&self.text, width.max(1)))
    }
}

/// Rows between which no page may end: a paragraph, an item of a list, a table, and the space behind it.
pub(super) struct Passage {
    pub(super) rows: Vec<Row>,
    /// It is about what follows: a heading, or a sentence that ends with a colon.
    pub(super) keeps_next: bool,
}

/// Lays out CommonMark in this many columns.
pub(super) fn lay_out(text: &str, width: usize, emphasis: Emphasis) -> Vec<Passage> {
    let mut layout = Layout { width, emphasis, ..Layout::default() };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        layout.take(event);
    }
    let Layout { mut rows, passages, .. } = layout;
    let cut = passages
        .into_iter()
        .rev()
        .map(|(first, keeps_next)| Passage { rows: rows.split_off(first), keeps_next });
    let mut cut: Vec<_> = cut.collect();
    cut.reverse();
    cut
}

#[derive(Default)]
struct Layout {
    width: usize,
    emphasis: Emphasis,
    rows: Vec<Row>,
    /// The first row of each passage, and whether it keeps the next one.
    passages: Vec<(usize, bool)>,
    inked: Inked,
    ink: Vec<Ink>,
    /// One for each open list: the number of the next item, if it is numbered.
    lists: Vec<Option<u64>>,
    /// What stands before the next row of the open item, and its width.
    bullet: Option<String>,
    indent: usize,
    /// An open block of code, with the name of its language.
    code: Option<(String, String)>,
    table: Option<Table>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<Inked>>,
}

impl Layout {
    fn gap(&mut self) {
        if self.rows.last().is_some_and(|row| row.width() > 0) {
            self.rows.push(Row::new());
        }
    }

    fn begin_passage(&mut self, keeps_next: bool) {
        self.passages.push((self.rows.len(), keeps_next));
    }

    fn inside_list(&self) -> bool {
        !self.lists.is_empty()
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((code, _)) => code.push_str(&text),
                None => self.inked.push(&text, self.ink.last().copied().unwrap_or_default()),
            },
            Event::Code(text) => self.inked.push(&code_in(&text, self.emphasis), Ink::Code),
            Event::SoftBreak | Event::HardBreak => self.inked.broken = true,
            Event::Rule => {
                self.gap();
                self.begin_passage(false);
                self.rows.push(Row::new().with("─".repeat(self.width), Ink::Faint));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph if !self.inside_list() => self.gap(),
            Tag::Heading { .. } => {
                self.gap();
                self.ink.push(Ink::Strong);
            }
            Tag::Strong => self.ink.push(Ink::Strong),
            Tag::Emphasis => self.ink.push(Ink::Strong),
            Tag::List(first) => {
                if !self.inside_list() {
                    self.gap();
                }
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                let bullet = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "· ".to_owned(),
                };
                self.bullet = Some(bullet);
            }
            Tag::BlockQuote(_) => {
                self.gap();
                self.ink.push(Ink::Faint);
                self.indent += 2;
            }
            Tag::CodeBlock(kind) => {
                self.gap();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((String::new(), language));
            }
            Tag::Table(_) => {
                self.gap();
                self.table = Some(Table::default());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.flush(),
            TagEnd::Item => {
                self.flush();
                self.bullet = None;
            }
            TagEnd::Heading(_) => {
                self.ink.pop();
                self.flush();
                self.passages.iter_mut().last().into_iter().for_each(|(_, keeps)| *keeps = true);
                if self.emphasis == Emphasis::BySigns
                    && let Some(width) = self.rows.last().map(Row::width)
                {
                    self.rows.push(Row::new().with("─".repeat(width), Ink::Plain));
                }
            }
            TagEnd::Strong | TagEnd::Emphasis => {
                self.ink.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.ink.pop();
                self.indent = self.indent.saturating_sub(2);
            }
            TagEnd::CodeBlock => {
                let (code, language) = self.code.take().unwrap_or_default();
                let room = self.width.saturating_sub(4).max(8);
                let rows: Vec<Row> = match Language::named(&language) {
                    Some(language) => code::rows(Some(language), code.lines())
                        .iter()
                        .flat_map(|row| code::wrapped(row, room))
                        .collect(),
                    // Commands to type, or what is not known.
                    None => commands::laid_out(&code, language == "sh", room),
                };
                self.begin_passage(false);
                self.rows.extend(rows.into_iter().map(|row| row.moved(4)));
            }
            TagEnd::TableCell => {
                let mut cell = std::mem::take(&mut self.inked);
                cell.cite();
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.begin_passage(false);
                    self.rows.extend(table.lay_out(self.width));
                }
            }
            _ => {}
        }
    }

    /// Lays out the text gathered so far.
    fn flush(&mut self) {
        let mut inked = std::mem::take(&mut self.inked);
        inked.cite();
        if inked.text.is_empty() {
            return;
        }
        self.begin_passage(inked.text.ends_with([':', '：']));
        let nested = self.lists.len().saturating_sub(1) * 2 + self.indent;
        let bullet = self.bullet.clone().unwrap_or_default();
        let hang = nested + bullet.width();
        for (index, row) in
            inked.rows(self.width.saturating_sub(hang).max(8)).into_iter().enumerate()
        {
            let mut whole = Row::new().with(" ".repeat(nested), Ink::Plain);
            whole.push(
                if index == 0 { bullet.clone() } else { " ".repeat(bullet.width()) },
                Ink::Faint,
            );
            row.0.into_iter().for_each(|span| whole.push(span.text, span.ink));
            self.rows.push(whole);
        }
        // Further paragraphs of the item are indented instead of having a bullet.
        self.bullet = self.bullet.take().map(|bullet| " ".repeat(bullet.width()));
    }
}

impl Table {
    /// Columns side by side if they fit; else the cells of each row below each other, each with its heading.
    fn lay_out(&self, width: usize) -> Vec<Row> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.width()).max().unwrap_or(0)
        };
        let columns: Vec<Column> =
            (0..columns).map(|column| Column::left(widest(column), "  ")).collect();
        if table::width(&columns) <= width {
            self.side_by_side(&columns)
        } else {
            self.stacked(width)
        }
    }

    fn side_by_side(&self, columns: &[Column]) -> Vec<Row> {
        let row = |cells: &Vec<Inked>| {
            let cells = cells.iter().flat_map(|cell| cell.rows(cell.text.width()));
            table::row(cells, columns)
        };
        let mut rows: Vec<Row> = self.rows.iter().map(row).collect();
        if let Some(head) = rows.first_mut() {
            *head = Row::new().with(head.text(), Ink::Strong);
            let rule = "─".repeat(table::width(columns).saturating_sub(2));
            rows.insert(1, Row::new().with(rule, Ink::Faint));
        }
        rows
    }

    /// The first column's heading, then of each row the first cell as a title, and each other one that is not empty with its heading: beside it where
    /// all headings have room, else below it.
    fn stacked(&self, width: usize) -> Vec<Row> {
        let Some((head, body)) = self.rows.split_first() else {
            return Vec::new();
        };
        let widest = head.iter().skip(1).map(|cell| cell.text.width()).max().unwrap_or(0);
        let beside = widest <= width / 3;
        let text = width.saturating_sub(4 + if beside { widest } else { 0 }).max(8);
        let label = if beside { widest } else { 0 };
        let columns = [Column::left(0, "  "), Column::left(label, "  "), Column::left(text, "")];
        let is_empty = |cell: &Inked| cell.text.trim().is_empty();
        let mut rows = Vec::new();
        if let Some(heading) = head.first().filter(|it| !is_empty(it)) {
            rows.extend(paragraph(&heading.text, width, Ink::Strong));
            let rule = "─".repeat(heading.text.width().min(width));
            rows.push(Row::new().with(rule, Ink::Faint));
        }
        for cells in body {
            let Some((first, rest)) = cells.split_first() else {
                continue;
            };
            let mut title = first.clone();
            title.inks.fill(Ink::Strong);
            rows.extend(title.rows(width));
            for (heading, cell) in head.iter().skip(1).zip(rest).filter(|it| !is_empty(it.1)) {
                let heading = &heading.text;
                let heading = if beside {
                    paragraph(heading, label, Ink::Faint)
                } else {
                    let above = paragraph(heading, width.saturating_sub(2).max(8), Ink::Faint);
                    rows.extend(above.into_iter().map(|row| row.moved(2)));
                    Vec::new()
                };
                rows.extend(table::rows(&[vec![], heading, cell.rows(text)], &columns));
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;

    fn drawn(markdown: &str, width: usize, emphasis: Emphasis) -> Picture {
        Picture(lay_out(markdown, width, emphasis).into_iter().flat_map(|it| it.rows).collect())
    }

    fn text(markdown: &str, width: usize) -> String {
        drawn(markdown, width, Emphasis::ByInk).text()
    }

    #[test]
    fn a_heading_and_a_colon_keep_what_follows() {
        let markdown = "# H\n\nTwo:\n\n- a\n- b b b b b\n\nAnd\nso on.\n\n```\ncode\n\nmore\n```\n";
        let passages = lay_out(markdown, 6, Emphasis::ByInk).into_iter();
        let passages = passages.map(|Passage { rows, keeps_next }| {
            (Picture(rows).text().trim_end().to_owned(), keeps_next)
        });
        let expected = [
            ("H", true),
            ("Two:", true),
            ("· a", false),
            ("· b b b b\n  b", false),
            ("And so\non.", false),
            ("    code\n\n    more", false),
        ];
        let expected = expected.map(|(text, keeps_next)| (text.to_owned(), keeps_next));
        assert_eq!(passages.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn prose_wraps_at_words_and_lists_hang() {
        assert_eq!(
            text("A socket is *one end* of a conversation.", 20),
            "A socket is one end\nof a conversation.\n"
        );
        assert_eq!(text("- one two three four\n- five", 12), "· one two\n  three four\n· five\n");
    }

    #[test]
    fn chinese_breaks_between_characters_but_not_before_a_full_stop() {
        assert_eq!(text("你好也啊你好也啊你。", 12), "你好也啊你好\n也啊你。\n");
        assert_eq!(text("你好也啊你好。好", 12), "你好也啊你\n好。好\n");
        assert_eq!(text("你好也\n啊啊你，\n`bind` 也啊", 80), "你好也啊啊你，bind 也啊\n");
        assert_eq!(text("**你好。** 也啊 **啊** 你", 80), "你好。也啊 啊 你\n");
    }

    #[test]
    fn a_table_that_does_not_fit_is_stacked() {
        let table = "| step | Python | C |\n|---|---|---|\n| open | `socket()` | `socket(2)` |\n";
        assert_eq!(
            text(table, 40),
            "step  Python    C\n─────────────────────────\nopen  socket()  socket(2)\n"
        );
        assert_eq!(text(table, 20), "step\n────\nopen\n  Python  socket()\n  C       socket(2)\n");
        let table = "| family | an address looks like |\n|---|---|\n| AF_UNIX | `/tmp/door` |\n";
        assert_eq!(
            text(table, 25),
            "family\n──────\nAF_UNIX\n  an address looks like\n    /tmp/door\n",
            "no heading is cut, nor broken beside its value"
        );
        let table = "| | TCP | UDP |\n|---|---|---|\n| an option | | takes datagrams |\n";
        assert_eq!(
            text(table, 20),
            "an option\n  UDP  takes\n       datagrams\n",
            "no heading stands alone"
        );
    }

    #[test]
    fn a_source_has_an_ink_of_its_own() {
        let markdown =
            "It waits [RFC 9293\n3.5], or not [x]; `a[tcp(7)]`.\n\n| a |\n|---|\n| b [tcp(7)] |\n";
        let faint: Vec<_> = drawn(markdown, 60, Emphasis::ByInk)
            .0
            .iter()
            .flat_map(|row| row.0.clone())
            .filter(|span| span.ink == Ink::Faint && !span.text.contains('─'))
            .map(|span| span.text)
            .collect();
        assert_eq!(faint, ["[RFC 9293 3.5]", "[tcp(7)]"]);
    }

    #[test]
    fn without_inks_code_keeps_its_marks_and_a_heading_its_line() {
        let markdown = "Say `bind`.\n\n## Who\n\nThe *server*.";
        let drawn = drawn(markdown, 40, Emphasis::BySigns).text();
        assert_eq!(drawn, "Say `bind`.\n\nWho\n───\n\nThe server.\n");
        let short = |emphasis| inline("type `explore`", Ink::Plain, 40, emphasis)[0].clone();
        assert_eq!(short(Emphasis::BySigns).text(), "type `explore`");
        assert_eq!(
            short(Emphasis::ByInk),
            Row::new().with("type ", Ink::Plain).with("explore", Ink::Code)
        );
    }

    #[test]
    fn a_program_has_its_inks_and_loses_nothing_where_it_is_too_wide() {
        let drawn = drawn("```python\nif s.recv(1024) == b'': # the end\n```", 24, Emphasis::ByInk);
        assert_eq!(drawn.text(), "    if s.recv(1024) ==\n      … b'': # the end\n");
        let inked = |ink| drawn.0.iter().flat_map(|row| &row.0).filter(move |span| span.ink == ink);
        assert_eq!(inked(Ink::Strong).map(|span| &*span.text).collect::<Vec<_>>(), ["recv"]);
        assert_eq!(
            inked(Ink::Faint).map(|span| &*span.text).collect::<Vec<_>>(),
            ["… ", "# the end"]
        );
    }

    #[test]
    fn nothing_is_wider_than_asked() {
        let all = "# H\n\npara with `a_very_long_identifier_that_must_break` 你好你好你好\n\n> quote\n\n1. a\n   - b c d e f g h i j\n\n```c\nlong code line that does not fit\n```\n\n---\n";
        for width in 20..100 {
            assert!(
                drawn(all, width, Emphasis::BySigns).0.iter().all(|row| row.width() <= width),
                "at {width}:\n{}",
                text(all, width)
            );
        }
    }
}
