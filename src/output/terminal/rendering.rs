//! Rows as text for a terminal, in colours, and in ASCII where nothing else is to be drawn.

use super::palette::colored_text;
use crate::picture::Row;
use crate::text::safe;

/// A row as text for a terminal, with its newline; for the chat, whose screen is not a [`Terminal`].
pub fn render(row: &Row, ascii: bool) -> String {
    let texts = row.0.iter().map(|span| {
        let text = safe(&span.text);
        let text = if ascii { to_ascii(&text).into() } else { text };
        colored_text(&text, span.ink).to_string()
    });
    texts.chain(["\n".to_owned()]).collect()
}

/// Replaces each character of our pictures by an ASCII one; others (a learner's 你好) stay. A relation uses the space after it,
/// so that `≥` becomes `>=` and the columns stay aligned.
pub(super) fn to_ascii(text: &str) -> String {
    let text = text.replace("≥ ", ">=").replace("≤ ", "<=").replace("≠ ", "!=");
    text.chars()
        .map(|character| match character {
            // A call that waits stands out from the line beside it.
            '┃' => '#',
            '│' | '║' | '╎' | '┆' | '┇' | '┊' | '┋' | '╏' | '▏' | '▎' | '▍' => {
                '|'
            }
            '─' | '━' | '┄' | '┅' | '┈' | '┉' | '–' | '—' | '‐' | '‑' | '−' | '╴' | '╶' => {
                '-'
            }
            // A broken line is not what a whole one is.
            '╌' | '╍' => '~',
            '═' | '▀' | '▔' => '=',
            '┌'..='╋' | '╒'..='╬' => '+',
            '▶' | '→' | '›' | '▷' => '>',
            '◀' | '←' | '‹' | '◁' => '<',
            '▲' | '↑' | '△' => '^',
            '▼' | '↓' | '▽' => 'v',
            '↔' => '=',
            '◆' => '@',
            '␣' => '_',
            '█' | '▓' | '■' | '▌' | '▋' | '▊' | '▉' | '▐' => '#',
            '▒' | '▪' => '%',
            '░' | '▁'..='▇' => ':',
            '●' | '✓' | '•' => '*',
            '○' | '◌' => 'o',
            '✗' | '×' | '✘' => 'x',
            '…' | '·' => '.',
            'µ' | 'μ' => 'u',
            '≥' => '>',
            '≤' => '<',
            '≠' => '!',
            '≈' => '~',
            '‘' | '’' => '\'',
            '“' | '”' => '"',
            '\u{a0}' => ' ',
            other => other,
        })
        .collect()
}
