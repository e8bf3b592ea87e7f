//! What a lesson shows of an experiment's source: the socket calls, what they need, and the comments. Statements that only
//! check, or only record for the pictures, are folded.
//!
//! This reads Rust as rustfmt lays it out, a statement at a time, and follows names: a `let` whose name is used by checks alone
//! is folded with them. Where it cannot tell, it shows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A function as a lesson shows it.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Its source file, from the project's root.
    pub file: String,
    pub parts: Vec<Part>,
}

impl Listing {
    /// The number of its first line.
    #[must_use]
    pub fn first(&self) -> u32 {
        self.parts.first().map_or(1, |part| part.first)
    }
}

/// Neighbouring lines of a listing that are all shown, or all folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number of the first line.
    pub first: u32,
    pub lines: Vec<&'static str>,
    pub folded: bool,
}

impl Part {
    /// How many of its lines say something.
    #[must_use]
    pub fn statements(&self) -> usize {
        self.lines.iter().filter(|line| !line.trim().is_empty()).count()
    }
}

/// Methods that are shown wherever they are called: they change a socket, move bytes or wait.
const CALLS: &[&str] = &[
    "socket",
    "bind",
    "listen",
    "accept",
    "connect",
    "shutdown",
    "close",
    "send",
    "send_all",
    "send_to",
    "recv",
    "recv_from",
    "recv_with_flags",
    "peek",
    "select",
    "poll",
    "poll_also",
    "epoll",
    "epoll_ctl_add",
    "epoll_ctl_add_edge_triggered",
    "epoll_ctl_modify",
    "epoll_wait",
    "epoll_ctl_delete",
    "take_error",
];

/// Methods that only ask; inside of a proof they are part of the check.
const QUESTIONS: &[&str] = &[
    "local_addr",
    "peer_addr",
    "protocol",
    "nonblocking",
    "read_timeout",
    "write_timeout",
    "tcp_info",
    "tcp_state",
];

/// Methods of the lab that check or record.
const RECORDS: &[&str] = &[
    "claim",
    "claim_if_had",
    "claim_while_held",
    "need",
    "not_checked",
    "part",
    "measure",
    "plot_time",
    "plot_bytes",
    "tally",
];

/// Functions that make a proof.
const PROOFS: &[&str] = &[
    "eq",
    "eq_between",
    "ne_between",
    "at_least",
    "less",
    "waited_at_least",
    "at_least_duration",
    "eq_duration",
    "before",
    "succeeded",
    "failed_with",
];

/// Splits a function's lines, of which the first has this number, into parts. `files` are the sources of the functions that it
/// may call.
pub(super) fn parts(first: u32, lines: &[&'static str], files: &[&str]) -> Vec<Part> {
    let code = without_text(lines);
    let helpers = Helpers::of(files);
    let body = 1..lines.len().saturating_sub(1);
    let mut statements = statements(&code, body, &helpers);
    while keep_what_is_used(&mut statements) {}
    let mut folded = vec![false; lines.len()];
    mark(&statements, &mut folded);
    // The end of a function or closure is folded only with what stands before it.
    for index in 1..lines.len() {
        let before = (0..index).rfind(|before| !lines[*before].trim().is_empty());
        if lines[index].trim() == "Ok(())" && before.is_some_and(|before| !folded[before]) {
            folded[index] = false;
        }
    }
    // An empty line between folded ones is folded too.
    for index in 1..lines.len() {
        let below = || {
            folded[index..].iter().zip(&lines[index..]).find(|(_, line)| !line.trim().is_empty())
        };
        if lines[index].trim().is_empty()
            && folded[index - 1]
            && below().is_some_and(|(folded, _)| *folded)
        {
            folded[index] = true;
        }
    }
    let mut parts: Vec<Part> = Vec::new();
    for ((number, line), folded) in (first..).zip(lines).zip(folded) {
        match parts.last_mut() {
            Some(part) if part.folded == folded => part.lines.push(line),
            _ => parts.push(Part { first: number, lines: vec![line], folded }),
        }
    }
    parts
}

/// The lines of the function of that name in this source, with the comment above it, and the number of the first.
pub(super) fn find(text: &'static str, name: &str) -> Option<(u32, Vec<&'static str>)> {
    let lines: Vec<_> = text.lines().collect();
    let is_it = |line: &&str| {
        let after = line.trim_start().rsplit_once("fn ").map(|(_, after)| after);
        after
            .and_then(|after| after.strip_prefix(name))
            .is_some_and(|after| after.starts_with(['(', '<']))
            && !line.trim_start().starts_with("//")
    };
    let opens = lines.iter().position(is_it)?;
    let indent = &lines[opens][..lines[opens].len() - lines[opens].trim_start().len()];
    let length = lines[opens..].iter().position(|line| *line == format!("{indent}}}"))? + 1;
    let comment =
        lines[..opens].iter().rev().take_while(|line| line.trim_start().starts_with("///")).count();
    let first = opens - comment;
    Some((u32::try_from(first).ok()? + 1, lines[first..opens + length].to_vec()))
}

/// A statement, or a block with the statements in it.
struct Statement {
    /// Its lines; of a block the lines around the statements.
    lines: Vec<usize>,
    /// The names that it binds or changes, if it does nothing else.
    defines: BTreeSet<String>,
    uses: BTreeSet<String>,
    kept: bool,
    inner: Vec<Statement>,
}

impl Statement {
    fn leaf(lines: Range<usize>, code: &str, helpers: &Helpers) -> Statement {
        let (defines, value) = defined(code);
        let names = |list: &[&str]| list.iter().any(|name| calls_method(code, name));
        let acts = helpers.acts(code);
        let checks = names(RECORDS)
            || helpers.any_in(code, |helper| helper.checks)
            || code.trim() == "Ok(())";
        let proves = functions_called(code).any(|name| PROOFS.contains(&name))
            || helpers.any_in(code, |helper| helper.proves);
        let asks = names(QUESTIONS) && !proves;
        let kept = acts || !checks && (asks || defines.is_empty());
        Statement {
            lines: lines.collect(),
            uses: identifiers(value).map(str::to_owned).collect(),
            defines: if checks { BTreeSet::new() } else { defines },
            kept,
            inner: Vec::new(),
        }
    }
}

/// Keeps statements whose names are used by what is kept; says whether that changed anything.
fn keep_what_is_used(statements: &mut [Statement]) -> bool {
    fn used(statements: &[Statement], names: &mut BTreeSet<String>) {
        for statement in statements.iter().filter(|statement| statement.kept) {
            names.extend(statement.uses.iter().cloned());
            used(&statement.inner, names);
        }
    }
    fn keep(statements: &mut [Statement], names: &BTreeSet<String>) -> bool {
        let mut changed = false;
        for statement in statements {
            changed |= keep(&mut statement.inner, names);
            let kept = statement.inner.iter().any(|inner| inner.kept)
                || !statement.defines.is_disjoint(names);
            changed |= kept && !statement.kept;
            statement.kept |= kept;
        }
        changed
    }
    let mut names = BTreeSet::new();
    used(statements, &mut names);
    keep(statements, &names)
}

fn mark(statements: &[Statement], folded: &mut [bool]) {
    for statement in statements {
        if statement.kept {
            mark(&statement.inner, folded);
        } else if let (Some(first), Some(last)) = (statement.lines.first(), statement.lines.last())
        {
            folded[*first..=*last].fill(true);
        }
    }
}

/// The statements in these lines of code.
fn statements(code: &[String], range: Range<usize>, helpers: &Helpers) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut start = range.start;
    while start < range.end {
        if code[start].trim().is_empty() {
            start += 1;
            continue;
        }
        let end = end_of_statement(code, start..range.end);
        statements.push(
            block(code, start..end, helpers).unwrap_or_else(|| {
                Statement::leaf(start..end, &code[start..end].join("\n"), helpers)
            }),
        );
        start = end;
    }
    statements
}

/// The line after the statement that begins this range.
fn end_of_statement(code: &[String], range: Range<usize>) -> usize {
    let mut depth = 0;
    for index in range.clone() {
        depth += opened(&code[index]);
        let next =
            code[index + 1..range.end].iter().map(|line| line.trim()).find(|line| !line.is_empty());
        let goes_on =
            next.is_some_and(|next| next.starts_with(['.', '?']) || next.starts_with("else"));
        if depth <= 0 && code[index].trim_end().ends_with([';', '}', ',']) && !goes_on {
            return index + 1;
        }
    }
    range.end
}

/// A loop, a condition or a closure with statements in it; `None` if these lines are none.
fn block(code: &[String], lines: Range<usize>, helpers: &Helpers) -> Option<Statement> {
    let opens = lines.clone().find(|index| code[*index].trim_end().ends_with('{'))?;
    let header = code[lines.start..=opens].join("\n");
    let words = ["for ", "while ", "loop ", "if ", "unsafe "];
    let is_block = words.iter().any(|word| header.trim_start().starts_with(word))
        || header.trim_end_matches([' ', '{']).ends_with('|')
        || header
            .rsplit('\n')
            .next()
            .is_some_and(|line| line.contains('|') && line.contains("-> "));
    if !is_block || opens + 1 >= lines.end {
        return None;
    }
    let inside: i32 = code[lines.start..=opens].iter().map(|line| opened(line)).sum();
    let (mut frame, mut inner) = ((lines.start..=opens).collect::<Vec<_>>(), Vec::new());
    let (mut depth, mut from) = (inside, opens + 1);
    for index in opens + 1..lines.end {
        let closers = code[index].trim_start().chars().take_while(|c| "})]".contains(*c)).count();
        if depth - i32::try_from(closers).unwrap_or(0) < inside {
            inner.extend(statements(code, from..index, helpers));
            frame.push(index);
            from = index + 1;
        }
        depth += opened(&code[index]);
    }
    let text = frame.iter().map(|index| &code[*index][..]).collect::<Vec<_>>().join("\n");
    Some(Statement {
        lines: frame,
        uses: identifiers(&text).map(str::to_owned).collect(),
        defines: BTreeSet::new(),
        kept: helpers.acts(&text) || inner.iter().any(|inner| inner.kept),
        inner,
    })
}

/// What functions beside the experiments do, by their names.
#[derive(Clone, Copy, Debug, Default)]
struct Helper {
    /// It makes a call that is shown.
    acts: bool,
    /// It makes none, and checks or records.
    checks: bool,
    /// It makes a proof.
    proves: bool,
}

struct Helpers(BTreeMap<String, Helper>);

impl Helpers {
    fn of(files: &[&str]) -> Helpers {
        let functions: Vec<_> = files.iter().flat_map(|file| functions(file)).collect();
        let mut helpers = Helpers(BTreeMap::new());
        // Each round knows of calls that are one function deeper.
        loop {
            let before = helpers.0.values().filter(|helper| helper.acts || helper.checks).count();
            for function in &functions {
                let code = &function.code;
                let acts = helpers.acts(code);
                let records = RECORDS.iter().any(|name| calls_method(code, name));
                let checks = !acts && (records || helpers.any_in(code, |helper| helper.checks));
                helpers.0.insert(
                    function.name.clone(),
                    Helper { acts, checks, proves: function.proves },
                );
            }
            if before == helpers.0.values().filter(|helper| helper.acts || helper.checks).count() {
                return helpers;
            }
        }
    }

    /// Whether this code makes a call that is shown.
    fn acts(&self, code: &str) -> bool {
        CALLS.iter().any(|name| calls_method(code, name))
            || code.contains(".set_")
            || self.any_in(code, |helper| helper.acts)
    }

    /// Whether this code calls a function that is so.
    fn any_in(&self, code: &str, is_so: impl Fn(Helper) -> bool) -> bool {
        functions_called(code).any(|name| self.0.get(name).is_some_and(|helper| is_so(*helper)))
    }
}

struct Function {
    name: String,
    /// Its body.
    code: String,
    proves: bool,
}

/// The functions of a source file.
fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let code = without_text(&lines);
    let mut functions = Vec::new();
    for (start, line) in code.iter().enumerate() {
        let Some(at) = line.find("fn ").filter(|at| {
            let before = line[..*at].trim();
            before.is_empty() || before.starts_with("pub")
        }) else {
            continue;
        };
        let name: String =
            line[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let end = end_of_statement(&code, start..code.len());
        let opens =
            (start..end).find(|index| code[*index].trim_end().ends_with('{')).unwrap_or(start);
        let proves = code[start..=opens]
            .join(" ")
            .rsplit("->")
            .next()
            .is_some_and(|returned| returned.contains("Proof"));
        functions.push(Function {
            name,
            code: code[opens + 1..end.max(opens + 1)].join("\n"),
            proves,
        });
    }
    functions
}

/// The lines with neither comments nor what stands in strings.
fn without_text(lines: &[&str]) -> Vec<String> {
    let mut in_string = false;
    lines
        .iter()
        .map(|line| {
            let mut code = String::new();
            let mut rest = line.chars().peekable();
            while let Some(c) = rest.next() {
                match c {
                    '\\' if in_string => _ = rest.next(),
                    '"' => {
                        in_string = !in_string;
                        code.push('"');
                    }
                    _ if in_string => {}
                    '/' if rest.peek() == Some(&'/') => break,
                    '\'' => {
                        // A character, or a lifetime.
                        let literal: String = rest.clone().take(3).collect();
                        let length = if literal.starts_with('\\') { 3 } else { 2 };
                        if literal.chars().nth(length - 1) == Some('\'') {
                            rest.nth(length - 1);
                        }
                    }
                    _ => code.push(c),
                }
            }
            code
        })
        .collect()
}

/// How many brackets a line of code opens, less those that it closes.
fn opened(line: &str) -> i32 {
    line.chars().map(|c| i32::from("([{".contains(c)) - i32::from(")]}".contains(c))).sum()
}

fn calls_method(code: &str, name: &str) -> bool {
    code.contains(&format!(".{name}("))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The names of the functions, not the methods, that this code calls.
fn functions_called(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices('(').filter_map(|(at, _)| {
        let before = &code[..at];
        let name = &before[before.trim_end_matches(is_word).len()..];
        let is_method = before[..before.len() - name.len()].ends_with('.');
        (!name.is_empty() && !is_method).then_some(name)
    })
}

fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c| !is_word(c))
        .filter(|word| word.starts_with(|c: char| c.is_lowercase() || c == '_'))
}

/// The names that a statement binds or changes, and the code of the value; no names if it does something else.
fn defined(code: &str) -> (BTreeSet<String>, &str) {
    let names = |pattern: &str| {
        let words = identifiers(pattern).filter(|word| !["let", "mut", "ref"].contains(word));
        words.map(str::to_owned).collect()
    };
    let trimmed = code.trim_start();
    let word = &trimmed[..trimmed.find(|c| !is_word(c)).unwrap_or(trimmed.len())];
    let after = trimmed[word.len()..].trim_start();
    if word == "let" {
        let Some((pattern, value)) = trimmed.split_once(" =") else { return (names(trimmed), "") };
        return (names(pattern.split(": ").next().unwrap_or(pattern)), value);
    }
    let grows = [".push(", ".extend(", ".insert("].iter().any(|method| after.starts_with(method));
    let operator = after.trim_start_matches(['+', '-', '|', '&']);
    let assigns = operator.starts_with("= ") && after.len() - operator.len() <= 1;
    if grows || assigns { (names(word), after) } else { (BTreeSet::new(), code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELPERS: &str = "
fn hears(socket: &Socket) -> io::Result<Proof> {
    let n = socket.recv(&mut buffer)?;
    Ok(eq(\"n\", n, 5))
}

fn compare(lab: &Lab, socket: &Socket) -> Result<()> {
    lab.claim(\"three\", eq(\"at\", socket.local_addr()?, 0));
    Ok(())
}

fn gave(bytes: &[u8]) -> Proof {
    eq(\"bytes\", bytes, b\"hello\")
}
";

    /// The listing of this function, a folded part as its number of lines.
    fn listing(source: &'static str) -> String {
        let lines: Vec<_> = source.trim().lines().collect();
        let parts = parts(1, &lines, &[HELPERS]);
        let numbered: usize = parts.iter().map(|part| part.lines.len()).sum();
        assert_eq!(numbered, lines.len(), "no line is lost");
        let texts = parts.iter().map(|part| match part.folded {
            true => format!("    … {}\n", part.statements()),
            false => part.lines.iter().map(|line| format!("{line}\n")).collect(),
        });
        texts.collect()
    }

    #[test]
    fn calls_and_comments_are_shown_and_what_only_checks_is_folded() {
        let source = r#"
fn ends(lab: &Lab) -> Result<()> {
    lab.part("one");
    let server = lab.actor("server");
    let listener = server.socket(Domain::IPV4, Type::STREAM, TCP)?;
    let at = listener.local_addr()?; // asked for itself

    // Is it the same?
    let same = eq_between("at", listener.local_addr()?, "bound", &at);
    let more = gave(b"hello");

    lab.claim("one", same.and(more));
    let refused = failed_with("bind", &listener.bind(&at), "EINVAL");
    let heard = hears(&listener)?;
    lab.claim(
        "two {",
        refused.and(heard),
    );
    compare(lab, &listener)?;
    Ok(())
}"#;
        let shown = r#"fn ends(lab: &Lab) -> Result<()> {
    … 1
    let server = lab.actor("server");
    let listener = server.socket(Domain::IPV4, Type::STREAM, TCP)?;
    let at = listener.local_addr()?; // asked for itself

    // Is it the same?
    … 3
    let refused = failed_with("bind", &listener.bind(&at), "EINVAL");
    let heard = hears(&listener)?;
    … 6
}
"#;
        assert_eq!(listing(source), shown);
    }

    #[test]
    fn what_a_call_needs_stays() {
        let source = r#"
fn parts(lab: &Lab) -> Result<()> {
    let mut whole = 0;
    let mut all = Vec::new();
    let words = ["one", "two"];
    for word in words {
        client.send(word.as_bytes())?;
        whole += usize::from(word == "one");
    }
    while all.len() < 3 {
        let n = server.recv(&mut buffer)?;
        all.extend(&buffer[..n]);
    }
    if whole > 1 {
        lab.claim("words", eq("whole", whole, 2));
    } else {
        lab.not_checked("words", Lack::Other);
    }
    let seen = lab.scope(|stage| {
        let reader = stage.actor("reader", |me| {
            server.recv(&mut buffer)?;
            Ok(())
        })?;
        reader.finish()
    })?;
    lab.claim("seen", eq("seen", seen, 'x'));
    Ok(())
}"#;
        let shown = r#"fn parts(lab: &Lab) -> Result<()> {
    … 1
    let mut all = Vec::new();
    let words = ["one", "two"];
    for word in words {
        client.send(word.as_bytes())?;
    … 1
    }
    while all.len() < 3 {
        let n = server.recv(&mut buffer)?;
        all.extend(&buffer[..n]);
    }
    … 5
    let seen = lab.scope(|stage| {
        let reader = stage.actor("reader", |me| {
            server.recv(&mut buffer)?;
            Ok(())
        })?;
        reader.finish()
    })?;
    … 2
}
"#;
        assert_eq!(listing(source), shown);
    }
}
