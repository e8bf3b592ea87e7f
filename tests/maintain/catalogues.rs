//! The catalogues, brought up to date with the sentences that the program says.
//!
//! The sentences are found as the compiler sees them: `tr!`, `tr_n!` and `Text` in the tokens of `src`, and whatever the help of
//! the command line says. What is new gets an empty translation; what nobody says any more goes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::CommandFactory;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use socket_explorer::cli::Cli;
use socket_explorer::i18n::catalogue::{Message, parse};

/// Contexts of texts that others wrote, and that are looked up as they come: errors.
const LOOKED_UP: [&str; 2] = ["JSON", "system"];

/// The context of actors and labels.
const RECORDING: &str = "recording";

/// Functions whose arguments are labels, by the places of those; and what names an actor.
const TAKE_LABELS: [(&str, &[usize]); 42] = [
    ("eq", &[0]),
    ("eq_between", &[0, 2]),
    ("ne_between", &[0, 2]),
    ("at_least", &[0]),
    ("less", &[0, 2]),
    ("waited_at_least", &[0]),
    ("at_least_duration", &[0, 2]),
    ("eq_duration", &[0, 2]),
    ("before", &[0, 2]),
    ("succeeded", &[0]),
    ("failed_with", &[0]),
    ("transferred", &[0]),
    ("acknowledges", &[0]),
    ("part", &[0]),
    ("wait", &[1]),
    ("measure", &[0, 1]),
    ("plot_time", &[0]),
    ("plot_bytes", &[0]),
    ("tally", &[0, 2]),
    ("deed", &[0]),
    ("actor", &[0]),
    ("process", &[0]),
    ("client", &[1]),
    ("listening", &[1]),
    ("program_as", &[0]),
    ("comes", &[3]),
    ("require_answer", &[3]),
    ("require_end", &[3]),
    ("explained", &[0]),
    ("received", &[0]),
    ("received_whole", &[0]),
    ("is_end", &[0]),
    ("exits", &[0]),
    ("exits_with_0", &[0]),
    ("has_not_crashed", &[0]),
    ("has_printed", &[0]),
    ("has_shown", &[0]),
    ("epoll_or_kqueue", &[0, 1]),
    ("yes_or_no", &[0]),
    ("says_readable", &[0]),
    ("says_writable", &[0]),
    ("mode_is", &[0]),
];

/// Before a test module of what only Linux has.
const TESTS_OF_LINUX: &str = r#"[cfg (all (test , target_os = "linux"))]"#;

/// Where labels are made.
const MAKE_LABELS: [&str; 5] =
    ["src/capture/", "src/chat/", "src/exercises/", "src/experiments/", "src/trace/event.rs"];

/// Names of the system's own, which no catalogue needs: `AF_INET`, `/proc/net/dev`, `EAGAIN`.
pub fn is_code(label: &str) -> bool {
    let has = |wanted: fn(char) -> bool| label.contains(wanted);
    !label.contains(' ') && (has(|c| "_/".contains(c)) || !has(|c| c.is_ascii_lowercase()))
}

/// A sentence: its context, its English.
type Key = (Option<String>, String);

/// The sentences that the program says, each with its files; and every other text where labels are made, for a label may reach
/// its function by a variable.
#[derive(Default)]
struct Sentences(Vec<(Key, BTreeSet<String>)>, BTreeSet<String>);

impl Sentences {
    fn add(&mut self, context: Option<&str>, english: &str, file: &str) {
        let key = (context.map(str::to_owned), english.to_owned());
        let at = self.0.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.0.push((key, BTreeSet::new()));
            self.0.len() - 1
        });
        self.0[at].1.insert(file.to_owned());
    }

    fn has(&self, message: &Message) -> bool {
        let key = (message.context.clone(), message.english.clone());
        self.0.iter().any(|(known, _)| *known == key)
            || (message.context.as_deref() == Some(RECORDING) && self.1.contains(&key.1))
    }

    /// All sentences in these tokens, those in a test module excepted.
    fn add_tokens(&mut self, tokens: TokenStream, file: &str) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let is = |offset: isize, text: &str| {
                let one = at.checked_add_signed(offset).and_then(|at| tokens.get(at));
                one.is_some_and(|one| one.to_string() == text)
            };
            if is(0, "#") && (is(1, "[cfg (test)]") || is(1, TESTS_OF_LINUX)) {
                while !matches!(&tokens[at], TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
                    && !matches!(&tokens[at], TokenTree::Punct(p) if p.as_char() == ';')
                {
                    at += 1;
                }
            } else if let TokenTree::Group(group) = &tokens[at] {
                let macro_call = is(-1, "!") && (is(-2, "tr") || is(-2, "tr_n"));
                let path = is(-2, ":") && is(-3, ":");
                let constant = is(-1, "Text") && !path;
                if macro_call || constant {
                    self.add_arguments(group.stream(), file);
                }
                if MAKE_LABELS.iter().any(|folder| file.starts_with(folder)) {
                    if is(-1, "!") && is(-2, "label") {
                        self.add_labels(group.stream(), &[0], file);
                    }
                    for (_, places) in TAKE_LABELS.iter().filter(|(name, _)| is(-1, name)) {
                        self.add_labels(group.stream(), places, file);
                    }
                }
                self.add_tokens(group.stream(), file);
            } else if let TokenTree::Literal(literal) = &tokens[at]
                && MAKE_LABELS.iter().any(|folder| file.starts_with(folder))
            {
                self.1.extend(string(literal));
            }
            at += 1;
        }
    }

    /// The literals among the arguments at these places.
    fn add_labels(&mut self, arguments: TokenStream, places: &[usize], file: &str) {
        let arguments: Vec<TokenTree> = arguments.into_iter().collect();
        let split =
            arguments.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','));
        for (place, argument) in split.enumerate() {
            let label = match argument {
                [TokenTree::Literal(literal)] if places.contains(&place) => string(literal),
                _ => None,
            };
            if let Some(label) = label.filter(|label| !is_code(label)) {
                self.add(Some(RECORDING), &label, file);
            }
        }
    }

    /// The literals that are arguments by themselves; after the word `context` comes one.
    fn add_arguments(&mut self, arguments: TokenStream, file: &str) {
        let arguments: Vec<TokenTree> = arguments.into_iter().collect();
        let mut context = None;
        for argument in
            arguments.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
        {
            match argument {
                [TokenTree::Ident(word), TokenTree::Literal(literal)] if word == "context" => {
                    context = string(literal);
                }
                [TokenTree::Literal(literal)] => {
                    if let Some(english) = string(literal) {
                        self.add(context.as_deref(), &english, file);
                    }
                }
                _ => {}
            }
        }
    }

    /// What the help of the command line says, and of its commands' that are shown.
    fn add_command_line(&mut self) {
        const FILE: &str = "src/cli/args.rs";
        let all = Cli::command();
        let shown = all.get_subcommands().filter(|command| !command.is_hide_set());
        for command in [&all].into_iter().chain(shown) {
            for text in [command.get_about(), command.get_after_help()].into_iter().flatten() {
                self.add(None, &text.to_string(), FILE);
            }
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let id = argument.get_id().as_str();
                if ["help", "version"].contains(&id) {
                    continue;
                }
                let help = argument.get_help().expect("every argument has help");
                self.add(None, &help.to_string(), FILE);
                if !argument.get_action().takes_values() {
                    continue;
                }
                for name in argument.get_value_names().unwrap_or_default() {
                    self.add(Some("value name"), name, FILE);
                }
                // A language is called by its own name.
                let values = argument.get_possible_values().into_iter().filter(|_| id != "lang");
                for meaning in values.filter_map(|value| value.get_help().cloned()) {
                    self.add(None, &meaning.to_string(), FILE);
                }
            }
        }
    }
}

fn string(literal: &proc_macro2::Literal) -> Option<String> {
    syn::parse_str::<syn::LitStr>(&literal.to_string()).ok().map(|literal| literal.value())
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the sources");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

pub fn name_of(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").display().to_string()
}

fn sentences() -> Sentences {
    let mut sentences = Sentences::default();
    sentences.add_command_line();
    for path in files(&root().join("src")) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            let tokens = TokenStream::from_str(&text).expect("it compiles");
            sentences.add_tokens(tokens, &name_of(&path));
        }
    }
    assert!(sentences.0.len() > 600, "the test has lost sight of them: {}", sentences.0.len());
    sentences
}

pub fn catalogues() -> Vec<(PathBuf, String)> {
    let paths = files(&root().join("src/i18n/po"));
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("it"))).collect()
}

fn is_looked_up(message: &Message) -> bool {
    message.context.as_deref().is_some_and(|context| LOOKED_UP.contains(&context))
}

/// Every catalogue, by its file: as it is, and up to date.
pub fn all() -> Vec<(PathBuf, String, String)> {
    let sentences = sentences();
    let catalogues = catalogues().into_iter();
    catalogues
        .map(|(path, text)| {
            let updated = up_to_date(&text, &sentences);
            (path, text, updated)
        })
        .collect()
}

/// The catalogue with the sentences that are said, in the order of their English: a sentence that moves between files moves
/// nothing here. Remarks of its translators stay with theirs.
fn up_to_date(catalogue: &str, sentences: &Sentences) -> String {
    let mut blocks = catalogue.trim_end().split("\n\n");
    let header = blocks.next().unwrap_or_default();
    let old: Vec<(String, Message)> = blocks
        .filter_map(|block| {
            let remarks = block.lines().filter(|line| line.starts_with('#'));
            let remarks = remarks.filter(|line| !line.starts_with("#:"));
            Some((remarks.map(|line| format!("{line}\n")).collect(), parse(block).pop()?))
        })
        .collect();
    let none = BTreeSet::new();
    let looked_up = old.iter().map(|(_, message)| message);
    let said = |one: &Message| {
        sentences.0.iter().any(|(key, _)| *key == (one.context.clone(), one.english.clone()))
    };
    let looked_up = looked_up.filter(|one| !said(one) && (is_looked_up(one) || sentences.has(one)));
    let looked_up = looked_up.map(|one| ((one.context.clone(), one.english.clone()), &none));
    let mut keys: Vec<_> = sentences.0.iter().map(|(key, files)| (key.clone(), files)).collect();
    keys.extend(looked_up);
    keys.sort();
    let entries = keys.into_iter().map(|((context, english), files)| {
        let known = old.iter().find(|(_, one)| one.context == context && one.english == english);
        let (remarks, text) = known.map_or(("", ""), |(remarks, one)| (remarks, &one.text));
        let files: String = files.iter().map(|file| format!("#: {file}\n")).collect();
        format!("{remarks}{files}{}", entry(context.as_deref(), &english, text))
    });
    let all: Vec<_> = std::iter::once(header.to_owned()).chain(entries).collect();
    all.join("\n\n") + "\n"
}

fn entry(context: Option<&str>, english: &str, text: &str) -> String {
    let context = context.map(|context| field("msgctxt", context) + "\n");
    context.unwrap_or_default() + &field("msgid", english) + "\n" + &field("msgstr", text)
}

/// A field of an entry; a text of several lines stands below it, line by line.
fn field(keyword: &str, text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t");
    let lines: Vec<_> = escaped.split_inclusive('\n').collect();
    match lines[..] {
        [] => format!("{keyword} \"\""),
        [line] if !line.ends_with('\n') => format!("{keyword} \"{line}\""),
        _ => {
            let lines = lines.iter().map(|line| format!("\n\"{}\"", line.replace('\n', "\\n")));
            format!("{keyword} \"\"{}", lines.collect::<String>())
        }
    }
}
