//! Data flows one way: no room imports what it must not know. `docs/architecture.md` draws the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Each room, and all that it may import: rooms that stand above it here.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("citations", &[]),
    ("atomic_file", &[]),
    ("errno", &[]),
    ("signals", &[]),
    ("picture", &["text"]),
    ("i18n", &["text"]),
    ("cli", &["i18n", "text"]),
    ("progress", &["atomic_file", "i18n"]),
    ("trace", &["i18n", "text"]),
    ("labels", &["i18n", "trace"]),
    ("reasons", &["errno", "i18n", "labels", "trace"]),
    ("output", &["citations", "i18n", "picture", "signals", "text", "trace"]),
    ("analysis", &["picture", "trace"]),
    ("views", &["analysis", "i18n", "labels", "picture", "reasons", "text", "trace"]),
    ("capture", &["errno", "i18n", "reasons", "signals", "trace"]),
    ("chat", &["capture", "i18n", "signals", "text", "trace"]),
    ("experiments", &["capture", "chat", "i18n", "trace"]),
    ("exercises", &["capture", "experiments", "trace"]),
    ("lesson", &["experiments", "i18n", "text", "views"]),
    (
        "commands",
        &[
            "analysis",
            "atomic_file",
            "capture",
            "chat",
            "cli",
            "experiments",
            "i18n",
            "labels",
            "lesson",
            "output",
            "picture",
            "progress",
            "reasons",
            "signals",
            "text",
            "trace",
            "views",
        ],
    ),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder of the sources")
        .map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The module that a file below `src` is: `views/sequence_diagram/fold.rs` is `views::sequence_diagram::fold`.
fn module_of(inside: &Path) -> Vec<String> {
    let path = inside.with_extension("");
    let mut names: Vec<_> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.pop_if(|name| name == "mod");
    names
}

/// The rooms that are named in the code of a module, whether from `crate` or from `super`, each with its line.
fn rooms_named(tokens: TokenStream, module: &[String], named: &mut Vec<(String, usize)>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, word: &str| {
        tokens.get(at).is_some_and(|token| matches!(token, TokenTree::Ident(it) if it == word))
    };
    let colons = |at: usize| {
        [at, at + 1].iter().all(
            |at| matches!(tokens.get(*at), Some(TokenTree::Punct(colon)) if colon.as_char() == ':'),
        )
    };
    let mut at = 0;
    while at < tokens.len() {
        let inner = match (tokens.get(at + 1), tokens.get(at + 2)) {
            (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) if is(at, "mod") => {
                Some((name, body))
            }
            _ => None,
        };
        if let Some((name, body)) = inner {
            let module = [module, &[name.to_string()]].concat();
            rooms_named(body.stream(), &module, named);
            at += 3;
        } else if let TokenTree::Group(group) = &tokens[at] {
            rooms_named(group.stream(), module, named);
            at += 1;
        } else if is(at, "crate") || is(at, "super") {
            let mut base = module;
            while (is(at, "crate") || is(at, "super")) && colons(at + 1) {
                base = if is(at, "crate") { &[] } else { &base[..base.len().saturating_sub(1)] };
                at += 3;
            }
            rooms_below(base, &tokens[at.min(tokens.len())..], named);
            at += 1;
        } else {
            at += 1;
        }
    }
}

/// The rooms that a path begins with, after its `crate::` and `super::` have led to the module `base`: several where braces follow.
fn rooms_below(base: &[String], path: &[TokenTree], named: &mut Vec<(String, usize)>) {
    match path.first() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let tree: Vec<TokenTree> = group.stream().into_iter().collect();
            for branch in
                tree.split(|token| matches!(token, TokenTree::Punct(it) if it.as_char() == ','))
            {
                let mut base = base;
                let mut branch = branch;
                while let [TokenTree::Ident(word), _, _, rest @ ..] = branch
                    && word == "super"
                {
                    base = &base[..base.len().saturating_sub(1)];
                    branch = rest;
                }
                rooms_below(base, branch, named);
            }
        }
        Some(TokenTree::Ident(name)) => {
            let room = base.first().cloned().unwrap_or_else(|| name.to_string());
            named.push((room, name.span().start().line));
        }
        _ => {}
    }
}

#[test]
fn rooms_are_found_however_they_are_named() {
    let code = "
        use crate::{trace::Event, text};
        use super::super::views::{self, View};
        mod tests { use super::{fold, super::{steps, super::output}}; }
        fn f() -> crate::i18n::Text { super::draw() }
    ";
    let mut named = Vec::new();
    let module = ["analysis".to_owned(), "threads".to_owned()];
    rooms_named(code.parse().expect("tokens"), &module, &mut named);
    let names: Vec<_> = named.iter().map(|(room, _)| room.as_str()).collect();
    let expected = ["trace", "text", "views", "analysis", "analysis", "output", "i18n", "analysis"];
    assert_eq!(names, expected);
}

#[test]
fn rooms_stand_below_all_that_they_may_import() {
    for (at, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
        for import in *allowed {
            let above = MAY_IMPORT[..at].iter().any(|(name, _)| name == import);
            assert!(above, "`{room}` may import `{import}`, which does not stand above it");
        }
    }
}

#[test]
fn no_import_runs_upward() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for path in files(&src) {
        let inside = path.strip_prefix(&src).expect("below src");
        let module = module_of(inside);
        let room = &module[0];
        if ["main", "lib"].contains(&room.as_str()) || path.extension() != Some("rs".as_ref()) {
            continue;
        }
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| name == room)
            .unwrap_or_else(|| panic!("the room `{room}` is not on the plan"));
        let code = fs::read_to_string(&path).expect("a source");
        let mut named = Vec::new();
        rooms_named(code.parse().expect("it compiles"), &module, &mut named);
        seen += named.len();
        for (name, line) in named {
            let known = MAY_IMPORT.iter().any(|(room, _)| *room == name);
            assert!(
                name == *room || !known || allowed.contains(&name.as_str()),
                "{}:{line}: `{room}` must not import `{name}`",
                inside.display(),
            );
        }
    }
    assert!(seen > 20, "the test has lost sight of the imports");
}

/// The files and folders of this repository that a text names in backticks or links to, placeholders excepted.
fn named_in(text: &str) -> impl Iterator<Item = &str> {
    let ticked = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let ours = |path: &&str| {
        let folder = path.split_once('/').map(|(folder, _)| folder);
        folder
            .is_some_and(|folder| ["src", "tests", "docs", "lessons", "benches"].contains(&folder))
    };
    let placeholder = |path: &&str| path.contains(['*', '<', '{', ' ']) || path.contains("NN");
    ticked.filter(ours).chain(linked.filter(ours)).filter(move |path| !placeholder(path))
}

#[test]
fn whatever_file_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = ["README.md", "CONTRIBUTING.md"].map(|name| root.join(name));
    let mut seen = 0;
    for document in documents.into_iter().chain(files(&root.join("docs"))) {
        if document.extension() != Some("md".as_ref()) {
            continue;
        }
        let text = fs::read_to_string(&document).expect("a document");
        for path in named_in(&text) {
            seen += 1;
            assert!(root.join(path).exists(), "{} names {path}", document.display());
        }
    }
    assert!(seen > 20, "the test has lost sight of the names");
}

/// What `cargo package` would hand on. A folder with a manifest of its own would be left out without a word.
#[test]
fn the_package_holds_what_the_program_is_made_of_and_no_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = ["package", "--list", "--allow-dirty", "--offline", "--quiet"];
    let output = Command::new(env!("CARGO")).args(list).current_dir(root).output();
    let output = output.expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).expect("UTF-8");
    let listed: BTreeSet<_> = listed.lines().map(|line| root.join(line)).collect();
    let is_snapshot = |path: &PathBuf| path.iter().any(|folder| folder == "snapshots");
    let of_folder = |folder: &str| files(&root.join(folder));
    let needed: Vec<_> = ["src", "lessons"].into_iter().flat_map(of_folder).collect();
    for path in needed.iter().filter(|path| !is_snapshot(path)) {
        assert!(listed.contains(path), "{} is not in the package", path.display());
    }
    let folders = ["src", "lessons", "docs"].map(|folder| root.join(folder));
    for path in listed.iter().filter(|path| path.parent() != Some(root)) {
        let belongs = folders.iter().any(|folder| path.starts_with(folder)) && !is_snapshot(path);
        assert!(belongs, "{} is in the package", path.display());
    }
}
