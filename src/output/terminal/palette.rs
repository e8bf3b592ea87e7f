//! The colours of inks at a terminal.
//!
//! A program cannot know whether a terminal is light or dark, and what its sixteen named colours look like: yellow cannot be read
//! on white, and a bright green is a grey in Solarized. The other 240 colours of a terminal with 256 are the same everywhere, so
//! those are taken, and of them such as stand out from black, from white, and from Solarized's two grounds alike. Where there are only
//! sixteen, three of them can be read on white and on black alike as xterm draws them; the rest is told by weight, and by its sign.

use std::env;
use std::sync::LazyLock;

use colored::{Color, ColoredString, Colorize};

use crate::picture::Ink;
use crate::signals;

/// Whoever is shown, in the order in which they appear: blue, magenta, olive, teal, rose, grey. Not the red of failures, the
/// amber of waiting, or the green of success.
const WHO: [u8; 6] = [32, 133, 100, 30, 132, 102];
/// The same where there are only sixteen colours: in this colour or in that of other text, and both bold.
const WHO_OF_16: Color = Color::BrightBlue;

/// The text in the colour of its ink, if colours are wanted.
pub(super) fn colored_text(text: &str, ink: Ink) -> ColoredString {
    static HAS_256: LazyLock<bool> = LazyLock::new(has_256_colours);
    match ink {
        Ink::Plain => text.normal(),
        Ink::Strong => text.bold(),
        _ if *HAS_256 => number_of(ink).map_or(text.normal(), |number| text.ansi_color(number)),
        Ink::Faint => text.dimmed(),
        _ => {
            let text = if is_bold_of_16(ink) { text.bold() } else { text.normal() };
            match color_of_16(ink) {
                Some(color) => text.color(color),
                None => text,
            }
        }
    }
}

/// An ink's colour among sixteen, if it has one.
fn color_of_16(ink: Ink) -> Option<Color> {
    match ink {
        Ink::Bad => Some(Color::Red),
        Ink::Warn => Some(Color::Magenta),
        Ink::Keyword => Some(WHO_OF_16),
        Ink::Of(which) if which % 2 == 0 => Some(WHO_OF_16),
        _ => None,
    }
}

/// Whether an ink is bold where there are only sixteen colours.
fn is_bold_of_16(ink: Ink) -> bool {
    matches!(ink, Ink::Good | Ink::Code) || matches!(ink, Ink::Of(which) if which % 4 >= 2)
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
        Ink::Literal => 29,
        Ink::Of(which) => WHO[which % WHO.len()],
    })
}

/// Whether the terminal has 256 colours, by its type or because it says that it has more.
fn has_256_colours() -> bool {
    let is = |name: &str, what: fn(&str) -> bool| env::var(name).is_ok_and(|value| what(&value));
    is("COLORTERM", |value| !value.is_empty()) || is("TERM", |value| value.contains("256color"))
}

/// Whether to use colours, by NO_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM (no-color.org, bixense.com/clicolors).
pub fn wants_color(at_terminal: bool) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    wants_color_with(at_terminal && !is_dumb && signals::takes_escapes(), |name| {
        std::env::var_os(name).filter(|value| !value.is_empty()).map(|value| value != "0")
    })
}

/// The same, by variables that are set: whether the value is another than 0.
fn wants_color_with(at_terminal: bool, variable: impl Fn(&str) -> Option<bool>) -> bool {
    let asked = at_terminal && variable("CLICOLOR") != Some(false);
    variable("NO_COLOR").is_none() && (variable("CLICOLOR_FORCE") == Some(true) || asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_by_the_variables_of_other_programs() {
        for (set, at_terminal, elsewhere) in [
            (&[][..], true, false),
            (&["CLICOLOR=1"], true, false),
            (&["CLICOLOR=0"], false, false),
            (&["CLICOLOR=0", "CLICOLOR_FORCE=1"], true, true),
            (&["CLICOLOR_FORCE=0"], true, false),
            (&["NO_COLOR=0"], false, false),
            (&["NO_COLOR=1", "CLICOLOR_FORCE=1"], false, false),
        ] {
            let value = |name: &str| {
                set.iter()
                    .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                    .map(|it| it != "0")
            };
            assert_eq!(
                [true, false].map(|at| wants_color_with(at, value)),
                [at_terminal, elsewhere],
                "{set:?}"
            );
        }
    }
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
    fn of_sixteen_colours_too_all_can_be_read_on_light_and_on_dark() {
        // As xterm draws them (XTerm-col.ad).
        let drawn = |color| match color {
            Color::Red => [205, 0, 0],
            Color::Magenta => [205, 0, 205],
            Color::BrightBlue => [92, 92, 255],
            other => panic!("{other:?} is not among those that were looked at"),
        };
        let inks = [Ink::Bad, Ink::Warn, Ink::Good, Ink::Code, Ink::Keyword, Ink::Literal];
        let looks: Vec<_> = inks
            .into_iter()
            .chain((0..4).map(Ink::Of))
            .map(|ink| (color_of_16(ink), is_bold_of_16(ink)))
            .collect();
        for color in looks.iter().filter_map(|(color, _)| *color) {
            for ground in [[0, 0, 0], [255, 255, 255]] {
                let ratio = contrast(drawn(color), ground);
                assert!(ratio >= 3.1, "{color:?} on {ground:?}: {ratio:.2}");
            }
        }
        let count = |look| looks.iter().filter(|one| *one == look).count();
        assert_eq!(
            [&looks[0], &looks[1]].map(count),
            [1, 1],
            "what failed and what waits are told from all else"
        );
        let who: Vec<_> = looks[inks.len()..].iter().collect();
        assert!(who.iter().enumerate().all(|(at, one)| !who[..at].contains(one)), "{who:?}");
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

    #[test]
    fn what_is_read_most_has_the_best_contrast_there_is() {
        // 4.5 on black and on white alike (WCAG 2.2, 1.4.3) have six of the 240 colours, and no bright red, amber, olive or light blue
        // among them: what failed, what waits and who it is must be told apart, and have less.
        let on_both = |number| {
            let ground = |ground| contrast(components(number), [ground; 3]);
            ground(0).min(ground(255))
        };
        let best: Vec<u8> = (16..=255).filter(|number| on_both(*number) >= 4.5).collect();
        assert_eq!(best, [29, 63, 98, 131, 163, 243]);
        for ink in [Ink::Faint, Ink::Code, Ink::Keyword, Ink::Literal] {
            assert!(number_of(ink).is_some_and(|number| best.contains(&number)), "{ink:?}");
        }
        let others = [Ink::Good, Ink::Bad, Ink::Warn];
        for ink in (0..WHO.len()).map(Ink::Of).chain(others) {
            let ratio = on_both(number_of(ink).expect("it has a colour"));
            assert!(ratio >= 3.5, "{ink:?}: {ratio:.2}");
        }
    }
}
