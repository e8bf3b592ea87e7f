//! The last lesson as one has it at a terminal (openpty(3)): at its end it offers the chat, and starts it in place.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use socket_explorer::cli;
use socket_explorer::lesson;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::person::{PROMPTS, Person};
use crate::support::{ended, explore, folder};

/// What asks whether the chat is to be started.
const OFFER: &str = "Enter starts the chat";

/// The short name of a lesson, counted back from the last.
fn slug(back: usize) -> &'static str {
    let lessons = lesson::contents();
    lessons[lessons.len() - 1 - back].slug
}

/// A learner at a terminal, with a state folder of his own.
struct Learner {
    person: Person,
    state: TempDir,
}

impl Learner {
    fn begins(lesson: &str) -> Learner {
        let (state, mut command) = (folder(), explore(&["lesson", lesson]));
        command.env("XDG_STATE_HOME", state.path());
        // Tall, so that no screen is ever full: each Enter is for a prompt of the lesson's.
        Learner { person: Person::sits_down(80, 2000, &mut command), state }
    }

    /// Plays to the offer: Enter at every prompt.
    fn plays_to_the_end(&mut self) {
        self.enters_until(&PROMPTS, OFFER);
        self.sees("q quit");
    }

    fn has_finished(&self, slug: &str) -> bool {
        let record = fs::read(self.state.path().join("explore/progress.json")).expect("a record");
        serde_json::from_slice::<serde_json::Value>(&record).expect("JSON")["lessons"][slug]["finished"]
            == true
    }

    /// Waits for the end of the program, looks whether the terminal is as it was, and gives the exit code.
    fn leaves(mut self) -> Option<i32> {
        self.person.leaves().0
    }
}

impl Deref for Learner {
    type Target = Person;
    fn deref(&self) -> &Person {
        &self.person
    }
}

impl DerefMut for Learner {
    fn deref_mut(&mut self) -> &mut Person {
        &mut self.person
    }
}

#[test]
fn the_last_lesson_ends_in_a_chat() {
    let mut learner = Learner::begins(slug(0));
    learner.plays_to_the_end();
    assert!(learner.has_finished(slug(0)), "it is noted before the chat starts");
    learner.types("x");
    learner.sees(OFFER); // neither yes nor no: it still waits
    // Another program of this machine may have the one port that everybody knows.
    let at = cli::Chat::default().address.parse::<SocketAddr>().expect("an address").into();
    let tcp = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let is_free = || {
        let probe = tcp();
        probe.set_reuse_address(true).and_then(|()| probe.bind(&at)).is_ok()
    };
    while !is_free() {
        std::thread::sleep(Duration::from_millis(10));
    }
    learner.types("\n");
    learner.sees("waiting for connection...");
    let mut other = tcp();
    other.connect(&at).expect("the learner listens");
    learner.sees("connected from: ");
    learner.sees("send message> ");
    learner.types("你好\r");
    let mut heard = [0; 7];
    other.read_exact(&mut heard).expect("a line");
    assert_eq!(heard, "你好\n".as_bytes());
    other.write_all("你也好啊\n".as_bytes()).expect("an answer");
    learner.sees("Jack: 你也好啊\r\n");
    drop(other);
    learner.sees("the peer has left");
    assert_eq!(learner.leaves(), Some(0));
}

#[test]
fn who_does_not_want_to_talk_leaves() {
    for answer in ["q", "n", "\x04"] {
        let mut learner = Learner::begins(slug(0));
        learner.plays_to_the_end();
        learner.types(answer);
        assert!(learner.has_finished(slug(0)));
        assert_eq!(learner.leaves(), Some(0), "{answer:?}");
    }
}

#[test]
fn no_other_lesson_offers_it_and_nobody_is_asked_who_is_not_there() {
    let state = folder();
    let quiet = |lesson: &str| {
        let mut command = explore(&["lesson", lesson, "--auto"]);
        let (out, err, code) = ended(command.env("XDG_STATE_HOME", state.path()));
        assert_eq!(code, Some(0), "{err}");
        out
    };
    let last = quiet(slug(0));
    assert!(last.contains("Now chat: ") && !last.contains(OFFER), "{last}");
    assert!(!quiet(slug(1)).contains("Now chat: "));
}
