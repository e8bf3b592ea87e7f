//! Parses a lesson: CommonMark with fenced blocks of four kinds, `predict`, `experiment` and `program`
//! (`docs/writing-a-lesson.md`), and `judge` in the task of an exercise (`docs/writing-an-exercise.md`).
//!
//! Names of experiments, views, parameters and claims are resolved here, so a parsed lesson contains only valid ones.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

use super::program::{ProgramName, program};
use super::{CourseError, names};
use crate::experiments::{Experiment, Listing};
use crate::i18n::tr;
use crate::text::joint;
use crate::views::View;

#[derive(Clone, Debug)]
pub struct Lesson {
    /// The file it was read from.
    pub file: String,
    /// Its number in the course; `None` for a file from outside.
    pub number: Option<u32>,
    /// Its short name: `families`.
    pub slug: String,
    /// Its title: the first heading.
    pub title: String,
    /// The question it answers: the quote below the title.
    pub question: String,
    /// The core, which finishes the lesson.
    pub steps: Vec<Step>,
    /// The further experiments, below the thematic break; a learner chooses among them.
    pub further: Vec<Further>,
}

/// A section below the thematic break: an experiment with its prose, which can be understood without the other sections.
#[derive(Clone, Debug)]
pub struct Further {
    /// Its heading, in Markdown.
    pub title: String,
    /// Its steps; the prose of the first one begins with the heading.
    pub steps: Vec<Step>,
}

/// One step of a lesson.
#[derive(Clone, Debug)]
pub enum Step {
    /// CommonMark.
    Prose(String),
    Predict(Prediction),
    Experiment(Show),
}

#[derive(Clone, Debug)]
pub struct Prediction {
    /// The line it begins on, from 1.
    pub line: usize,
    pub question: String,
    pub options: Vec<String>,
    /// The index of the right option.
    pub right: usize,
    /// The options have a natural order, and are shown in it.
    pub in_order: bool,
    /// The name of the experiment that answers it.
    pub answered_by: &'static str,
}

/// An experiment, and how the lesson shows it.
#[derive(Clone, Debug)]
pub struct Show {
    /// The line it begins on, from 1.
    pub line: usize,
    pub experiment: &'static Experiment,
    /// The views of it, in order.
    pub views: Vec<View>,
    /// Its parameters, by name.
    pub settings: BTreeMap<String, String>,
    /// Whether its own function is shown.
    pub code: bool,
    /// Other functions that are shown below it.
    pub also: Vec<Listing>,
    /// The claims to check.
    pub claims: Vec<ClaimLine>,
}

impl Show {
    /// An experiment in this view, without claims.
    pub fn plain(experiment: &'static Experiment, view: View) -> Show {
        Show {
            line: 0,
            experiment,
            views: vec![view],
            settings: experiment.defaults(),
            code: true,
            also: Vec::new(),
            claims: Vec::new(),
        }
    }
}

impl Show {
    /// The functions that are shown.
    pub fn listings(&self) -> impl Iterator<Item = Listing> {
        let own = self.experiment.listing().filter(|_| self.code);
        own.into_iter().chain(self.also.iter().cloned())
    }
}

/// A claim's name and its sentence.
#[derive(Clone, Debug)]
pub struct ClaimLine {
    pub name: String,
    pub sentence: String,
}

impl Lesson {
    /// Reads a lesson; fails at the first line that cannot be part of one.
    pub fn parse(
        file: &str,
        text: &str,
        number: Option<u32>,
        slug: &str,
    ) -> Result<Lesson, CourseError> {
        Reader { file, text, number }.lesson(slug)
    }

    /// Whether this is its number or its short name.
    pub fn is_called(&self, name: &str) -> bool {
        self.slug == name || self.number.is_some_and(|number| number.to_string() == name)
    }

    /// The steps of the core, then those of each further section.
    pub fn parts(&self) -> impl Iterator<Item = &[Step]> {
        let further = self.further.iter().map(|further| &further.steps[..]);
        std::iter::once(&self.steps[..]).chain(further)
    }

    /// All its experiments, in order.
    pub fn shows(&self) -> impl Iterator<Item = &Show> {
        self.parts().flatten().filter_map(|step| match step {
            Step::Experiment(show) => Some(show),
            _ => None,
        })
    }

    /// All its experiments, in order, each with the heading that it stands below, without markup.
    pub fn headed_shows(&self) -> Vec<(String, &Show)> {
        let mut all = Vec::new();
        for steps in self.parts() {
            let mut heading = self.title.clone();
            for step in steps {
                match step {
                    Step::Prose(markdown) => {
                        let last = markdown.lines().rev().find_map(|line| line.strip_prefix("## "));
                        heading = last.map_or(heading, |last| last.trim().replace(['`', '*'], ""));
                    }
                    Step::Experiment(show) => all.push((heading.clone(), show)),
                    Step::Predict(_) => {}
                }
            }
        }
        all
    }

    /// Its program of this name.
    pub fn program(&self, name: ProgramName) -> Result<String, CourseError> {
        program(&self.file, self.number, name)
    }

    /// All its predictions, each with the experiment that answers it.
    pub fn predictions(&self) -> impl Iterator<Item = (&Prediction, &Show)> {
        self.parts().flat_map(|steps| steps.windows(2)).filter_map(|pair| match pair {
            [Step::Predict(prediction), Step::Experiment(show)] => Some((prediction, show)),
            _ => None,
        })
    }

    /// The questions before the further experiments, by the experiment that answers each.
    pub fn core_questions(&self) -> impl Iterator<Item = &'static str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Predict(prediction) => Some(prediction.answered_by),
            _ => None,
        })
    }
}

/// A block at the top level of the Markdown that may be more than prose.
struct Block {
    kind: Kind,
    range: Range<usize>,
    /// Its text, without the markup.
    text: String,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Heading(HeadingLevel),
    Quote,
    /// One of our fenced blocks, with what stands behind its backticks.
    Fence(String),
    /// A thematic break: `---`.
    Break,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    /// The lesson's number in the course.
    number: Option<u32>,
}

impl Reader<'_> {
    fn wrong(&self, line: usize, what: impl Into<String>) -> CourseError {
        CourseError::Line { file: self.file.to_owned(), line, what: what.into() }
    }

    fn line_at(&self, offset: usize) -> usize {
        self.text[..offset].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    fn lesson(&self, slug: &str) -> Result<Lesson, CourseError> {
        let blocks = self.blocks()?;
        let is_break = |block: &Block| block.kind == Kind::Break;
        let (core, below) =
            blocks.split_at(blocks.iter().position(is_break).unwrap_or(blocks.len()));
        let core_ends = below.first().map_or(self.text.len(), |block| block.range.start);
        let [title, core @ ..] = core else { return Err(self.no_title()) };
        let is_first = self.text[..title.range.start].trim().is_empty();
        if title.kind != Kind::Heading(HeadingLevel::H1) || !is_first {
            return Err(self.no_title());
        }
        let [question, core @ ..] = core else { return Err(self.no_question()) };
        let follows = self.text[title.range.end..question.range.start].trim().is_empty();
        if question.kind != Kind::Quote || !follows {
            return Err(self.no_question());
        }
        Ok(Lesson {
            file: self.file.to_owned(),
            number: self.number,
            slug: slug.to_owned(),
            title: title.text.trim().to_owned(),
            question: question.text.trim().to_owned(),
            steps: self.steps(core, question.range.end..core_ends)?,
            further: self.further(below)?,
        })
    }

    fn no_title(&self) -> CourseError {
        self.wrong(1, tr!("a lesson begins with its title, as a heading: # What a socket is"))
    }

    fn no_question(&self) -> CourseError {
        self.wrong(1, tr!("under its title a lesson has its question, as a quote: > What is …?"))
    }

    /// The blocks at the top level that may be more than prose, in order.
    fn blocks(&self) -> Result<Vec<Block>, CourseError> {
        let mut blocks = Vec::new();
        let mut depth = 0_usize;
        let mut open = None;
        let mut text = String::new();
        let mut broken = false;
        for (event, range) in Parser::new_ext(self.text, Options::ENABLE_TABLES).into_offset_iter()
        {
            match event {
                Event::Start(tag) => {
                    depth += 1;
                    let kind = match tag {
                        Tag::CodeBlock(CodeBlockKind::Fenced(info)) if is_ours(&info) => {
                            if depth > 1 {
                                let what = tr!(
                                    "this block is inside a list or a quote: begin its line with the three backticks"
                                );
                                return Err(self.wrong(self.line_at(range.start), what));
                            }
                            Kind::Fence(info.trim().to_owned())
                        }
                        Tag::Heading { level, .. } => Kind::Heading(level),
                        Tag::BlockQuote(_) => Kind::Quote,
                        _ => continue,
                    };
                    if depth == 1 {
                        open = Some(kind);
                        text.clear();
                        broken = false;
                    }
                }
                Event::End(_) => {
                    depth -= 1;
                    if let Some(kind) = open.take_if(|_| depth == 0) {
                        blocks.push(Block { kind, range, text: std::mem::take(&mut text) });
                    }
                }
                Event::Rule if depth == 0 => {
                    blocks.push(Block { kind: Kind::Break, range, text: String::new() });
                }
                Event::Text(piece) | Event::Code(piece) if open.is_some() => {
                    if std::mem::take(&mut broken) {
                        text.push_str(joint(&text, &piece));
                    }
                    text.push_str(&piece);
                }
                Event::SoftBreak | Event::HardBreak => broken = open.is_some(),
                _ => {}
            }
        }
        Ok(blocks)
    }

    /// The steps in this range: our fenced blocks, and the prose between them.
    fn steps(&self, blocks: &[Block], range: Range<usize>) -> Result<Vec<Step>, CourseError> {
        let mut steps = Vec::new();
        let mut prose_from = range.start;
        for block in blocks {
            let Kind::Fence(info) = &block.kind else { continue };
            prose(&self.text[prose_from..block.range.start], &mut steps);
            prose_from = block.range.end;
            let line = self.line_at(block.range.start);
            match info.split_whitespace().next() {
                Some("predict") => {
                    steps.push(Step::Predict(self.prediction(line, info, &block.text)?));
                }
                Some("program") => prose(&self.program(line, info)?, &mut steps),
                _ => steps.push(Step::Experiment(self.show(line, info, &block.text)?)),
            }
        }
        prose(&self.text[prose_from..range.end], &mut steps);
        self.answer_predictions(&mut steps)?;
        Ok(steps)
    }

    /// The sections below the thematic break, which is the first of these blocks.
    fn further(&self, below: &[Block]) -> Result<Vec<Further>, CourseError> {
        let Some((thematic_break, below)) = below.split_first() else { return Ok(Vec::new()) };
        let is_heading = |block: &Block| block.kind == Kind::Heading(HeadingLevel::H2);
        let headings: Vec<_> =
            (0..below.len()).filter(|index| is_heading(&below[*index])).collect();
        let first = headings.first().map_or(self.text.len(), |index| below[*index].range.start);
        if headings.is_empty() || !self.text[thematic_break.range.end..first].trim().is_empty() {
            let line = self.line_at(thematic_break.range.start);
            let what = tr!(
                "below the break `---`, each further experiment needs a heading of its own: ## …"
            );
            return Err(self.wrong(line, what));
        }
        let ends = headings.iter().skip(1).copied().chain([below.len()]);
        headings
            .iter()
            .zip(ends)
            .map(|(from, to)| self.section(&below[*from..to], below.get(to)))
            .collect()
    }

    /// One further section: the block of its heading and those below it, up to the next heading.
    fn section(&self, blocks: &[Block], next: Option<&Block>) -> Result<Further, CourseError> {
        let range = blocks[0].range.start..next.map_or(self.text.len(), |next| next.range.start);
        let heading = self.text[blocks[0].range.clone()].trim();
        let title = heading.trim_matches('#').trim().to_owned();
        let steps = self.steps(blocks, range)?;
        if !steps.iter().any(|step| matches!(step, Step::Experiment(_))) {
            let what =
                tr!("the section `{title}`, below the break `---`, has no experiment", title);
            return Err(self.wrong(self.line_at(blocks[0].range.start), what));
        }
        Ok(Further { title, steps })
    }

    /// Notes in each prediction the experiment that answers it, which must follow right after it.
    fn answer_predictions(&self, steps: &mut [Step]) -> Result<(), CourseError> {
        for index in 0..steps.len() {
            let answered_by = match steps.get(index + 1) {
                Some(Step::Experiment(show)) => Some(show.experiment.name),
                _ => None,
            };
            if let Step::Predict(prediction) = &mut steps[index] {
                let what = tr!("a prediction must be followed by the experiment that answers it");
                let line = prediction.line;
                prediction.answered_by = answered_by.ok_or_else(|| self.wrong(line, what))?;
            }
        }
        Ok(())
    }

    /// The whole program, as a code block.
    fn program(&self, line: usize, info: &str) -> Result<String, CourseError> {
        let name = info.strip_prefix("program").unwrap_or_default().trim();
        let program_name = ProgramName::in_language(name).ok_or_else(|| {
            let all = ProgramName::LANGUAGES.map(ProgramName::name).join(tr!(context "list", ", "));
            self.wrong(line, tr!("name a language after `program`: {all}", all))
        })?;
        let text = program(self.file, self.number, program_name)?;
        Ok(format!("```{name}\n{}\n```", text.trim_end()))
    }

    fn prediction(&self, line: usize, info: &str, body: &str) -> Result<Prediction, CourseError> {
        let in_order = match info.strip_prefix("predict").unwrap_or_default().trim() {
            "" => false,
            "in-order" => true,
            _ => {
                let what = tr!(
                    "`predict` may be followed only by `in-order`, which keeps the order of the options"
                );
                return Err(self.wrong(line, what));
            }
        };
        let mut question = String::new();
        let mut options = Vec::new();
        let mut right = Vec::new();
        for text in body.lines() {
            let ticked = ["- [x] ", "- [X] "].iter().find_map(|tick| text.strip_prefix(tick));
            if let Some(option) = ticked.or_else(|| text.strip_prefix("- [ ] ")) {
                if ticked.is_some() {
                    right.push(options.len());
                }
                options.push(option.trim().to_owned());
            } else {
                let onto = options.last_mut().unwrap_or(&mut question);
                onto.push_str(joint(onto, text.trim()));
                onto.push_str(text.trim());
            }
        }
        match right[..] {
            _ if question.is_empty() => {
                Err(self.wrong(line, tr!("a prediction begins with its question")))
            }
            _ if !(2..=9).contains(&options.len()) => {
                Err(self
                    .wrong(line, tr!("a prediction has two to nine options, as a list: - [ ] …")))
            }
            [right] => Ok(Prediction { line, question, options, right, in_order, answered_by: "" }),
            _ => Err(self.wrong(line, tr!("a prediction has exactly one right option: - [x] …"))),
        }
    }

    fn show(&self, line: usize, info: &str, body: &str) -> Result<Show, CourseError> {
        let is_judge = info.starts_with("judge");
        let name = info.split_whitespace().nth(1).unwrap_or_default();
        if name.is_empty() {
            return Err(self.wrong(
                line,
                tr!("name the experiment after the word: ```experiment two-processes"),
            ));
        }
        let found = if is_judge { names::judge(name) } else { names::experiment(name) };
        let experiment = found.map_err(|what| self.wrong(line, what))?;
        let mut show = Show {
            line,
            experiment,
            views: Vec::new(),
            settings: experiment.defaults(),
            code: true,
            also: Vec::new(),
            claims: Vec::new(),
        };
        for (number, text) in body.lines().enumerate().map(|(index, text)| (line + 1 + index, text))
        {
            if text.trim().is_empty() {
                continue;
            }
            if let (true, Some(last)) = (text.starts_with([' ', '\t']), show.claims.last_mut()) {
                last.sentence.push_str(joint(&last.sentence, text.trim()));
                last.sentence.push_str(text.trim());
                continue;
            }
            let (key, value) = text
                .split_once(':')
                .map(|(key, value)| (key.trim(), value.trim()))
                .filter(|(key, value)| !key.is_empty() && !value.is_empty())
                .ok_or_else(|| {
                    self.wrong(
                        number,
                        tr!("a line here is `view: NAME`, `set: NAME=VALUE`, `code: no`, `code: FUNCTION`, or a claim and its sentence"),
                    )
                })?;
            match key {
                "view" => {
                    show.views.push(names::view(value).map_err(|what| self.wrong(number, what))?)
                }
                "set" => experiment
                    .set(&mut show.settings, value)
                    .map_err(|error| self.wrong(number, error.to_string()))?,
                "code" if value == "no" => show.code = false,
                "code" => show.also.push(
                    names::function(experiment, value).map_err(|what| self.wrong(number, what))?,
                ),
                name if !experiment.claim_names().any(|known| known == name) => {
                    return Err(self.wrong(number, names::no_claim(experiment, name)));
                }
                claim => {
                    if show.claims.iter().any(|other| other.name == claim) {
                        return Err(
                            self.wrong(number, tr!("the claim `{claim}` is listed twice", claim))
                        );
                    }
                    show.claims
                        .push(ClaimLine { name: claim.to_owned(), sentence: value.to_owned() });
                }
            }
        }
        Ok(show)
    }
}

/// Appends prose, as one step with the prose before it.
fn prose(text: &str, steps: &mut Vec<Step>) {
    let text = text.trim();
    match steps.last_mut() {
        _ if text.is_empty() => {}
        Some(Step::Prose(before)) => before.extend(["\n\n", text]),
        _ => steps.push(Step::Prose(text.to_owned())),
    }
}

fn is_ours(info: &str) -> bool {
    matches!(info.split_whitespace().next(), Some("predict" | "experiment" | "program" | "judge"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views;

    const TEXT: &str = "# Title\n\n> The *question*?\n\nProse.\n\n```predict\nWhich?\n- [ ] one\n- [x] two\n```\n\n```experiment lost-syn\nview: ladder\nset: drop=2\none-connect-is-enough: A sentence: whole.\n  And more.\n```\n\nAfter.\n";

    fn wrong(text: &str) -> String {
        Lesson::parse("mine.md", text, None, "mine").expect_err("must not parse").to_string()
    }

    #[test]
    fn a_lesson_is_read_in_order() {
        let lesson = Lesson::parse("mine.md", TEXT, Some(1), "mine").expect("parses");
        assert_eq!((lesson.title.as_str(), lesson.question.as_str()), ("Title", "The question?"));
        let [Step::Prose(first), Step::Predict(guess), Step::Experiment(show), Step::Prose(last)] =
            &lesson.steps[..]
        else {
            panic!("{:?}", lesson.steps)
        };
        assert_eq!((first.as_str(), last.as_str()), ("Prose.", "After."));
        assert_eq!((guess.right, guess.options.len()), (1, 2));
        assert_eq!(
            (show.line, show.experiment.name, &show.views[..], &*show.settings["drop"]),
            (13, "lost-syn", &[views::LADDER][..], "2")
        );
        assert_eq!(show.claims[0].sentence, "A sentence: whole. And more.");
    }

    #[test]
    fn the_program_stands_where_the_lesson_wants_it() {
        let text = "# Title\n\n> Q?\n\n## A whole program\n\nRun it.\n\n```program python\n```\n\n## In one breath\n\nAll.\n";
        let lesson =
            Lesson::parse("lessons/01-socket/en.md", text, Some(1), "socket").expect("parses");
        let file = include_str!("../../lessons/01-socket/program.py").trim_end();
        let [Step::Prose(prose)] = &lesson.steps[..] else { panic!("{:?}", lesson.steps) };
        assert_eq!(
            prose,
            &format!(
                "## A whole program\n\nRun it.\n\n```python\n{file}\n```\n\n## In one breath\n\nAll."
            )
        );
        assert!(wrong(&text.replace("python", "pascal")).ends_with("`program`: python, c"));
        assert!(wrong(text).starts_with("program.py: "));
    }

    #[test]
    fn what_a_lesson_cannot_say_is_told_with_its_line() {
        assert!(wrong("no title").starts_with("mine.md:1: a lesson begins"));
        assert!(wrong("# T\n\nno question").contains("> What is"));
        assert!(
            wrong(&TEXT.replace("[x]", "[ ]"))
                .starts_with("mine.md:7: a prediction has exactly one")
        );
        assert!(
            wrong(&TEXT.replace("view: ladder", "gibberish"))
                .starts_with("mine.md:14: a line here")
        );
        assert!(
            wrong(&TEXT.replace("experiment lost-syn", "experiment"))
                .starts_with("mine.md:13: name the experiment")
        );
        assert!(
            wrong(&TEXT.replace("```predict", "```predict sorted"))
                .starts_with("mine.md:7: `predict` may be followed")
        );
    }

    const FURTHER: &str = "\n---\n\n## Again `recv()`\n\nWhy.\n\n```experiment nobody-home\n```\n\n## Once more\n\n```experiment two-processes\n```\n\nSo.\n";

    #[test]
    fn below_the_break_each_heading_begins_a_section() {
        let text = format!("{TEXT}{FURTHER}");
        let lesson = Lesson::parse("mine.md", &text, Some(1), "mine").expect("parses");
        assert_eq!(lesson.steps.len(), 4, "the core is as it was: {:?}", lesson.steps);
        let titles: Vec<_> = lesson.further.iter().map(|further| &*further.title).collect();
        assert_eq!(titles, ["Again `recv()`", "Once more"]);
        let [Step::Prose(prose), Step::Experiment(show)] = &lesson.further[0].steps[..] else {
            panic!("{:?}", lesson.further[0].steps)
        };
        assert_eq!(
            (prose.as_str(), show.experiment.name),
            ("## Again `recv()`\n\nWhy.", "nobody-home")
        );
        assert!(matches!(&lesson.further[1].steps[2], Step::Prose(text) if text == "So."));
        let names: Vec<_> = lesson.shows().map(|show| show.experiment.name).collect();
        assert_eq!(names, ["lost-syn", "nobody-home", "two-processes"]);
        assert_eq!(lesson.predictions().count(), 1);
    }

    #[test]
    fn a_section_below_the_break_has_a_heading_and_an_experiment() {
        for below in ["\n---\n", "\n---\n\nFirst some prose.\n\n## Heading\n"] {
            let error = wrong(&format!("{TEXT}{below}"));
            assert!(error.starts_with("mine.md:22: below the break `---`"), "{error}");
        }
        let error = wrong(&format!("{TEXT}{FURTHER}\n## Only prose\n\nText.\n"));
        assert!(error.starts_with("mine.md:38: the section `Only prose`"), "{error}");
        let text = format!("{TEXT}{}", FURTHER.replace("```experiment nobody-home\n```", ""));
        assert!(wrong(&text).contains("the section `Again `recv()``"));
    }

    #[test]
    fn the_options_of_a_prediction_may_have_an_order() {
        let text = TEXT.replace("```predict", "```predict in-order");
        for (text, in_order) in [(TEXT, false), (&text, true)] {
            let lesson = Lesson::parse("mine.md", text, None, "mine").expect("parses");
            let (prediction, _) = lesson.predictions().next().expect("there is one");
            assert_eq!((prediction.in_order, prediction.answered_by), (in_order, "lost-syn"));
        }
    }
}
