//! `co_linetable`: the line of each instruction of a code object (CPython's Objects/locations.md, 3.11 and later).

/// Reads the numbers of a table one after another.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// A number in pieces of six bits, the lowest first; bit 6 says that another follows.
    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in (0..32).step_by(6) {
            let byte = self.byte()?;
            value |= u32::from(byte & 63) << shift;
            if byte & 64 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number whose lowest bit is its sign.
    fn signed_varint(&mut self) -> Option<i64> {
        let value = self.varint()?;
        let magnitude = i64::from(value >> 1);
        Some(if value & 1 == 1 { -magnitude } else { magnitude })
    }
}

/// The line of an instruction, given by its number in code units; `None` if it has none, or the table is not well formed. Of a
/// call that stands on several lines it is the line that a traceback would show: the one on which the call's expression begins, or, of
/// a method that is called on another line than its object, the line of the method's name.
pub fn line_of(table: &[u8], first_line: u32, unit: u64) -> Option<u32> {
    let mut table = Reader(table);
    let mut line = i64::from(first_line);
    let mut reached = 0;
    loop {
        let head = table.byte()?;
        reached += u64::from(head & 7) + 1;
        let kind = head >> 3 & 15;
        match kind {
            // No location.
            15 => {}
            // Line, last line and columns, as numbers.
            14 => {
                line += table.signed_varint()?;
                for _ in 0..3 {
                    table.varint()?;
                }
            }
            // A line without columns.
            13 => line += table.signed_varint()?,
            // The same line, the next, or the one after; two columns.
            10..=12 => {
                line += i64::from(kind - 10);
                table.byte()?;
                table.byte()?;
            }
            // The same line; two columns in a byte.
            _ => {
                table.byte()?;
            }
        }
        if unit < reached {
            return if kind == 15 { None } else { u32::try_from(line).ok() };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// Prints, of every function of some modules of the standard library, its first line, its table in hexadecimal, and the line of
    /// each code unit as Python itself has it.
    const ASK: &str = "
import sys, types
if sys.version_info < (3, 11): sys.exit(77)
import argparse, socket, selectors, typing, inspect, threading
def visit(code):
    lines = []
    for start, end, line in code.co_lines():
        lines += [-1 if line is None else line] * ((end - start) // 2)
    print(code.co_firstlineno, code.co_linetable.hex(), ','.join(map(str, lines)), sep=';')
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType): visit(inner)
for module in (argparse, socket, selectors, typing, inspect, threading):
    visit(compile(open(module.__file__).read(), module.__file__, 'exec'))
";

    #[test]
    fn lines_are_those_that_python_itself_finds() {
        let Ok(output) = Command::new("python3").args(["-c", ASK]).output() else {
            assert!(
                std::env::var_os("CI").is_none_or(|ci| ci != "true"),
                "python3 is not installed"
            );
            return;
        };
        if output.status.code() == Some(77) {
            return; // older than 3.11
        }
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut units = 0;
        for function in text.lines() {
            let [first, table, lines] = *function.split(';').collect::<Vec<_>>() else {
                panic!("{function}")
            };
            let table: Vec<u8> = (0..table.len() / 2)
                .map(|at| u8::from_str_radix(&table[2 * at..2 * at + 2], 16).expect("hexadecimal"))
                .collect();
            let first = first.parse().expect("a line");
            for (unit, line) in lines.split(',').enumerate() {
                let expected: i64 = line.parse().expect("a line");
                let found = line_of(&table, first, unit as u64).map_or(-1, i64::from);
                assert_eq!(found, expected, "unit {unit} of {function}");
                units += 1;
            }
        }
        assert!(units > 10_000, "{units} units, {:?}", output.status);
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_line_or_none(table in prop::collection::vec(any::<u8>(), 0..200), first in any::<u32>(), unit in prop_oneof![0..100_u64, any::<u64>()]) {
            let _ = line_of(&table, first, unit);
        }
    }
}
