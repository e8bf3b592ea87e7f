//! The command line in another language than English: its help, and its errors.
//!
//! Every sentence is looked up by its English, the doc comments in `cli/args.rs`. clap has headings, defaults and possible values
//! only in English, and breaks lines only at spaces, so this module writes the former and wraps the latter.

use clap::builder::{PossibleValue, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use unicode_width::UnicodeWidthStr;

use super::args;
use crate::i18n::{find, tr};
use crate::text::wrap;

fn translate(english: &StyledStr) -> String {
    let english = english.to_string();
    find(None, &english).map_or(english, str::to_owned)
}

/// The same command line, in the language that is spoken, its help in this many columns.
pub(super) fn translated(english: Command, columns: usize) -> Command {
    let command = with_sentences(english)
        .disable_version_flag(true)
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help(tr!("Print version")),
        )
        .subcommand_value_name(tr!(context "value name", "COMMAND"));
    // Only a command that is built knows its usage, and the arguments that every command takes.
    let mut built = command.clone();
    built.build();
    let layout = Layout::of(&built, columns);
    let command = command.mut_subcommands(|one| {
        let Some(like) = built.find_subcommand_mut(one.get_name()) else {
            return one;
        };
        let about = one.get_about().map(ToString::to_string).unwrap_or_default();
        layout.laid_out(one, like).about(wrap(&about, layout.about).join("\n"))
    });
    layout.laid_out(command, &mut built)
}

/// The command with every sentence looked up: what it is for, what stands below its help, its arguments and its commands.
fn with_sentences(command: Command) -> Command {
    let (about, below) =
        (command.get_about().map(translate), command.get_after_help().map(translate));
    let command = command.disable_help_flag(true).arg(
        Arg::new("help").short('h').long("help").action(ArgAction::Help).help(tr!("Print help")),
    );
    let command = about.into_iter().fold(command, |command, about| command.about(about));
    let command = below.into_iter().fold(command, |command, below| command.after_help(below));
    command.mut_args(argument).mut_subcommands(with_sentences)
}

/// Translates an argument; possible values, default and aliases go behind its help.
fn argument(arg: Arg) -> Arg {
    let names = arg.get_value_names().unwrap_or_default().to_vec();
    let names = names.iter().map(|name| find(Some("value name"), name).unwrap_or(name).to_owned());
    let names: Vec<_> = names.collect();
    let arg = if names.is_empty() { arg } else { arg.value_names(names) };
    let help = arg.get_help().map(translate).unwrap_or_default();
    let mut more = Vec::new();
    let takes_values = arg.get_action().takes_values();
    if takes_values {
        let values = arg.get_possible_values();
        let values: Vec<_> =
            values.iter().filter(|value| !value.is_hide_set()).map(possible_value).collect();
        if !values.is_empty() {
            let values = values.join(tr!(context "list", ", "));
            more.push(tr!("possible values: {values}", values));
        }
        let default: Vec<_> =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !default.is_empty() {
            more.push(tr!("default: {default}", default = default.join(" ")));
        }
    }
    let aliases: Vec<_> = arg.get_visible_aliases().unwrap_or_default();
    let aliases: Vec<String> = aliases.into_iter().map(str::to_owned).collect();
    if !aliases.is_empty() {
        let names = aliases.iter().map(|alias| format!("--{alias}")).collect::<Vec<_>>();
        let names = names.join(tr!(context "list", ", "));
        more.push(tr!("also: {aliases}", aliases = names));
    }
    let help = if more.is_empty() {
        help
    } else {
        tr!("{help} [{more}]", help, more = more.join(tr!("; ")))
    };
    // The aliases stay valid, but clap no longer lists them.
    let arg = aliases.into_iter().fold(arg.visible_alias(None), Arg::alias);
    arg.help(help)
        .long_help(None)
        .hide_possible_values(takes_values)
        .hide_default_value(takes_values)
}

fn possible_value(value: &PossibleValue) -> String {
    let name = value.get_name();
    match value.get_help().map(translate) {
        Some(meaning) => tr!("{name} ({meaning})", name, meaning),
        None => name.to_owned(),
    }
}

/// The widths of the columns of help. They are the same for all commands, since shared options are wrapped only once.
struct Layout {
    /// Descriptions in the list of commands.
    about: usize,
    /// Descriptions of options.
    option: usize,
    /// Descriptions of positional arguments.
    positional: usize,
}

impl Layout {
    fn of(built: &Command, columns: usize) -> Layout {
        let shown = || built.get_subcommands().filter(|one| !one.is_hide_set()).chain([built]);
        let beside = |positional: bool| {
            let widest = shown().map(|one| widest_argument(one, positional)).max().unwrap_or(0);
            columns.saturating_sub(widest + 4).max(16)
        };
        let names = shown().skip(1).chain(shown().take(1)).map(|one| one.get_name().width());
        let indent = names.max().unwrap_or(0) + 4;
        Layout {
            about: columns.saturating_sub(indent).max(8),
            option: beside(false),
            positional: beside(true),
        }
    }

    fn laid_out(&self, command: Command, built: &mut Command) -> Command {
        let usage = usage(&built.render_usage());
        let command = command.mut_args(|arg| {
            let columns = if arg.is_positional() { self.positional } else { self.option };
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            arg.help(wrap(&help, columns).join("\n"))
        });
        let header = *command.get_styles().get_header();
        let heading = |text: &str| format!("{header}{text}{header:#}");
        let mut template =
            format!("{{before-help}}{{about-with-newline}}\n{}{{usage}}", heading(tr!("Usage: ")));
        if command.get_subcommands().any(|one| !one.is_hide_set()) {
            template += &format!("\n\n{}\n{{subcommands}}", heading(tr!("Commands:")));
        }
        if command.get_positionals().next().is_some() {
            template += &format!("\n\n{}\n{{positionals}}", heading(tr!("Arguments:")));
        }
        template += &format!("\n\n{}\n{{options}}{{after-help}}", heading(tr!("Options:")));
        command.help_template(template).override_usage(usage)
    }
}

/// The columns that the longest of a command's arguments takes, as clap lays them out.
fn widest_argument(built: &Command, positional: bool) -> usize {
    let own =
        built.get_arguments().filter(|arg| arg.is_positional() == positional && !arg.is_hide_set());
    own.map(|arg| arg.to_string().width() + if positional { 0 } else { 4 }).max().unwrap_or(0)
}

/// `Usage: explore run [OPTIONS] <EXPERIMENT>`, without its first word.
fn usage(usage: &StyledStr) -> String {
    let usage = usage.to_string();
    usage.trim().trim_start_matches("Usage:").trim().replace("[OPTIONS]", tr!("[OPTIONS]"))
}

/// An error of clap in the language that is spoken.
pub(super) fn error(error: &clap::Error) -> String {
    let context = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(match kind {
            ContextKind::ValidValue | ContextKind::InvalidArg => tr!(context "list", ", "),
            _ => tr!("` or `"),
        }),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(texts)) => {
            texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(tr!("; "))
        }
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (arg, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    let mut text = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => tr!("`{arg}` needs a value", arg),
        ErrorKind::InvalidValue => tr!("`{arg}` cannot be `{value}`", arg, value),
        ErrorKind::ValueValidation => match expected(&arg) {
            Some(takes) => tr!("`{arg}` cannot be `{value}`: it takes {takes}", arg, value, takes),
            None => tr!("`{arg}` cannot be `{value}`", arg, value),
        },
        ErrorKind::UnknownArgument => tr!("there is no argument `{arg}`", arg),
        ErrorKind::NoEquals => tr!("`{arg}` needs `=` before its value", arg),
        ErrorKind::TooManyValues => {
            tr!("`{arg}` takes no further value, and `{value}` is one", arg, value)
        }
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            tr!("`{arg}` has the wrong number of values", arg)
        }
        ErrorKind::ArgumentConflict => {
            let prior = context(ContextKind::PriorArg);
            if prior.is_empty() || prior == arg {
                tr!("`{arg}` cannot be used more than once", arg)
            } else {
                tr!("`{arg}` cannot be used with `{prior}`", arg, prior)
            }
        }
        ErrorKind::MissingRequiredArgument => tr!("missing arguments: {arg}", arg),
        ErrorKind::MissingSubcommand => tr!("a command is missing").to_owned(),
        ErrorKind::InvalidUtf8 => tr!("the arguments are not valid UTF-8").to_owned(),
        _ => error.to_string(),
    };
    let valid = context(ContextKind::ValidValue);
    if !valid.is_empty() {
        text += &format!("\n  {}", tr!("possible values: {values}", values = valid));
    }
    for near in
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .map(context)
    {
        if !near.is_empty() {
            text += &format!("\n  {}", tr!("did you mean `{near}`?", near));
        }
    }
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(text)) => format!("\n{}{}\n", tr!("Usage: "), usage(text)),
        _ => String::new(),
    };
    format!("explore: {text}\n{usage}\n{}", tr!("Try --help for more."))
}

/// The values that an argument takes, if they are not a list of words.
fn expected(arg: &str) -> Option<&'static str> {
    match arg.trim_start_matches('-').split(' ').next()? {
        "width" => Some(tr!("a whole number from 20 to 1000")),
        "for" | "timeout" | "pace" => Some(args::a_time()),
        "retries" => Some(tr!("a whole number")),
        "buffer" => Some(tr!("a whole number from 1 to 16777216")),
        _ => None,
    }
}
