//! Ground floor: what a run that is stepped and whoever steps it say to each other.
//!
//! The run holds a call before it is made, and says so with [`EventKind::Held`](crate::trace::EventKind::Held). On its standard
//! input it then hears which of the calls it holds may go: one [`Go`] a line.

use std::fmt;
use std::str::FromStr;

/// The same line of the source is held so often for each actor. After that it is let through: nobody wants to press Enter
/// for every turn of a loop.
pub const TIMES_HELD: u32 = 3;

/// What a stepped run hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// This call may be made: the process (its PID) and the call's number in it.
    One {
        /// The PID.
        process: u32,
        /// The call's number.
        call: u64,
    },
    /// All calls may be made, to the end of the run.
    All,
}

impl fmt::Display for Go {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Go::One { process, call } => write!(f, "go {process} {call}"),
            Go::All => f.write_str("all"),
        }
    }
}

impl FromStr for Go {
    type Err = ();

    fn from_str(line: &str) -> Result<Go, ()> {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("go"), Some(process), Some(call)) => match (process.parse(), call.parse()) {
                (Ok(process), Ok(call)) => Ok(Go::One { process, call }),
                _ => Err(()),
            },
            (Some("all"), None, None) => Ok(Go::All),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_nothing_else() {
        for go in [Go::One { process: 7, call: 12 }, Go::All] {
            assert_eq!(go.to_string().parse(), Ok(go));
        }
        for other in ["", "go", "go 1", "go x 1", "all of it"] {
            assert_eq!(other.parse::<Go>(), Err(()), "{other}");
        }
    }
}
