//! Which characters may reach a terminal, and where lines may break. Control characters from a file or a peer are never passed on.

use std::borrow::Cow;
use std::fmt::Write;

use textwrap::core::Word;
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// False for characters that control a terminal, are invisible or reorder text: controls, zero-width, bidirectional.
pub fn is_safe_to_show(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The zero width joiner, which makes one sign of several: a family of three persons (Unicode Standard Annex 29, GB11).
const JOINER: char = '\u{200d}';

/// The text with every unsafe character written out: `\u{1b}`. A joiner stays where it joins.
pub fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_safe_to_show) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for sign in text.graphemes(true) {
        let joined = sign.trim_end_matches(JOINER).len();
        for (at, character) in sign.char_indices() {
            if is_safe_to_show(character) || (character == JOINER && at < joined) {
                shown.push(character);
            } else {
                let _ = write!(shown, "{}", character.escape_unicode());
            }
        }
    }
    Cow::Owned(shown)
}

/// The ASCII character that a full-width one stands for (Unicode, blocks FF00 and 3000), as Chinese input methods give it;
/// any other as it is.
pub fn half_width(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        _ => character,
    }
}

/// Punctuation of Chinese.
const MARKS: &str = "，。、；：？！（）《》「」『』“”‘’…—";

/// A further piece of a line as it stands behind this: a space that CommonMark needs between `。**` and a letter is nothing to be seen, for
/// wide punctuation has its space in itself.
pub fn behind<'t>(before: &str, piece: &'t str) -> &'t str {
    let is_wide_mark = |last: char| MARKS.contains(last) && last.width() == Some(2);
    match before.ends_with(is_wide_mark) {
        true => piece.trim_start_matches(' '),
        false => piece,
    }
}

/// The separator that joins two lines of one sentence: a space, but nothing between wide characters or beside wide punctuation.
pub fn joint(before: &str, after: &str) -> &'static str {
    let wide =
        |character: Option<char>| character.is_some_and(|character| character.width() == Some(2));
    let mark = |character: Option<char>| character.is_some_and(|it| MARKS.contains(it));
    let (left, right) = (before.chars().next_back(), after.chars().next());
    let together = (wide(left) && wide(right)) || mark(left) || mark(right);
    if left.is_none() || right.is_none() || together { "" } else { " " }
}

/// Continuation lines of code have this room at least, or half of the width.
const LEAST_ROOM: usize = 16;

/// Wraps a line of code; continuation lines are indented by four more columns. Only a word that is wider than such a line is broken, at its
/// punctuation if it has any.
pub fn wrap_code(line: &str, width: usize) -> Vec<String> {
    let (line, indent) = (line.trim_end(), line.len() - line.trim_start().len());
    if line.width() <= width {
        return vec![line.to_owned()];
    }
    let most = (width / 2).max(width.saturating_sub(LEAST_ROOM));
    let further = " ".repeat((indent + 4).min(most));
    let room = width - further.len();
    let mut words = line.trim_start().split_inclusive(' ');
    let before = &line[..indent.min(further.len().saturating_sub(4))];
    let mut first = parts(words.next().unwrap_or_default(), width - before.len(), room).into_iter();
    let mut lines = vec![format!("{before}{}", first.next().unwrap_or_default())];
    for part in first.chain(words.flat_map(|word| parts(word, room, room))) {
        match lines.last_mut() {
            Some(last) if last.width() + part.trim_end().width() <= width => last.push_str(part),
            _ => lines.push(format!("{further}{part}")),
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A word of code in parts that are no wider than this: the first, and the others.
fn parts(word: &str, first: usize, others: usize) -> Vec<&str> {
    let (mut rest, mut parts, mut room) = (word, Vec::new(), first);
    while rest.trim_end().width() > room {
        let ends = rest.char_indices().map(|(at, _)| at).skip(1);
        let ends: Vec<usize> = ends.take_while(|at| rest[..*at].width() <= room).collect();
        let last = |may_end: fn(&str, &str) -> bool| {
            let mut ends = ends.iter().rev().copied().filter(|at| *at * 3 >= room);
            ends.find(|at| may_end(&rest[..*at], &rest[*at..]))
        };
        let end = last(ends_part).or_else(|| last(|before, _| before.ends_with(['_', '-', '/'])));
        let end = end.or(ends.last().copied()).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        (rest, room) = (&rest[end..], others);
    }
    parts.push(rest);
    parts
}

/// Whether a word of code may be broken here: behind an opening bracket, a comma, `::` or `=`, and before a method.
fn ends_part(before: &str, rest: &str) -> bool {
    let is_method = rest.strip_prefix('.').is_some_and(|it| it.starts_with(char::is_alphabetic));
    before.ends_with(['(', '[', '{', ',', ';'])
        || before.ends_with("::")
        || before.ends_with('=') && !rest.starts_with(['=', '>'])
        || is_method && !before.ends_with('.')
}

/// Wraps a command of a shell between its words, so that it can be copied: each line but the last ends in a backslash. `None` if a word
/// has no room.
pub fn wrap_command(line: &str, width: usize) -> Option<Vec<String>> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for character in line.chars() {
        quote = match quote {
            None if "'\"".contains(character) => Some(character),
            Some(open) if open == character => None,
            quote => quote,
        };
        if character == ' ' && quote.is_none() {
            words.push(String::new());
        } else {
            words.iter_mut().last().into_iter().for_each(|word| word.push(character));
        }
    }
    let fits = |lines: &Vec<String>| lines.iter().all(|line| line.width() <= width);
    [4, 2, 0].into_iter().map(|indent| command_in_lines(&words, indent, width)).find(fits)
}

/// The words in lines, those after the first with this indentation.
fn command_in_lines(words: &[String], indent: usize, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        // The last word needs no room for a backslash.
        let end = if index + 1 < words.len() { 3 } else { 1 };
        let before = if index == 0 { 0 } else { indent };
        match lines.last_mut().filter(|last| last.width() + word.width() + end <= width) {
            Some(last) => *last = format!("{last} {word}"),
            None => lines.push(format!("{}{word}", " ".repeat(before))),
        }
    }
    let last = lines.len().saturating_sub(1);
    lines[..last].iter_mut().for_each(|line| line.push_str(" \\"));
    lines
}

/// Wraps plain text; a line may also break between wide characters, as Chinese is written.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(text, options).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// How many rows of a terminal a text takes: a wide character does not fit in one last column.
pub fn rows_of(text: &str, columns: usize) -> usize {
    let (mut rows, mut column) = (1, 0);
    for width in text.chars().filter_map(UnicodeWidthChar::width) {
        if column + width > columns {
            rows += 1;
            column = 0;
        }
        column += width;
    }
    rows
}

/// No line begins with one of these (W3C, Requirements for Chinese Text Layout, section 3.1.3) ...
const CLOSING: &str = "，。、；：？！）》〉」』】〕〗］｝”’…·～％‰℃,.;:?!)]}%";
/// ... and none ends with one of these.
const OPENING: &str = "（《〈「『【〔〖［｛“‘￥([{$";

/// Words end at spaces, and on either side of a wide character, but no line begins with closing punctuation nor ends with opening.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut cuts = vec![0];
    let mut previous: Option<char> = None;
    for (at, character) in line.char_indices() {
        let wide = |c: char| c.width() == Some(2);
        if let Some(before) = previous {
            let after_space = before == ' ' && character != ' ';
            let joins = before == JOINER || character.width() == Some(0);
            let may_break =
                (wide(before) || wide(character)) && before != ' ' && character != ' ' && !joins;
            if after_space
                || (may_break && !CLOSING.contains(character) && !OPENING.contains(before))
            {
                cuts.push(at);
            }
        }
        previous = Some(character);
    }
    cuts.push(line.len());
    Box::new((1..cuts.len()).map(move |index| Word::from(&line[cuts[index - 1]..cuts[index]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_broken_at_spaces_and_only_what_is_too_wide_within_a_word() {
        let line = "    let stream = listener.accept().expect(\"one\");";
        assert_eq!(wrap_code(line, 80), [line]);
        let wrapped =
            ["    let stream =", "        listener.accept()", "        .expect(\"one\");"];
        assert_eq!(wrap_code(line, 26), wrapped);
        let line =
            "server.set_nonblocking(Domain::for_address(address_of_the_server_that_answers))";
        let wrapped = [
            "server.set_nonblocking(",
            "    Domain::for_address(",
            "    address_of_the_server_",
            "    that_answers))",
        ];
        assert_eq!(wrap_code(line, 26), wrapped);
        let line = format!("{}value = first_of(second);", " ".repeat(20));
        let indents = |line: &String| line.len() - line.trim_start().len();
        let rows = wrap_code(&line, 40);
        assert_eq!(rows.iter().map(indents).collect::<Vec<_>>(), [20, 24], "{rows:?}");
        for width in 8..47 {
            let rows = wrap_code(&line, width);
            let first = indents(&rows[0]);
            assert!(rows[1..].iter().all(|row| indents(row) > first || width < 10), "{rows:?}");
        }
        let wrapped = ["a = 127.0.0.1:4000..=", "    127.0.0.1:5000"];
        assert_eq!(wrap_code("a = 127.0.0.1:4000..=127.0.0.1:5000", 24), wrapped);
        let all = "            x.y(\"\u{5b57}\u{5b57}\u{5b57}\", [1,2,3,4,5,6,7]).abcdefghijklmnopqrstuvwxyz()  # z";
        for width in 8..90 {
            let lines = wrap_code(all, width);
            assert!(lines.iter().all(|line| line.width() <= width), "at {width}: {lines:?}");
            let signs = |text: &str| text.replace(' ', "");
            assert_eq!(signs(&lines.concat()), signs(all), "nothing is lost at {width}");
        }
    }

    #[test]
    fn a_wrapped_command_can_be_copied() {
        let command = "explore trace --view boundaries 'python3 server.py' 'python3 client.py'";
        let lines = wrap_command(command, 36);
        assert_eq!(
            lines.unwrap_or_default(),
            [
                "explore trace --view boundaries \\",
                "    'python3 server.py' \\",
                "    'python3 client.py'"
            ]
        );
        assert_eq!(wrap_command(command, 80).unwrap_or_default(), [command]);
        assert_eq!(wrap_command("", 80).unwrap_or_default(), [""]);
        assert_eq!(
            wrap_command(command, 23).unwrap_or_default(),
            [
                "explore trace --view \\",
                "  boundaries \\",
                "  'python3 server.py' \\",
                "  'python3 client.py'"
            ],
            "less indented, and whole"
        );
        assert_eq!(wrap_command(command, 20), None, "a word is wider");
    }

    #[test]
    fn a_prompt_takes_as_many_rows_as_its_wide_characters_need() {
        assert_eq!(rows_of("", 10), 1);
        assert_eq!(rows_of("0123456789", 10), 1);
        assert_eq!(rows_of("0123456789a", 10), 2);
        assert_eq!(rows_of("你好也啊你", 10), 1);
        assert_eq!(rows_of("a你好也啊你", 10), 2);
        assert_eq!(rows_of("你好也，好也啊你好也（q 啊你） ", 16), 2);
    }

    #[test]
    fn no_line_ends_within_a_joined_sign() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let lines = wrap(&format!("{family}{family}{family}"), 8);
        assert_eq!(lines, [family, family, family]);
    }

    #[test]
    fn a_joiner_stays_between_what_it_joins_and_is_told_elsewhere() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(safe(&format!("{family}\u{1b}")), format!("{family}\\u{{1b}}"));
        assert_eq!(safe("a\u{200d}b"), "a\\u{200d}b");
        assert_eq!(safe("\u{1f468}\u{200d}\u{200d}x"), "\u{1f468}\\u{200d}\\u{200d}x");
        assert_eq!(safe("\u{1f468}\u{202e}\u{1f469}"), "\u{1f468}\\u{202e}\u{1f469}");
    }

    #[test]
    fn no_line_begins_with_closing_punctuation_nor_ends_with_opening() {
        let text = "你好：“你好，也啊。”（《你好也》啊你好：“也啊”……）——你好 `connect()`，也啊你 ECONNREFUSED；100% 好也啊，℃·也你好！";
        for width in 16..60 {
            for line in wrap(text, width) {
                let [first, last] =
                    [line.chars().next(), line.chars().last()].map(Option::unwrap_or_default);
                assert!(!CLOSING.contains(first), "at {width}: {line}");
                assert!(!OPENING.contains(last), "at {width}: {line}");
            }
            assert!(
                !wrap("也啊也啊——你啊你啊", width)
                    .iter()
                    .any(|line| line.ends_with("啊—") || line.starts_with("—你")),
                "at {width}"
            );
        }
    }

    #[test]
    fn lines_of_chinese_are_joined_without_a_space() {
        assert_eq!(joint("你好也", "你也好"), "");
        assert_eq!(joint("你好 connect()，", "accept() 也啊"), "");
        assert_eq!(joint("你好", "connect()"), " ");
        assert_eq!(joint("a socket", "is"), " ");
        assert_eq!(joint("", "is"), "");
    }

    #[test]
    fn no_space_stands_behind_wide_punctuation() {
        assert_eq!(behind("你好。", " 也啊"), "也啊");
        assert_eq!(behind("你好", " 也啊"), " 也啊");
        assert_eq!(behind("One.", " Two"), " Two");
        assert_eq!(behind("one …", " two"), " two");
    }

    #[test]
    fn what_a_terminal_might_obey_is_written_out() {
        assert_eq!(safe("你好, plain"), "你好, plain");
        assert_eq!(safe("\u{1b}[2J\u{9b}\u{202e}\u{200b}"), "\\u{1b}[2J\\u{9b}\\u{202e}\\u{200b}");
    }

    #[test]
    fn a_full_width_character_is_the_ascii_one_that_was_meant() {
        let narrowed = |text: &str| text.chars().map(half_width).collect::<String>();
        assert_eq!(narrowed("ｑ　Ａ）"), "q A)");
        assert_eq!(narrowed("你好 b"), "你好 b");
    }
}
