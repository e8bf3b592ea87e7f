//! The command line's words; nothing is run here. What a word does is the player's business.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::language;

/// A course on network sockets in which your own kernel proves every sentence.
#[derive(Debug, Parser)]
#[command(
    name = "explore",
    version,
    about,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  explore                        where you are, and what to type next
  explore lesson 1               the first lesson
  explore lesson 3 -v            the same, with every system call as it is made
  explore run nobody-home --set silence=1s
  explore verify                 every claim of the course, checked on this machine

Exit codes: 0 all well; 1 a claim was broken; 2 usage or unreadable input;
3 what was asked cannot be done on this machine; 130 interrupted."
)]
pub struct Cli {
    /// What to do; nothing says where you are in the course.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What every command takes.
    #[command(flatten)]
    pub shared: Shared,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the lessons
    List {
        /// As JSON: an array of number, slug, title, experiments
        #[arg(long)]
        json: bool,
    },
    /// Play a lesson
    Lesson {
        /// Its number, its slug (`families`), `next`, or a lesson file (`./mine.md`)
        #[arg(value_name = "N|SLUG|next|FILE")]
        which: String,
        /// How it is played
        #[command(flatten)]
        play: Play,
        /// How a class is shown it
        #[command(flatten)]
        class: Class,
        /// Where the events and the frames go
        #[command(flatten)]
        record: Record,
    },
    /// Run one experiment alone
    Run {
        /// Its name; `--list` shows them
        #[arg(value_name = "EXPERIMENT", required_unless_present = "list")]
        experiment: Option<String>,
        /// List the experiments, and what can be set in each
        #[arg(long)]
        list: bool,
        /// Set a parameter
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// How it is played
        #[command(flatten)]
        play: Play,
        /// How a class is shown it
        #[command(flatten)]
        class: Class,
        /// Where the events and the frames go
        #[command(flatten)]
        record: Record,
    },
    /// Check every claim, without the prose: held, broken, or not checked here
    Verify {
        /// Only these lessons: numbers or slugs
        #[arg(value_name = "N")]
        lessons: Vec<String>,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say what this machine can show, why not, and how to get the rest
    Doctor,
    /// Talk: the one who comes first serves, the other joins
    Chat(Chat),
    /// Show a recording through the same views
    Replay {
        /// A file that `--record` wrote; `-` is standard input
        #[arg(value_name = "FILE.jsonl")]
        file: PathBuf,
        /// How it is played
        #[command(flatten)]
        play: Play,
    },
    /// Try what experiments need, in this process
    #[command(name = "__probe", hide = true)]
    Probe,
    /// Make the shipped recordings anew, on a machine that can run every experiment
    #[command(name = "__remake", hide = true)]
    Remake {
        /// Where they go: `lessons/recordings`
        folder: PathBuf,
    },
    /// Run one experiment in this process, events to standard output
    #[command(name = "__experiment", hide = true)]
    Experiment {
        /// Its name
        name: String,
        /// Hold each call until standard input lets it go
        #[arg(long)]
        step: bool,
        /// Set a parameter
        #[arg(long = "set")]
        set: Vec<String>,
    },
    /// Play one part of an experiment in this process
    #[command(name = "__part", hide = true)]
    Part {
        /// Its name
        name: String,
        /// Who plays it
        #[arg(long)]
        actor: String,
        /// When the run began
        #[arg(long)]
        epoch: u64,
        /// Hold each call until standard input lets it go
        #[arg(long)]
        step: bool,
        /// What the experiment tells it
        #[arg(long = "set")]
        set: Vec<String>,
    },
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Shared {
    /// Language: en or zh; without it the locale's, else English
    #[arg(long, global = true, value_enum, value_name = "LANG")]
    pub lang: Option<Language>,
    /// Colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub color: When,
    /// Draw with ASCII characters alone
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Columns to draw in (20 to 1000), instead of the terminal's
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(20..=1000))]
    pub width: Option<u16>,
}

/// How a lesson or an experiment is played.
#[derive(Clone, Debug, Args)]
pub struct Play {
    /// Every call as a line; -vv: also the kernel's view; -vvv: also every frame, decoded and in hex
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Ask nothing and wait for nothing (the default when not at a terminal)
    #[arg(long)]
    pub auto: bool,
}

/// How a class is shown it.
#[derive(Clone, Debug, Args)]
pub struct Class {
    /// Hold each call before it is made: its line of the source, then Enter makes it and shows its result (b back, c to the end, q leaves)
    #[arg(long, conflicts_with = "auto")]
    pub step: bool,
    /// The same by itself: each call is made after this time (700ms)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, conflicts_with = "step")]
    pub pace: Option<std::time::Duration>,
    /// For a projector: few words, wide gaps, in half of the columns, so that the letters can be twice as large
    #[arg(long)]
    pub big: bool,
}

/// Where the events and the frames of a run go.
#[derive(Clone, Debug, Args)]
pub struct Record {
    /// Write the events to a file as JSON Lines; `-` is standard output
    #[arg(long, visible_alias = "json", value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write the frames to a file as pcapng, for Wireshark, tshark and tcpdump; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

/// A language of the lessons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

impl From<Language> for language::Language {
    fn from(asked: Language) -> language::Language {
        match asked {
            Language::En => language::Language::English,
            Language::Zh => language::Language::Chinese,
        }
    }
}

/// When to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// At a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The chat.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
At a terminal: /quit or Ctrl-C leaves, Ctrl-D ends what you have to say and goes on listening.
Elsewhere: lines in, lines out, to the end of the file.

Exit codes: 0 the chat ended; 1 the connection broke; 2 usage; 3 nobody was met; 130 interrupted.")]
pub struct Chat {
    /// Which end; without it: serves if nobody listens at the address, and joins if somebody does
    #[arg(value_enum)]
    pub side: Option<Side>,
    /// Where: HOST:PORT, [::1]:PORT, unix:/path, or on Linux unix:@name
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:21567")]
    pub address: String,
    /// How the two talk
    #[arg(long, value_enum, value_name = "STYLE", default_value_t = Style::Threads)]
    pub style: Style,
    /// How long one attempt to connect may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    pub timeout: std::time::Duration,
    /// How many more attempts to connect, with growing pauses
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub retries: u32,
    /// What the other is called
    #[arg(long, value_name = "NAME", default_value = "Jack")]
    pub peer_name: String,
    /// Size of the buffer that recv fills; without it 1024, growing when a peer fills it
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
    pub buffer: Option<u32>,
    /// Every call as a line, with its thread's name; twice: also the kernel's view
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Write the events to a file as JSON Lines
    #[arg(long, visible_alias = "json", value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// Which end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Listens, and takes one call
    Server,
    /// Calls
    Client,
}

/// How the chat talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// One thread a side, by turns, the client first
    Turns,
    /// Two threads a side: one sends, one receives
    Threads,
    /// One thread a side, which waits for keyboard and socket at once
    Poll,
}
