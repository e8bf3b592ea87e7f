//! Parses a lesson: CommonMark with two kinds of fenced blocks, `predict` and `experiment` (`docs/writing-a-lesson.md`).
//!
//! Names of experiments, views, parameters and claims are resolved here, so a parsed lesson contains only valid ones.

use std::collections::BTreeMap;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{CourseError, names};
use crate::experiments::Experiment;
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
    /// Whether its source is shown.
    pub code: bool,
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
            claims: Vec::new(),
        }
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
        Reader { file, text }.lesson(number, slug)
    }

    /// Its experiments, in order.
    pub fn shows(&self) -> impl Iterator<Item = &Show> {
        self.steps.iter().filter_map(|step| match step {
            Step::Experiment(show) => Some(show),
            _ => None,
        })
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn wrong(&self, line: usize, what: impl Into<String>) -> CourseError {
        CourseError::Line { file: self.file.to_owned(), line, what: what.into() }
    }

    fn line_at(&self, offset: usize) -> usize {
        self.text[..offset].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    fn lesson(&self, number: Option<u32>, slug: &str) -> Result<Lesson, CourseError> {
        let mut title = None;
        let mut question = None;
        let mut steps = Vec::new();
        let mut prose_from = 0;
        let mut depth = 0_usize;
        let mut block = None;
        let mut gathered = String::new();
        let mut broken = false;
        for (event, range) in Parser::new_ext(self.text, Options::ENABLE_TABLES).into_offset_iter()
        {
            match event {
                Event::Start(tag) => {
                    depth += 1;
                    let begins = match &tag {
                        Tag::CodeBlock(CodeBlockKind::Fenced(info))
                            if depth > 1 && is_ours(info) =>
                        {
                            let what = tr!(
                                "this block stands inside a list or a quote: begin its line with the three backticks"
                            );
                            return Err(self.wrong(self.line_at(range.start), what));
                        }
                        _ if depth > 1 => None,
                        Tag::Heading { level: HeadingLevel::H1, .. } if title.is_none() => {
                            Some(String::new())
                        }
                        Tag::BlockQuote(_)
                            if title.is_some() && question.is_none() && steps.is_empty() =>
                        {
                            Some(String::new())
                        }
                        Tag::CodeBlock(CodeBlockKind::Fenced(info)) if is_ours(info) => {
                            Some(info.trim().to_owned())
                        }
                        _ => None,
                    };
                    if let Some(info) = begins {
                        self.prose(prose_from, range.start, &mut steps);
                        block = Some(info);
                        gathered.clear();
                    }
                }
                Event::End(tag) => {
                    depth -= 1;
                    if depth > 0 {
                        continue;
                    }
                    let Some(info) = block.take() else { continue };
                    prose_from = range.end;
                    let line = self.line_at(range.start);
                    match tag {
                        TagEnd::Heading(_) => title = Some(gathered.trim().to_owned()),
                        TagEnd::BlockQuote(_) => question = Some(gathered.trim().to_owned()),
                        _ if info == "predict" => {
                            steps.push(Step::Predict(self.prediction(line, &gathered)?))
                        }
                        _ => steps.push(Step::Experiment(self.show(line, &info, &gathered)?)),
                    }
                }
                Event::Text(text) | Event::Code(text) if block.is_some() => {
                    if std::mem::take(&mut broken) {
                        gathered.push_str(joint(&gathered, &text));
                    }
                    gathered.push_str(&text);
                }
                Event::SoftBreak | Event::HardBreak => broken = block.is_some(),
                _ => {}
            }
        }
        self.prose(prose_from, self.text.len(), &mut steps);
        self.predictions_are_answered(&steps)?;
        let title = title.ok_or_else(|| {
            self.wrong(1, tr!("a lesson begins with its title, as a heading: # What a socket is"))
        })?;
        let question = question.ok_or_else(|| {
            self.wrong(
                1,
                tr!("under its title a lesson has its question, as a quote: > What is …?"),
            )
        })?;
        Ok(Lesson {
            file: self.file.to_owned(),
            number,
            slug: slug.to_owned(),
            title,
            question,
            steps,
        })
    }

    /// A prediction must be followed by the experiment that answers it.
    fn predictions_are_answered(&self, steps: &[Step]) -> Result<(), CourseError> {
        for (index, step) in steps.iter().enumerate() {
            let Step::Predict(prediction) = step else {
                continue;
            };
            if !matches!(steps.get(index + 1), Some(Step::Experiment(_))) {
                return Err(self.wrong(
                    prediction.line,
                    tr!("right after a prediction comes the experiment that answers it"),
                ));
            }
        }
        Ok(())
    }

    fn prose(&self, from: usize, to: usize, steps: &mut Vec<Step>) {
        let prose = self.text[from..to].trim();
        if !prose.is_empty() {
            steps.push(Step::Prose(prose.to_owned()));
        }
    }

    fn prediction(&self, line: usize, body: &str) -> Result<Prediction, CourseError> {
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
            [right] => Ok(Prediction { line, question, options, right }),
            _ => Err(self.wrong(line, tr!("a prediction has exactly one right option: - [x] …"))),
        }
    }

    fn show(&self, line: usize, info: &str, body: &str) -> Result<Show, CourseError> {
        let name = info.strip_prefix("experiment").unwrap_or_default().trim();
        if name.is_empty() {
            return Err(self.wrong(
                line,
                tr!("name the experiment behind the word: ```experiment two-processes"),
            ));
        }
        let experiment = names::experiment(name).map_err(|what| self.wrong(line, what))?;
        let mut show = Show {
            line,
            experiment,
            views: Vec::new(),
            settings: experiment.defaults(),
            code: true,
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
                        tr!("a line here is `view: NAME`, `set: NAME=VALUE`, `code: no`, or a claim and its sentence"),
                    )
                })?;
            match key {
                "view" => {
                    show.views.push(names::view(value).map_err(|what| self.wrong(number, what))?)
                }
                "set" => experiment
                    .set(&mut show.settings, value)
                    .map_err(|error| self.wrong(number, error.to_string()))?,
                "code" => show.code = value != "no",
                name if !experiment.claim_names().any(|known| known == name) => {
                    return Err(self.wrong(number, names::no_claim(experiment, name)));
                }
                claim => {
                    if show.claims.iter().any(|other| other.name == claim) {
                        return Err(
                            self.wrong(number, tr!("the claim `{claim}` stands here twice", claim))
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

fn is_ours(info: &str) -> bool {
    matches!(info.split_whitespace().next(), Some("predict" | "experiment"))
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
    }
}
