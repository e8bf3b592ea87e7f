//! Where a lesson waits for a key, and what the keys do there.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::playing::Playing;
use crate::capture::parameter::SetError;
use crate::cli;
use crate::commands::prediction::{letters, pose, your_answer};
use crate::commands::run::{Performed, perform};
use crate::commands::{Failure, show};
use crate::i18n::tr;
use crate::lesson::{Prediction, Show};
use crate::output::terminal::keys::Key;
use crate::output::terminal::{Answer, Bar};
use crate::picture::Ink;

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) enum Stop<'p> {
    /// More does not fit on the page.
    Page,
    /// A section comes next.
    Section,
    /// The experiment runs next.
    Run { folds: bool },
    /// The letter of an answer.
    Predict(&'p Prediction),
    /// A lesson that was left goes on, or begins again.
    Resume,
    /// The number of a further experiment, of which these digits were typed.
    Further { all: usize, number: usize },
    /// The chat may start.
    Chat,
}

impl Stop<'_> {
    /// Whether this letter or digit is an answer.
    fn takes(self, letter: char) -> bool {
        match self {
            Stop::Predict(prediction) => letters(prediction.options.len()).contains(&letter),
            Stop::Resume => letter == 's',
            Stop::Further { .. } => letter.is_ascii_digit(),
            Stop::Chat => letter == 'n',
            Stop::Page | Stop::Section | Stop::Run { .. } => false,
        }
    }
}

/// Whether something else was shown between what a lesson shows.
enum Shown {
    Pages,
    /// But perhaps a notice.
    Nothing,
}

/// A run that has been seen.
pub(super) struct Seen<'a> {
    show: &'a Show,
    settings: BTreeMap<String, String>,
    /// What it showed; `None` if that was before this program started.
    performed: Option<Performed>,
}

impl<'a> Seen<'a> {
    pub(super) fn now(
        show: &'a Show,
        settings: BTreeMap<String, String>,
        performed: Performed,
    ) -> Seen<'a> {
        Seen { show, settings, performed: Some(performed) }
    }

    /// It was seen when the lesson was played before.
    pub(super) fn before_this(show: &'a Show) -> Seen<'a> {
        Seen { show, settings: show.settings.clone(), performed: None }
    }
}

impl<'a> Playing<'a> {
    /// Shows what has been written, page by page.
    pub(super) fn read(&mut self) -> Result<(), Failure> {
        while self.session.terminal.show_page()? {
            self.stop(Stop::Page)?;
        }
        Ok(())
    }

    /// Waits for a key that goes on or answers, and does what the others ask for. Where nobody is there, it is Enter.
    pub(super) fn stop(&mut self, at: Stop<'_>) -> Result<Key, Failure> {
        // Whether it has been said that Enter skips the question: one too many is pressed easily.
        let mut is_warned = !self.session.terminal.is_interactive();
        loop {
            let bar = self.bar(at);
            self.keep_place();
            let Some(key) = self.session.terminal.press(&bar)? else { continue };
            if self.session.terminal.is_looking_back() && self.moves_among_pages(key, at)? {
                continue;
            }
            let asks_to_skip = key == Key::On && matches!(at, Stop::Predict(_));
            let was_warned = std::mem::replace(&mut is_warned, asks_to_skip);
            match key {
                Key::Letter(letter) if at.takes(letter) => return Ok(key),
                Key::On if asks_to_skip && !was_warned => {
                    self.say(tr!(
                        "Press the letter of your answer, or Enter again to skip this question."
                    ))?;
                }
                Key::On => return Ok(key),
                Key::Back | Key::Letter('b') => self.session.terminal.look_back()?,
                Key::Letter(letter @ ('p' | 'c' | 'r' | '?')) => {
                    if let Some(answer) = self.shows_aside(letter, at)? {
                        return Ok(answer);
                    }
                }
                Key::Letter(_) if matches!(at, Stop::Predict(_)) => {
                    self.say(tr!("That letter is no answer."))?;
                }
                _ => {}
            }
        }
    }

    /// While a page is shown again: does what a key means there, or returns to the last page, where most others do what they do; says whether
    /// that is all. A letter answers no question that is not on the screen.
    fn moves_among_pages(&mut self, key: Key, at: Stop<'_>) -> Result<bool, Failure> {
        let terminal = &mut self.session.terminal;
        let is_all = match key {
            Key::On => terminal.look_forward()?,
            Key::Back | Key::Letter('b') => {
                terminal.look_back()?;
                true
            }
            Key::Letter(letter) => {
                terminal.return_to_present()?;
                at.takes(letter)
            }
            Key::End => false,
        };
        Ok(is_all)
    }

    /// Shows what this letter asks for; gives what was answered meanwhile.
    fn shows_aside(&mut self, letter: char, at: Stop<'_>) -> Result<Option<Key>, Failure> {
        let rest_is_shown_so = letter == 'c' && self.session.terminal.drop_rest_of_code();
        let answer = self.aside(at, |playing| match letter {
            'p' => playing.picture_again(),
            'c' => playing.code_again(),
            'r' => playing.run_again(),
            _ => playing.keys(at),
        })?;
        let goes_on = rest_is_shown_so && !self.session.terminal.has_more();
        Ok(answer.or(goes_on.then_some(Key::On)))
    }

    /// Shows something else before what is still to be shown. A question is asked again below it; whether a lesson begins anew can be
    /// answered on each page of it, and the answer is given.
    fn aside(
        &mut self,
        at: Stop<'_>,
        show: impl FnOnce(&mut Self) -> Result<Shown, Failure>,
    ) -> Result<Option<Key>, Failure> {
        let waiting = self.session.terminal.set_aside();
        let shown = show(self)?;
        let below = if matches!(at, Stop::Resume) { at } else { Stop::Page };
        while self.session.terminal.show_page()? {
            let key = self.stop(below)?;
            if key != Key::On {
                self.session.terminal.set_aside(); // the rest is not wanted
                return Ok(Some(key));
            }
        }
        if let (Shown::Pages, Stop::Predict(prediction)) = (shown, at) {
            self.session.terminal.blank()?;
            pose(self.session, prediction)?;
            self.read()?;
        }
        self.session.terminal.bring_back(waiting);
        Ok(None)
    }

    /// The run that can be run again: not while the code of the next one is on the screen, which has not run.
    fn to_run_again(&self) -> Option<&Rc<Seen<'a>>> {
        let has_run =
            |seen: &&Rc<Seen<'a>>| self.code_of.is_none_or(|show| std::ptr::eq(show, seen.show));
        self.last.as_ref().filter(has_run)
    }

    fn has_picture(&self) -> bool {
        self.last.as_ref().is_some_and(|seen| seen.performed.is_some())
    }

    /// Says why there is nothing to show.
    fn nothing(&mut self, why: &str) -> Result<Shown, Failure> {
        self.say(why).map(|()| Shown::Nothing)
    }

    /// Says this at once, in a notice, which is not a page of the lesson; not again below the same words.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        if self.session.terminal.has_noticed(text) {
            return Ok(());
        }
        let waiting = self.session.terminal.set_aside();
        self.session.terminal.wrapped("", text, Ink::Warn)?;
        self.session.terminal.show_apart()?;
        self.session.terminal.bring_back(waiting);
        Ok(())
    }

    // ---- the bar ----

    /// Where one is, and what the keys do.
    fn bar(&self, at: Stop<'_>) -> Bar {
        let number = self.lesson.number;
        let title = number.map(|number| tr!("Lesson {number}", number));
        let place = self.position.words();
        let can_look_back = self.session.terminal.can_look_back();
        if self.session.terminal.is_looking_back() {
            let back = can_look_back.then(|| tr!("b back").to_owned());
            let others = back.into_iter().collect();
            return Bar { title, place, others, ..Bar::of(tr!("Enter forward")) };
        }
        let main = match at {
            Stop::Page | Stop::Section | Stop::Resume => tr!("Enter on").to_owned(),
            Stop::Run { .. } => tr!("Enter runs it").to_owned(),
            Stop::Predict(_) => tr!("Enter skips").to_owned(),
            Stop::Further { number: 0, .. } => tr!("Enter skips them").to_owned(),
            Stop::Further { number, .. } => tr!("{number}: a digit more, or Enter", number),
            Stop::Chat => tr!("Enter starts the chat").to_owned(),
        };
        let answers = match at {
            Stop::Predict(prediction) => Some(your_answer(prediction.options.len())),
            Stop::Further { all: 1, .. } => Some(tr!("1 plays it").to_owned()),
            Stop::Further { all, .. } => Some(tr!("1 to {all} plays one", all)),
            Stop::Resume => Some(tr!("s restarts").to_owned()),
            _ => None,
        };
        let mut others = Vec::new();
        if let Stop::Run { folds: true } = at {
            others.push(tr!("c whole code").to_owned());
        }
        let is_taken = |letter| at.takes(letter);
        if can_look_back {
            others.push(if is_taken('b') { tr!("← back") } else { tr!("b back") }.to_owned());
        }
        if self.has_picture() && !is_taken('p') {
            others.push(tr!("p picture").to_owned());
        }
        if self.code_of.is_some() && !is_taken('c') && !matches!(at, Stop::Run { .. }) {
            others.push(tr!("c code").to_owned());
        }
        if self.to_run_again().is_some() && !is_taken('r') {
            let again = tr!("r again").to_owned();
            // Whoever comes back has no picture before them.
            if matches!(at, Stop::Resume) { others.insert(0, again) } else { others.push(again) }
        }
        Bar { title, place, main, answers, others }
    }

    /// Explains the keys that do something here.
    fn keys(&mut self, at: Stop<'_>) -> Result<Shown, Failure> {
        let mut more = Vec::new();
        if self.has_picture() {
            more.push(("p", tr!("shows the last picture again")));
        }
        if self.code_of.is_some() {
            more.push(("c", tr!("shows the whole code of the experiment")));
        }
        if self.to_run_again().is_some() {
            let text = tr!("runs the last experiment again, with a knob turned if you like");
            more.push(("r", text));
        }
        more.retain(|(key, _)| !key.chars().all(|letter| at.takes(letter)));
        let enter = match at {
            Stop::Page | Stop::Section | Stop::Resume => tr!("goes on"),
            Stop::Run { .. } => tr!("runs the experiment"),
            Stop::Predict(_) => tr!("skips the question, pressed twice"),
            Stop::Further { number: 0, .. } => tr!("ends the lesson"),
            Stop::Further { .. } => tr!("plays that experiment"),
            Stop::Chat => tr!("starts the chat"),
        };
        let numbers = match at {
            Stop::Further { all, .. } if all > 1 => tr!("1 to {all}", all),
            _ => "1".to_owned(),
        };
        match at {
            Stop::Predict(_) => more.push((tr!("letters"), tr!("of the options answer"))),
            Stop::Resume => more.push(("s", tr!("begins the lesson from the start"))),
            Stop::Further { .. } => more.push((&numbers, tr!("plays that experiment"))),
            Stop::Chat => more.push(("n", tr!("ends the lesson"))),
            Stop::Page | Stop::Section | Stop::Run { .. } => {}
        }
        let answers: Vec<char> = ('a'..='z').filter(|letter| at.takes(*letter)).collect();
        self.session.terminal.explain_keys(enter, &more, &answers)?;
        Ok(Shown::Pages)
    }

    // ---- what the keys show ----

    /// Shows the last run in its views again, as wide as the window is now.
    fn picture_again(&mut self) -> Result<Shown, Failure> {
        let Some(seen) = self.last.clone() else {
            return self.nothing(tr!("There has been no picture yet."));
        };
        let Some(performed) = &seen.performed else {
            let why = match self.to_run_again() {
                Some(_) => tr!("Its picture was not kept: r runs the experiment again."),
                None => tr!("There has been no picture yet."),
            };
            return self.nothing(why);
        };
        if let Some(notice) = &performed.notice {
            self.session.terminal.wrapped("", notice, Ink::Warn)?;
            self.session.terminal.blank()?;
        }
        // With every mark explained: the explanation may be far above.
        show::draw(self.session, &seen.show.views, &performed.recording, false)?;
        Ok(Shown::Pages)
    }

    /// Shows the code of the last experiment, with what only checks.
    fn code_again(&mut self) -> Result<Shown, Failure> {
        match self.code_of {
            Some(show) => self.code(show, cli::Code::All).map(|_| Shown::Pages),
            None => self.nothing(tr!("No code has been shown yet.")),
        }
    }

    /// Runs the last experiment again, with other settings if they are typed.
    fn run_again(&mut self) -> Result<Shown, Failure> {
        let Some(seen) = self.to_run_again().cloned() else {
            return self.nothing(tr!("This experiment has not run yet."));
        };
        let (show, mut settings) = (seen.show, seen.settings.clone());
        if !show.experiment.parameters.is_empty() {
            self.list_knobs(show, &settings)?;
        }
        while !show.experiment.parameters.is_empty() {
            self.read()?;
            let prompts = [
                tr!("knob=value (Enter runs it as it is, b goes back, q quits): "),
                tr!("knob=value (b back, q quits): "),
            ];
            let Answer::Line(typed) = self.session.terminal.ask(&prompts.map(str::to_owned))?
            else {
                return Ok(Shown::Pages);
            };
            if typed.eq_ignore_ascii_case("b") {
                return Ok(Shown::Pages);
            }
            let mut set = typed.split_whitespace();
            // Of one knob the value says enough.
            let pair = |word: &str| match show.experiment.parameters {
                [knob] if !word.contains('=') => format!("{}={word}", knob.name),
                _ => word.to_owned(),
            };
            match set.try_for_each(|word| show.experiment.set(&mut settings, &pair(word))) {
                Ok(()) => break,
                Err(SetError::NotAPair(pair, example)) => {
                    let text = tr!(
                        "`{pair}` turns no knob: type its name and a value, for example {example}",
                        pair,
                        example
                    );
                    self.say(&text)?;
                }
                Err(error) => self.say(&error.to_string())?,
            }
        }
        self.session.terminal.blank()?;
        let performed = perform(self.session, show, &settings)?;
        self.last = Some(Rc::new(Seen::now(show, settings, performed)));
        Ok(Shown::Pages)
    }

    fn list_knobs(
        &mut self,
        show: &Show,
        settings: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let parameters = show.experiment.parameters;
        let text = tr!("Run it again, with a knob turned:");
        let terminal = &mut self.session.terminal;
        terminal.together(|terminal| {
            terminal.wrapped("", text, Ink::Strong)?;
            for parameter in parameters {
                let (name, help) = (parameter.name, parameter.help);
                let value = settings.get(name).map_or(parameter.default, String::as_str);
                let takes = parameter.kind.takes();
                let text = tr!("{name}={value}: {help} ({takes})", name, value, help, takes);
                terminal.wrapped("  ", &text, Ink::Plain)?;
            }
            Ok(())
        })
    }
}
