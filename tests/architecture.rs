//! Data flows one way: no room imports what it must not know. `docs/architecture.md` draws the same.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and all that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("atomic_file", &[]),
    ("signals", &[]),
    ("i18n", &["text"]),
    ("picture", &[]),
    ("trace", &["i18n", "text"]),
    ("reasons", &["i18n", "trace"]),
    ("lexicon", &["i18n"]),
    ("cli", &["i18n", "text"]),
    ("lesson", &["experiments", "i18n", "text", "views"]),
    ("progress", &["atomic_file", "i18n"]),
    ("output", &["i18n", "picture", "signals", "text", "trace"]),
    ("analysis", &["lexicon", "picture", "trace"]),
    ("views", &["analysis", "i18n", "lexicon", "picture", "reasons", "text", "trace"]),
    ("capture", &["i18n", "reasons", "signals", "trace"]),
    ("experiments", &["capture", "chat", "i18n", "trace"]),
    ("chat", &["capture", "i18n", "signals", "text", "trace"]),
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
            "lesson",
            "lexicon",
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

#[test]
fn no_import_runs_upward() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for path in files(&src) {
        let inside = path.strip_prefix(&src).expect("below src");
        let first = inside.iter().next().expect("a name").to_string_lossy();
        let room = first.trim_end_matches(".rs").to_owned();
        if ["main", "lib"].contains(&room.as_str()) {
            continue;
        }
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("the room `{room}` is not on the plan"));
        for (number, line) in fs::read_to_string(&path).expect("a source").lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (at, _) in code.match_indices("crate::") {
                let name: String = code[at + 7..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                seen += 1;
                let fine = name == room || name.is_empty() || allowed.contains(&name.as_str());
                assert!(
                    fine,
                    "{}:{}: `{room}` must not import `{name}`",
                    inside.display(),
                    number + 1
                );
            }
        }
    }
    assert!(seen > 20, "the test has lost sight of the imports");
}
