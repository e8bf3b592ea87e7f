//! The commands and options of the command line, with their help.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{
    NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser,
};
use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::i18n::{Language, tr};

/// A course on network sockets, with experiments that run on your own kernel and claims that are checked there
#[derive(Debug, Parser)]
#[command(
    name = "explore",
    version,
    about,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  explore                        your progress, and what to type next
  explore lesson 1               the first lesson; `explore 1` is the same
  explore lesson 3 -v            the third, with every system call as it is made
  explore run nobody-home --set silence=1s
  explore verify                 every claim of the course, checked on this machine
  explore help lesson            about a command; about a lesson, an experiment or a term as well

Exit codes: 0 success; 1 a claim was broken; 2 usage or unreadable input;
3 cannot be done on this machine; 130 interrupted."
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
    List(List),
    /// Take a lesson
    Lesson(Lesson),
    /// Write all lessons as HTML pages, with an index
    Book(Book),
    /// Run one experiment alone
    Run(Run),
    /// Check every claim, without the text: held, broken, or not checked here
    Verify(Verify),
    /// Check which experiments this machine can run, and how to enable the rest
    Doctor(Doctor),
    /// Show your progress: lessons finished, predictions right and wrong
    Progress(Progress),
    /// Ask again the questions that you got wrong
    Quiz(Quiz),
    /// Explain a command, a lesson, an experiment or a term
    Help(Help),
    /// Explain a term in every language, and name the lesson that shows it
    Glossary(Glossary),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page, or write all manual pages to a folder
    Man(Man),
    /// Chat: the first to start is the server, the second joins it
    Chat(Chat),
    /// Show a recording in the same views
    Replay(Replay),
    /// Exercises: list them, read a task, get files to begin with
    Exercise(Exercise),
    /// Check your program for an exercise, by what it really does
    Check(Check),
    /// Watch programs of your own, in any language: their calls, what went between them, who was blocked
    Trace(Trace),
    /// Explain an error or a trouble: reproduced here, told apart from its neighbours, and cured
    Why(Why),
}

/// `explore why`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore why                            all cases, by what one sees
  explore why 'Address already in use'   the message as you have it, from any program
  explore why recv returns nothing       what happens, in your words
  explore why EPIPE --list               what it may be; nothing is played
  explore why EPIPE --list-texts         how systems and languages word that error
  explore why 9                          a case, by its number; an error is named: EBADF")]
pub struct Why {
    /// The message, or what happens; or the number of a case; without it all cases are listed
    #[arg(value_name = "WORDS")]
    pub words: Vec<String>,
    /// List what it may be, and play nothing
    #[arg(long, requires = "words", conflicts_with_all = ["record", "pcap"])]
    pub list: bool,
    /// Print how systems and languages word the error
    #[arg(long, requires = "words", conflicts_with_all = ["list", "record", "pcap"])]
    pub list_texts: bool,
    /// Run the case and write it as one HTML page; `-` is standard output
    #[arg(long, value_name = "FILE", requires = "words", conflicts_with_all = ["list", "list_texts", "step", "pace", "big"])]
    pub html: Option<PathBuf>,
    /// How much of each experiment's code to show
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Code::None)]
    pub code: Code,
    /// How it is shown
    #[command(flatten)]
    pub presentation: Presentation,
}

/// `explore list`.
#[derive(Clone, Debug, Args)]
pub struct List {
    /// Print JSON: an array of number, slug, title, experiments
    #[arg(long)]
    pub json: bool,
}

/// `explore lesson`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore lesson 1                the first lesson
  explore lesson                  the one you are in, or else the next one
  explore lesson handshake -v     by name, every call as it is made
  explore lesson 6 --auto         without questions
  explore lesson 6 --step --big   in class: call by call, for a projector; at a prediction type
                                  the raised hands (5 12 3, or a5 b12 c3)
  explore lesson 6 --further 2    the second of its further experiments
  explore lesson 6 --html 6.html  run it, and write it as one page
  explore lesson 6 --program python > program.py
                                  the whole program that it ends with
  explore lesson ./mine.md        a lesson of your own")]
pub struct Lesson {
    /// Number or slug of the lesson (`families`), or a lesson file (`./mine.md`); default: the one that you began last and have not finished, or else the next one
    #[arg(value_name = "N|SLUG|FILE")]
    pub which: Option<String>,
    /// Run the lesson and write it as one HTML page: text, code, traces, pictures and claims; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["step", "pace", "big"])]
    pub html: Option<PathBuf>,
    /// Run only this further experiment (its number, or `all`); at a terminal the lesson offers them at its end
    #[arg(long, value_name = "N|all", value_parser = Further::parse, conflicts_with = "html")]
    pub further: Option<Further>,
    /// Print only a program: the whole one at the lesson's end, in Python or C; `notes`: that of the study notes, in lesson 12
    #[arg(long, value_enum, value_name = "PROGRAM", conflicts_with_all = ["html", "further", "step", "pace", "big", "record", "pcap"])]
    pub program: Option<ProgramName>,
    /// How much of each experiment's code to show
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Code::Calls)]
    pub code: Code,
    /// How it is shown
    #[command(flatten)]
    pub presentation: Presentation,
}

/// A time, with its unit.
fn time_span(typed: &str) -> Result<Duration, String> {
    humantime::parse_duration(typed).map_err(|_| a_time().to_owned())
}

/// What an option that takes a time takes.
pub(super) fn a_time() -> &'static str {
    tr!("a time with a unit, such as 700ms or 5s")
}

/// How much of each experiment's code to show
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Code {
    /// All of it
    All,
    /// Socket calls and comments; lines that only check are folded
    #[default]
    Calls,
    /// None of it
    None,
}

/// Which of a lesson's further experiments to play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Further {
    /// Every one.
    All,
    /// The one of this number, from 1.
    One(usize),
}

impl Further {
    fn parse(typed: &str) -> Result<Further, String> {
        match typed.parse() {
            _ if typed == "all" => Ok(Further::All),
            Ok(number @ 1..) => Ok(Further::One(number)),
            _ => Err(tr!("a number from 1, or `all`").to_owned()),
        }
    }
}

/// `explore book`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore book --out pages               then open pages/index.html
  explore book --out pages-zh --lang zh  the same in Chinese")]
pub struct Book {
    /// Folder to write to; created if it does not exist
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `explore run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore run --list
  explore run nobody-home --set silence=1s
  explore run three-way-handshake -vvv --pcap handshake.pcapng")]
pub struct Run {
    /// Name of the experiment; without one, all are listed
    #[arg(value_name = "EXPERIMENT")]
    pub experiment: Option<String>,
    /// List the experiments, lesson by lesson
    #[arg(long)]
    pub list: bool,
    /// Set a parameter
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// How it is shown
    #[command(flatten)]
    pub presentation: Presentation,
}

/// `explore verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore verify                 the whole course, about a minute
  explore verify 6 chat          two lessons
  explore verify --json          for a program to read")]
pub struct Verify {
    /// Only these lessons, by number or slug, or cases, by slug
    #[arg(value_name = "N")]
    pub lessons: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `explore doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore doctor                         what can be shown here, and how to get the rest
  explore doctor --json > li-lei.json    for a teacher who collects them")]
pub struct Doctor {
    /// Print one JSON object, for a teacher who collects them
    #[arg(long)]
    pub json: bool,
}

/// `explore progress`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore progress                       lesson by lesson
  explore progress --json > li-lei.json  for a teacher who collects them
  explore progress --reset               start over; the old record is renamed, not deleted")]
pub struct Progress {
    /// Print one JSON object, for a teacher who collects them
    #[arg(long, conflicts_with = "reset")]
    pub json: bool,
    /// Start over; the old record is kept under another name
    #[arg(long)]
    pub reset: bool,
}

/// `explore quiz`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore quiz                   the questions that you got wrong, in every lesson
  explore quiz 4 handshake       those of two lessons")]
pub struct Quiz {
    /// Only these lessons: numbers or slugs
    #[arg(value_name = "N")]
    pub lessons: Vec<String>,
}

/// `explore help`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore help                   all commands
  explore help run               one command
  explore help nobody-home       an experiment: its lesson, and what can be set
  explore help time_wait         a term")]
pub struct Help {
    /// A command, the number or slug of a lesson, an experiment, or a term
    #[arg(value_name = "TOPIC")]
    pub topic: Vec<String>,
}

/// `explore glossary`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore glossary                every term of the course
  explore glossary datagram       one term
  explore glossary \u{4e09}\u{6b21}\u{63e1}\u{624b}        in Chinese as well")]
pub struct Glossary {
    /// The term, in any language (default: all terms)
    pub term: Vec<String>,
}

/// `explore completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore completions bash > ~/.local/share/bash-completion/completions/explore
  explore completions zsh > ~/.zfunc/_explore
  explore completions fish > ~/.config/fish/completions/explore.fish")]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `explore man`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore man | man -l -
  explore man --out ~/.local/share/man/man1")]
pub struct Man {
    /// Write a page for each command to this folder
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// `explore exercise`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore exercise                      all exercises, and which you have done
  explore exercise 1                    the task of the first
  explore exercise 1 --start python     files to begin with, in the folder exercise-1
  explore exercise 1 --hint             what may help
  explore exercise 1 --solution python  ours, once yours is right")]
pub struct Exercise {
    /// Number of the exercise, the name of its lesson (`socket`), or `bonus`; without it all are listed
    #[arg(value_name = "N")]
    pub which: Option<String>,
    /// Write files to begin with in this language to a new folder, exercise-N
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(LANGUAGES), requires = "which")]
    pub start: Option<String>,
    /// Show the hints
    #[arg(long, requires = "which", conflicts_with = "start")]
    pub hint: bool,
    /// Print our solution in this language, once yours has been checked
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(LANGUAGES), requires = "which", conflicts_with_all = ["start", "hint"])]
    pub solution: Option<String>,
    /// With --solution: even if yours is not right yet
    #[arg(long, requires = "solution")]
    pub give_up: bool,
    /// Print JSON: an array of number, slug, title, done
    #[arg(long, conflicts_with = "which")]
    pub json: bool,
}

/// The languages in which exercises may have programs: the name on the command line, and of the folder.
pub const LANGUAGES: [&str; 5] = ["python", "c", "rust", "go", "javascript"];

/// `explore check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore check 1 -- python3 server.py
  explore check 1 'python3 server.py' 'python3 client.py'
  explore check 1 --build make ./server ./client
  explore check 1 client='node client.js' server=./server
  explore check 1 --watch 'python3 server.py'
                       again whenever a file of the program is saved

Each program is started as you give it, with what the task says at the end of its command line.
Exit codes: 0 all requirements are met; 1 one is not; 2 usage; 3 it cannot be checked here.")]
pub struct Check {
    // The indices are said because completions take `which` up again, and it would come last then.
    /// Number of the exercise, the name of its lesson (`socket`), or `bonus`
    #[arg(index = 1, value_name = "N")]
    pub which: String,
    /// Command lines in the order of the task, each in quotes: 'python3 server.py'; ROLE='COMMAND' says which it is
    #[arg(index = 2, value_name = "COMMAND", required_unless_present = "command")]
    pub programs: Vec<String>,
    /// The first program with its arguments, after `--`
    #[arg(index = 3, last = true, value_name = "PROGRAM", conflicts_with = "programs")]
    pub command: Vec<String>,
    /// Run this command first, such as 'make' or 'gcc -o server server.c'
    #[arg(long, value_name = "COMMAND")]
    pub build: Option<String>,
    /// Check again whenever a file of the programs is saved, until Ctrl-C
    #[arg(long, conflicts_with_all = ["json", "record"])]
    pub watch: bool,
    /// Show every call as it is made, and all that was compared
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write the events to a file as JSON Lines
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// `explore replay`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore run two-processes --record two.jsonl
  explore replay two.jsonl -v
  explore replay two.jsonl --view findings
  explore replay server.jsonl client.jsonl
                       two programs that were traced apart, in one picture")]
pub struct Replay {
    /// A file that `--record` wrote; `-` is standard input. Several of `explore trace`, made on this machine since it was started, are drawn as one
    #[arg(value_name = "FILE.jsonl", required = true)]
    pub files: Vec<PathBuf>,
    /// Draw this view instead of those of its lesson; several times for several
    #[arg(long = "view", value_name = "NAME")]
    pub views: Vec<String>,
    /// Write the same as one HTML page; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How it is played
    #[command(flatten)]
    pub play: Play,
}

/// `explore trace`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  explore trace -- python3 server.py 4000      one program
  explore trace 'python3 server.py' 'python3 client.py'
                                               two: the second starts when the first listens
  explore trace ./server ./client              two, for each is an executable file
  explore trace -- ./run ./server              one: after -- all words are one program's
  explore trace alice='python3 chat.py a' bob='python3 chat.py b' --stdin bob=bob.txt
  explore trace --join 'python3 client.py'     in another terminal: added to the trace that runs there
  explore trace --for 10s -- ./server          then where everybody is blocked
  explore trace --drop 'first SYN' 'python3 server.py' 'python3 client.py server'
                                               on a wire of ours, where the server is called server
  explore trace --step 'python3 server.py' 'python3 client.py'
                                               each call before it is made, at its line
  explore trace --record run.jsonl -- ./server
                                               and later: explore replay run.jsonl

The programs keep the keyboard and the screen. Ctrl-C goes to them; a second one ends
all and shows what happened.
With --step and --pace both are the step view's: what the programs print is shown in it, and
again when it is over; `i` types a line for a program that reads its keyboard.
A program that already runs cannot be traced, and a traced one cannot be let go: a
server that goes into the background stays in the trace until it ends. Set-user-ID
programs (sudo, ping) run without their privileges. A call takes about 15 \u{b5}s longer.

Exit codes: the worst of the programs'; 124 the time of --for was over; 2 usage;
3 programs cannot be traced or run here; 130 interrupted.")]
pub struct Trace {
    /// Command lines, each one word with spaces in it: 'python3 server.py', or an executable file's path: ./server; NAME='COMMAND' gives it a name
    #[arg(value_name = "COMMAND", required_unless_present = "command")]
    pub programs: Vec<String>,
    /// One program with its arguments, after `--`
    #[arg(last = true, value_name = "PROGRAM", conflicts_with = "programs")]
    pub command: Vec<String>,
    /// Add the programs to the trace that runs in another terminal, where all is shown in the end; with =PID if there are several
    #[arg(long, value_name = "PID", num_args = 0..=1, require_equals = true, conflicts_with_all = ["wire", "drop", "loss", "delay", "cut_after", "rewrite", "pcap", "views", "only", "html", "step", "pace"])]
    pub join: Option<Option<u32>>,
    /// A program's standard input; without it the keyboard belongs to whoever reads it
    #[arg(long, value_name = "NAME=FILE")]
    pub stdin: Vec<String>,
    /// End the programs after this time, such as 10s, and say in which calls they are blocked; time in which --step or --pace holds a call does not count
    #[arg(long = "for", value_name = "TIME", value_parser = time_span)]
    pub limit: Option<Duration>,
    /// Hold each call that a line of yours makes, before it is made, and show that line; Enter makes the call and shows what it did (b back, e to the end, ? the keys, q quits)
    #[arg(long)]
    pub step: bool,
    /// Like --step, but make each call after this time, such as 700ms, without keys
    #[arg(long, value_name = "TIME", value_parser = time_span, conflicts_with = "step")]
    pub pace: Option<Duration>,
    /// Give each program a network of its own, 10.9.0.2, 10.9.0.3 and so on, and the program's name in it; show every frame between them
    #[arg(long)]
    pub wire: bool,
    /// Drop these frames on the wire: 'first SYN', 'second data segment', 'every third datagram', '20% of packets'
    #[arg(long, value_name = "FRAMES")]
    pub drop: Vec<String>,
    /// Lose this share of the packets on the wire, such as 20%
    #[arg(long, value_name = "SHARE")]
    pub loss: Option<String>,
    /// Deliver packets on the wire so much later, such as 50ms, or only some: '2s second data segment'
    #[arg(long, value_name = "TIME")]
    pub delay: Vec<String>,
    /// Cut the wire so long after its first packet, such as 2s
    #[arg(long, value_name = "TIME")]
    pub cut_after: Option<String>,
    /// Lead calls to 127.0.0.1 over the wire, to the program that has the port
    #[arg(long)]
    pub rewrite: bool,
    /// What is shown at the end: ladder, timeline, sockets, findings (all four by default), ladder-once-open, trace, side-by-side, states, layers, boundaries, retries
    #[arg(long = "view", value_name = "NAME")]
    pub views: Vec<String>,
    /// Show only these actors, with their threads and children, and whom they talk with
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Show every call as it is made; -vv: also the kernel's view, and lines of source
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Write the events to a file as JSON Lines; `-` is standard output, and what the programs print goes to standard error
    #[arg(long, visible_alias = "json", value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write the pictures, the calls and the lines of source as one HTML page; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "step")]
    pub html: Option<PathBuf>,
    /// Write the frames on the wire to a file as pcapng, for Wireshark, tshark and tcpdump
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Shared {
    /// Language (default: that of the locale, else English)
    #[arg(long, global = true, value_parser = language(), value_name = "LANG")]
    pub lang: Option<Language>,
    /// Use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub color: When,
    /// Draw with ASCII characters only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Width of the output in columns, 20 to 1000 (default: the terminal's)
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(20..=1000))]
    pub width: Option<u16>,
}

/// How a lesson or an experiment is shown.
#[derive(Clone, Debug, Args)]
pub struct Presentation {
    /// How it is played
    #[command(flatten)]
    pub play: Play,
    /// Pause before each call and show its source line; Enter makes the call and shows its result (b back, e to the end, ? the keys, q quits)
    #[arg(long, conflicts_with = "auto")]
    pub step: bool,
    /// Like --step, but make each call after this time, such as 700ms, without keys
    #[arg(long, value_name = "TIME", value_parser = time_span, conflicts_with = "step")]
    pub pace: Option<Duration>,
    /// For a projector: less text and half the columns, so that the font can be twice as large
    #[arg(long)]
    pub big: bool,
    /// Write the events to a file as JSON Lines; `-` is standard output
    #[arg(long, visible_alias = "json", value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write the frames to a file as pcapng, for Wireshark, tshark and tcpdump; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

/// How much is told, and whether anybody is asked.
#[derive(Clone, Debug, Args)]
pub struct Play {
    /// Show every call as a line; -vv: also the kernel's view; -vvv: also every frame, decoded and in hex
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Do not ask questions or wait for keys (the default when not at a terminal)
    #[arg(long)]
    pub auto: bool,
}

/// Reads a language's tag; `--help` lists each language under its own name.
fn language() -> impl TypedValueParser<Value = Language> {
    let value = |language: Language| PossibleValue::new(language.tag()).help(language.name());
    PossibleValuesParser::new(Language::all().map(value))
        .try_map(|tag| Language::tagged(&tag).ok_or("there is no such language"))
}

/// Which of a lesson's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgramName {
    Python,
    C,
    Notes,
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
Examples:
  explore chat                                in one terminal, and again in another
  explore chat --address 0.0.0.0:21567        for another machine to join
  explore chat --address 192.0.2.7:21567      join it from there
  explore chat --style poll -v                every call as it is made

At a terminal: /quit or Ctrl-C quits; after Ctrl-D you send nothing more, but still receive;
/help tells the commands. A peer with another program is taken for gone when it sends no more.
Elsewhere: reads lines and prints lines, until end of file.

Exit codes: 0 the chat ended; 1 the connection broke; 2 usage; 3 no connection; 130 interrupted.")]
pub struct Chat {
    /// Which side to be (default: the client if somebody listens at the address, else the server)
    #[arg(value_enum)]
    pub side: Option<Side>,
    /// Address: HOST:PORT, [::1]:PORT, [fe80::1%eth0]:PORT, unix:/path, or on Linux unix:@name
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:21567")]
    pub address: String,
    /// How to wait for the keyboard and the peer
    #[arg(long, value_enum, value_name = "STYLE", default_value_t = Style::Threads)]
    pub style: Style,
    /// Time limit for each attempt to connect
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time_span)]
    pub timeout: Duration,
    /// How many more times to try to connect, with growing pauses
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub retries: u32,
    /// Your name: the peer sees it before your messages, if both of you have this chat at a terminal and the address is no unix: one
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub name: Option<String>,
    /// The name to show for the peer (default: the one that it tells, else Jack)
    #[arg(long, value_name = "NAME")]
    pub peer_name: Option<String>,
    /// Size of the receive buffer (default: 1024, growing when it is filled)
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
    pub buffer: Option<u32>,
    /// Show every call as a line, with its thread's name; -vv: also the kernel's view
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Write the events to a file as JSON Lines
    #[arg(long, visible_alias = "json", value_name = "FILE")]
    pub record: Option<PathBuf>,
}

impl Default for Chat {
    /// `explore chat` alone.
    fn default() -> Chat {
        let matches = Chat::augment_args(clap::Command::new("chat")).get_matches_from(["chat"]);
        Chat::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// Which end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Listens and accepts one connection
    Server,
    /// Connects
    Client,
}

/// How the chat talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// One thread per side, taking turns, the client first
    Turns,
    /// Two threads per side: one sends, one receives
    Threads,
    /// One thread per side, which waits for keyboard and socket at once
    Poll,
}
