//! The bar in the last row of the screen: where one is, and what the keys do. It is there only while a key is waited for.

use std::io::{self, Write};

use colored::Colorize;
use unicode_width::UnicodeWidthStr;

use super::Terminal;
use super::rendering::to_ascii;
use crate::i18n::tr;
use crate::picture::fit;
use crate::signals::{self, Cleanup};

/// What stands between the parts of a bar.
const BETWEEN: &str = " · ";
/// To the first column of the last row, however many there are, with the cursor's place kept (ECMA-48, DEC STD 070).
const TO_LAST_ROW: &str = "\x1b7\x1b[999;1H\x1b[2K";
/// Back to the cursor's place.
const BACK: &str = "\x1b8";

/// What a bar says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// What one is in.
    pub title: Option<String>,
    /// Where one is in it, the most important first.
    pub place: Vec<String>,
    /// What Enter does.
    pub main: String,
    /// Which other keys answer what is asked.
    pub answers: Option<String>,
    /// What other keys do, the most important first.
    pub others: Vec<String>,
}

impl Bar {
    /// A bar for what has no place of its own.
    pub fn of(main: &str) -> Bar {
        Bar { main: main.to_owned(), ..Bar::default() }
    }

    /// The bar in so many columns. Where one is makes room for the keys; if those find none, one part of it stays, and the less important
    /// of them go. What is asked for stays long, and longest how to learn the keys and how to leave.
    pub fn text(&self, columns: usize) -> String {
        let last = [tr!("? keys").to_owned(), tr!("q quit").to_owned()];
        let signs = ["?", "q"].map(str::to_owned);
        let joined = |place: &[&String], others: usize, last: &[String]| {
            let others = self.others.iter().take(others);
            let keys = std::iter::once(&self.main).chain(&self.answers).chain(others).chain(last);
            let parts: Vec<&str> = place.iter().copied().chain(keys).map(String::as_str).collect();
            parts.join(BETWEEN)
        };
        let asked = |last: &[String]| {
            let answers = self.answers.as_ref().unwrap_or(&self.main);
            std::iter::once(answers).chain(last).cloned().collect::<Vec<_>>().join(BETWEEN)
        };
        let place: Vec<&String> = self.title.iter().chain(&self.place).collect();
        let inside = &place[self.title.iter().len()..];
        let first = &inside[..inside.len().min(1)];
        let places = [&place[..], inside, first, &[]];
        let with_all_keys = places.map(|place| joined(place, self.others.len(), &last));
        let with_keys = (0..self.others.len()).rev().map(|others| joined(first, others, &last));
        let without = [
            joined(&[], 0, &last),
            joined(&[], 0, &signs),
            asked(&last),
            asked(&signs),
            last.join(BETWEEN),
        ];
        let all = with_all_keys.into_iter().chain(with_keys).chain(without);
        let mut all = all.skip_while(|text| text.width() > columns);
        all.next().unwrap_or_else(|| fit(&signs.join(BETWEEN), columns))
    }
}

impl Terminal {
    /// Draws the bar; dropping the guard, or a signal, erases it, and it is drawn again when the program goes on.
    pub(super) fn draw_bar(&mut self, bar: &Bar) -> io::Result<Cleanup> {
        // Not in the last column: some terminals would go on in a further row.
        let columns = self.window_width().saturating_sub(1);
        let text = bar.text(columns);
        let text = if self.ascii { to_ascii(&text) } else { text };
        let filled = format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())));
        let shown = if self.has_colours() { filled.reversed().to_string() } else { text };
        self.draw_last_row(shown)
    }

    /// Draws this in the last row; dropping the guard erases it, as with the bar.
    pub(super) fn draw_last_row(&mut self, shown: String) -> io::Result<Cleanup> {
        self.out.flush()?;
        let write = |text: &str| {
            let mut stdout = io::stdout();
            write!(stdout, "{TO_LAST_ROW}{text}{BACK}").and_then(|()| stdout.flush())
        };
        signals::at_terminal(move || write(&shown), move || drop(write("")))
    }

    /// The bar as a prompt, for a terminal on which nothing can be erased: there a line is read.
    pub(super) fn bar_as_prompt(&self, bar: &Bar) -> String {
        let behind = tr!("{keys} (a letter, then Enter): ", keys = "").width();
        let room = self.width.saturating_sub(behind + 1);
        tr!("{keys} (a letter, then Enter): ", keys = bar.text(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_longest() {
        let bar = Bar {
            title: Some("Lesson 1".to_owned()),
            place: vec!["the end".to_owned()],
            answers: Some("1 to 4 plays one".to_owned()),
            others: vec!["b back".to_owned()],
            ..Bar::of("Enter skips them")
        };
        let asked = "Enter skips them · 1 to 4 plays one";
        let whole = format!("Lesson 1 · the end · {asked} · b back · ? keys · q quit");
        assert_eq!(bar.text(90), whole);
        assert_eq!(bar.text(72), format!("the end · {asked} · b back · ? keys · q quit"));
        assert_eq!(bar.text(63), format!("{asked} · b back · ? keys · q quit"));
        assert_eq!(bar.text(60), format!("{asked} · ? keys · q quit"));
        assert_eq!(bar.text(43), format!("{asked} · ? · q"));
        assert_eq!(bar.text(39), "1 to 4 plays one · ? keys · q quit");
        assert_eq!(bar.text(30), "1 to 4 plays one · ? · q");
        assert_eq!(bar.text(20), "? keys · q quit");
        assert_eq!(bar.text(9), "? · q");
    }

    #[test]
    fn a_narrow_bar_is_cut_at_whole_keys() {
        let bar = Bar {
            title: Some("Lesson 1".to_owned()),
            place: ["3 of 9", "12 min"].map(str::to_owned).to_vec(),
            main: "Enter on".to_owned(),
            answers: None,
            others: ["b back", "p picture", "c code", "r again"].map(str::to_owned).to_vec(),
        };
        let keys = "Enter on · b back · p picture · c code · r again · ? keys · q quit";
        assert_eq!(bar.text(200), format!("Lesson 1 · 3 of 9 · 12 min · {keys}"));
        assert_eq!(bar.text(84), format!("3 of 9 · 12 min · {keys}"));
        assert_eq!(bar.text(79), format!("3 of 9 · {keys}"));
        assert_eq!(bar.text(66), keys);
        assert_eq!(bar.text(60), "3 of 9 · Enter on · b back · p picture · ? keys · q quit");
        assert_eq!(bar.text(50), "3 of 9 · Enter on · b back · ? keys · q quit");
        assert_eq!(bar.text(39), "3 of 9 · Enter on · ? keys · q quit");
        assert_eq!(bar.text(30), "Enter on · ? keys · q quit");
        assert_eq!(bar.text(20), "Enter on · ? · q");
        for columns in 0..120 {
            assert!(bar.text(columns).width() <= columns, "{columns}");
        }
    }
}
