//! Whatever stands between backticks in the lessons' tables *The same in Python, C and Rust* is code: the Python cells run, those in C and
//! Rust compile, with the variables that `tables/cells.*` declares.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::Serialize;
use socket_explorer::i18n::{Language, speaking};
use socket_explorer::lesson::{self, Step};

use crate::support::{ended, file, folder, require, utf8};

/// The code of one cell, and where it stands.
#[derive(Debug, PartialEq, Serialize)]
struct Cell {
    /// `lessons/01-socket/en.md, listen`
    place: String,
    code: Vec<String>,
}

/// A table's rows, from its heading on: the text of each cell, and the code in it.
type Table = Vec<Vec<(String, Vec<String>)>>;

fn tables(markdown: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut in_cell = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        let table = tables.last_mut();
        match (event, table) {
            (Event::Start(Tag::Table(_)), _) => tables.push(Vec::new()),
            (Event::Start(Tag::TableHead | Tag::TableRow), Some(table)) => table.push(Vec::new()),
            (Event::Start(Tag::TableCell), Some(table)) => {
                table.last_mut().expect("a row").push(Default::default());
                in_cell = true;
            }
            (Event::End(TagEnd::TableCell), _) => in_cell = false,
            (Event::Text(text), Some(table)) if in_cell => {
                table.last_mut().and_then(|row| row.last_mut()).expect("a cell").0 += &text;
            }
            (Event::Code(code), Some(table)) if in_cell => {
                table
                    .last_mut()
                    .and_then(|row| row.last_mut())
                    .expect("a cell")
                    .1
                    .push(code.to_string());
            }
            _ => {}
        }
    }
    tables
}

/// The cells of this column in all lessons, in all languages; what two languages have in common once.
fn cells(column: usize) -> Vec<Cell> {
    let mut seen = BTreeSet::new();
    let mut cells = Vec::new();
    for language in Language::all() {
        let lessons = speaking(language, lesson::lessons).expect("every lesson is well formed");
        for lesson in lessons {
            let prose = lesson.steps.iter().filter_map(|step| match step {
                Step::Prose(text) => Some(tables(text)),
                _ => None,
            });
            let same: Vec<_> = prose.flatten().filter(is_same_in_three).collect();
            assert!(!same.is_empty(), "{}: no table for Python, C and Rust", lesson.file);
            for row in same.iter().flat_map(|table| &table[1..]) {
                let code = row[column].1.clone();
                if !code.is_empty() && seen.insert((lesson.number, code.clone())) {
                    cells.push(Cell { place: format!("{}, {}", lesson.file, row[0].0), code });
                }
            }
        }
    }
    assert!(cells.len() > 40, "{} cells are too few to be all", cells.len());
    cells
}

fn is_same_in_three(table: &Table) -> bool {
    let heading: Vec<_> = table[0].iter().map(|(text, _)| text.as_str()).collect();
    matches!(heading[..], [_, "Python", "C", last] if last.starts_with("Rust"))
}

#[test]
fn every_python_cell_runs() {
    let Some(mut python) = require("python3") else { return };
    let folder = folder();
    let cells = serde_json::to_string(&cells(1)).expect("JSON");
    let cells = file(&folder, "cells.json", cells);
    // What is typed at the keyboard.
    let typed = file(&folder, "typed", "hello\n".repeat(100_000));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/tables/cells.py");
    let typed = std::fs::File::open(typed).expect("it was written");
    let (_, err, code) = ended(python.arg(script).arg(cells).stdin(typed));
    assert_eq!((err.as_str(), code), ("", Some(0)), "{err}");
}

#[test]
fn python_looks_at_an_address_before_the_kernel_does() {
    let Some(mut python) = require("python3") else { return };
    let script = "
import socket
for family, address in (socket.AF_INET, ('::1', 80)), (socket.AF_INET6, ('127.0.0.1', 80)), (socket.AF_INET, '/tmp/door'), (socket.AF_INET6, '/tmp/door'):
    try:
        socket.socket(family).connect(address)
    except Exception as error:
        print(type(error).__name__, error.errno if isinstance(error, OSError) else '')
";
    let (out, err, _) = ended(python.args(["-c", script]));
    if err.contains("EAFNOSUPPORT") || err.contains("not supported") {
        eprintln!("skipped: no IPv6 here: {err}");
        return;
    }
    // The error numbers of getaddrinfo() are negative: they are not the kernel's.
    assert_eq!(out, "gaierror -9\ngaierror -9\nTypeError \nTypeError \n", "{err}");
}

#[test]
fn every_c_cell_compiles() {
    let Some(mut cc) = require("cc") else { return };
    let mut source = include_str!("tables/cells.c").to_owned();
    for (number, cell) in cells(2).iter().enumerate() {
        let _ = writeln!(source, "static void cell_{number}(void)\n{{");
        for code in &cell.code {
            // A type is shown by declaring a variable of it.
            let is_type = code.starts_with("struct ") && !code.contains('(');
            let code = if is_type { format!("{code} one") } else { code.clone() };
            let _ = writeln!(source, "#line 1 \"{}\"\n{code};", cell.place.replace('"', ""));
        }
        source += "}\n";
    }
    let folder = folder();
    let source = file(&folder, "cells.c", source);
    // With _GNU_SOURCE glibc takes addresses without a cast, which no other system does.
    cc.args(["-std=c11", "-D_DEFAULT_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]);
    // Many cells are values that nothing is done with.
    cc.args(
        ["value", "variable", "function", "result", "parameter"]
            .map(|what| format!("-Wno-unused-{what}")),
    );
    let (_, err, code) = ended(cc.arg(source));
    assert_eq!((err.as_str(), code), ("", Some(0)), "{err}");
}

#[test]
fn every_rust_cell_compiles() {
    if require("rustc").is_none() {
        return;
    }
    let mut source = include_str!("tables/cells.rs").to_owned();
    let fields: Vec<_> = source
        .lines()
        .skip_while(|line| !line.starts_with("struct Cell"))
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, _)| format!("mut {name}"))
        .collect();
    let parameters = format!("Cell {{ {} }}: Cell", fields.join(", "));
    let mut places = Vec::new();
    for (number, cell) in cells(3).into_iter().enumerate() {
        let _ = writeln!(source, "fn cell_{number}({parameters}) -> Result<(), Box<dyn Error>> {{");
        for code in &cell.code {
            let _ = writeln!(source, "{code};");
            places.push((source.lines().count(), cell.place.clone()));
        }
        source += "Ok(()) }\n";
    }
    let folder = folder();
    let source = file(&folder, "cells.rs", source);
    let crates =
        ["socket2", "libc", "nix"].map(|name| format!("{name}={}", library(name).display()));
    let mut rustc = rustc(&source);
    rustc.args(crates.iter().flat_map(|library| ["--extern", library]));
    let (_, err, code) = ended(&mut rustc);
    let failed: Vec<_> =
        places.iter().filter(|(line, _)| err.contains(&format!("cells.rs:{line}:"))).collect();
    assert!(code == Some(0), "{failed:?}\n{err}");
}

/// Compiles this file as a library, as far as its types.
fn rustc(source: &Path) -> Command {
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "-L"]);
    rustc.arg(format!("dependency={}", built().display())).arg("--out-dir");
    rustc.arg(source.parent().expect("a folder")).arg(source);
    rustc
}

/// The folder of the libraries that this test was built with.
fn built() -> PathBuf {
    let program = std::env::current_exe().expect("this program");
    program.parent().expect("its folder").to_owned()
}

/// The library of this name that was built last of those that this compiler can read.
fn library(name: &str) -> PathBuf {
    let start = format!("lib{name}-");
    let built = std::fs::read_dir(built()).expect("a folder").filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_it = path.file_name()?.to_str()?.starts_with(&start) && path.extension()? == "rlib";
        let time =
            path.metadata().and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        is_it.then_some((time, path))
    });
    let mut built: Vec<_> = built.collect();
    built.sort();
    let folder = folder();
    let source = file(&folder, "uses.rs", format!("pub use {name};"));
    let reads = |path: &PathBuf| {
        let library = format!("{name}={}", path.display());
        ended(rustc(&source).args(["--extern", &library])).2 == Some(0)
    };
    let found = built.into_iter().rev().map(|(_, path)| path).find(reads);
    found.unwrap_or_else(|| panic!("no library {name} beside {}", utf8(&self::built())))
}
