//! The colours of inks at a terminal.
//!
//! A program cannot know whether a terminal is light or dark, and what its sixteen named colours look like: yellow cannot be read
//! on white, and a bright green is a grey in Solarized. The other 240 colours of a terminal with 256 are the same everywhere, so
//! those are taken, and of them such as stand out from black, from white, and from Solarized's two grounds alike.

use std::env;
use std::sync::LazyLock;

use colored::{Color, ColoredString, Colorize};

use crate::picture::Ink;

/// Whoever is shown, in the order in which they appear: blue, magenta, olive, teal, rose, grey. Not the red of failures, the
/// amber of waiting, or the green of success.
const WHO: [u8; 6] = [32, 133, 100, 30, 132, 102];
/// The same where there are only sixteen colours: no blue, which cannot be read on black, and no white.
const WHO_OF_16: [Color; 4] =
    [Color::BrightBlue, Color::Magenta, Color::BrightCyan, Color::BrightMagenta];

/// The text in the colour of its ink, if colours are wanted.
pub(super) fn colored_text(text: &str, ink: Ink) -> ColoredString {
    static HAS_256: LazyLock<bool> = LazyLock::new(has_256_colours);
    match ink {
        Ink::Plain => text.normal(),
        Ink::Strong => text.bold(),
        _ if *HAS_256 => number_of(ink).map_or(text.normal(), |number| text.ansi_color(number)),
        Ink::Faint => text.dimmed(),
        Ink::Good | Ink::Literal => text.green(),
        Ink::Bad => text.red(),
        Ink::Warn => text.yellow(),
        Ink::Code => text.cyan(),
        Ink::Keyword => text.magenta(),
        Ink::Of(which) => text.color(WHO_OF_16[which % WHO_OF_16.len()]),
    }
}

/// The number of an ink's colour among 256.
fn number_of(ink: Ink) -> Option<u8> {
    Some(match ink {
        Ink::Plain | Ink::Strong => return None,
        Ink::Faint => 243,
        Ink::Good => 28,
        Ink::Bad => 196,
        Ink::Warn => 130,
        Ink::Code => 63,
        Ink::Keyword => 98,
        Ink::Literal => 64,
        Ink::Of(which) => WHO[which % WHO.len()],
    })
}

/// Whether the terminal has 256 colours, by its type or because it says that it has more.
fn has_256_colours() -> bool {
    let is = |name: &str, what: fn(&str) -> bool| env::var(name).is_ok_and(|value| what(&value));
    is("COLORTERM", |value| !value.is_empty()) || is("TERM", |value| value.contains("256color"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::contrast::contrast;

    /// The red, green and blue of a colour of the cube, or of a grey.
    fn components(number: u8) -> [u8; 3] {
        const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        match number {
            232.. => [8 + 10 * (number - 232); 3],
            _ => [36, 6, 1].map(|step| LEVELS[usize::from((number - 16) / step % 6)]),
        }
    }

    #[test]
    fn every_colour_can_be_read_on_light_and_on_dark() {
        // Black, white, and the grounds of Solarized, dark and light. The best colour there is has 3.7 on the worst of them.
        let grounds = [[0, 0, 0], [255, 255, 255], [0x00, 0x2b, 0x36], [0xfd, 0xf6, 0xe3]];
        let others = [Ink::Faint, Ink::Good, Ink::Bad, Ink::Warn, Ink::Code];
        let of_code = [Ink::Keyword, Ink::Literal];
        let inks = (0..WHO.len()).map(Ink::Of).chain(others).chain(of_code);
        let mut numbers = Vec::new();
        for ink in inks {
            let number = number_of(ink).expect("it has a colour");
            for ground in grounds {
                let ratio = contrast(components(number), ground);
                assert!(ratio >= 3.1, "{ink:?} on {ground:?}: {ratio:.2}");
            }
            assert!(!numbers.contains(&number), "{ink:?} has the colour of another ink");
            numbers.push(number);
        }
    }
}
