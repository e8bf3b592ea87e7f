//! The command line in Chinese: its help, word for word, and its errors.
//!
//! The English stands in `cli.rs` as doc comments. Whoever adds a command, an argument or a value there adds its Chinese to the
//! tables here; `every_word_of_the_command_line_has_its_chinese` says what is missing. Until then the English is shown.

use clap::builder::{Str, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use unicode_width::UnicodeWidthStr;

use crate::text::wrap;

/// A command: its name, `explore` for the program itself; what it does; what stands below its help, if anything does.
const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "explore",
        "一门网络套接字课程：每一句话，都由你机器上的内核当场证明。",
        "\
例子：
  explore                        你学到哪里了，接下来输入什么
  explore lesson 1               第一课
  explore lesson 3 -v            第三课，并显示每一次系统调用
  explore run nobody-home --set silence=1s
  explore verify                 在本机上检验全部论断

退出码：0 一切正常；1 有论断不成立；2 用法不对，或者读不懂输入；
3 本机做不到所要求的事；130 被中断。",
    ),
    ("list", "列出各课", ""),
    (
        "lesson",
        "学一课",
        "\
例子：
  explore lesson 1                第一课
  explore lesson next             还没学完的下一课
  explore lesson handshake -v     用短名指定，并显示每一次调用
  explore lesson 6 --auto         不提问
  explore lesson 6 --step --big   在课堂上：逐个调用，用投影仪；预测时输入
                                  举手人数（5 12 3，或 a5 b12 c3）
  explore lesson 6 --html 6.html  运行一遍，写成一个网页
  explore lesson ./mine.md        你自己写的课文",
    ),
    (
        "book",
        "把各课都写成网页，并附目录",
        "\
例子：
  explore book --out pages               写好后打开 pages/index.html
  explore book --out pages-zh --lang zh  中文版",
    ),
    (
        "run",
        "单独运行一个实验",
        "\
例子：
  explore run --list
  explore run nobody-home --set silence=1s
  explore run three-way-handshake -vvv --pcap handshake.pcapng",
    ),
    (
        "verify",
        "不讲课文，只检验每一条论断：成立、不成立，还是没有在本机上检验",
        "\
例子：
  explore verify                 整门课程，大约一分钟
  explore verify 6 chat          两课
  explore verify --json          给程序读",
    ),
    ("doctor", "说明本机能演示什么，不能的是为什么，怎样才能", ""),
    (
        "progress",
        "你学到哪里了：学完的课，预测对了多少、错了多少",
        "\
例子：
  explore progress                       一课一课地列出
  explore progress --json > li-lei.json  交给收作业的老师
  explore progress --reset               从头记起；以前的记录另存，不删除",
    ),
    (
        "glossary",
        "用两种语言解释一个术语，并指出哪一课演示它",
        "\
例子：
  explore glossary                课程的全部术语
  explore glossary datagram       一个术语
  explore glossary 三次握手        用中文查也行",
    ),
    (
        "completions",
        "把 shell 的补全脚本写到标准输出",
        "\
例子：
  explore completions bash > ~/.local/share/bash-completion/completions/explore
  explore completions zsh > ~/.zfunc/_explore
  explore completions fish > ~/.config/fish/completions/explore.fish",
    ),
    (
        "man",
        "把手册页写到标准输出，或者把全部手册页写到一个文件夹",
        "\
例子：
  explore man | man -l -
  explore man --out ~/.local/share/man/man1",
    ),
    (
        "chat",
        "聊天：先来的当服务器，后来的加入",
        "\
例子：
  explore chat                                在一个终端里输入，再在另一个终端里输入
  explore chat --address 0.0.0.0:21567        让别的机器加入
  explore chat --address 192.0.2.7:21567      从那台机器加入
  explore chat --style poll -v                显示每一次调用

在终端上：/quit 或 Ctrl-C 离开；Ctrl-D 表示你说完了，之后只听对方说。
不在终端上：逐行读，逐行写，直到文件结束。

退出码：0 聊天结束；1 连接断了；2 用法不对；3 没有遇到对方；130 被中断。",
    ),
    (
        "replay",
        "用课文里的那些视图播放录制的内容",
        "\
例子：
  explore run two-processes --record two.jsonl
  explore replay two.jsonl -v",
    ),
];

/// An argument, as `command argument`, or without the command wherever it stands.
const ARGUMENTS: &[(&str, &str)] = &[
    ("lang", "语言；不写时按系统的语言环境，再不然用英文"),
    ("color", "颜色"),
    ("ascii", "只用 ASCII 字符画图"),
    ("width", "按多少列来画（20 到 1000），不按终端的列数"),
    ("help", "显示帮助"),
    ("version", "显示版本"),
    ("verbose", "每次调用一行；-vv：还有内核的看法；-vvv：还有每一个帧，解码并附十六进制"),
    ("auto", "不提问，不等待（不在终端上时就是这样）"),
    ("record", "把事件写到文件，JSON Lines 格式；`-` 是标准输出（也写作 --json）"),
    ("pcap", "把帧写到文件，pcapng 格式，供 Wireshark、tshark 和 tcpdump 读；`-` 是标准输出"),
    ("html", "运行一遍，写成一个网页：课文、代码、调用记录、图和论断；`-` 是标准输出"),
    ("book out", "写到这个文件夹；没有就新建"),
    (
        "step",
        "单步：每次调用执行之前停下，显示它在源代码中的那一行；按回车才执行，并显示结果（b 回看，c 运行到底，q 退出）",
    ),
    ("pace", "自动单步：每次调用之前停这么久，例如 700ms"),
    ("big", "为投影仪显示：字少，间隔大，只用一半的列，字可以放大一倍"),
    ("list json", "用 JSON 输出：由 number、slug、title、experiments 组成的数组"),
    ("lesson which", "课的编号、短名（`families`）、`next`，或者课文文件（`./mine.md`）"),
    ("run experiment", "实验的名字；`--list` 列出全部"),
    ("run list", "列出全部实验，以及每个实验可以设置什么"),
    ("run set", "设置一个参数"),
    ("verify lessons", "只检验这些课：编号或短名"),
    ("verify json", "用一个 JSON 对象输出"),
    ("replay file", "用 `--record` 写成的文件；`-` 是标准输入"),
    ("progress json", "用一个 JSON 对象输出，交给收作业的老师"),
    ("progress reset", "从头记起；以前的记录另存"),
    ("glossary term", "术语，中英文都行；不写就列出全部"),
    ("completions shell", "哪一种 shell"),
    ("man out", "每个命令一页，写到这个文件夹"),
    ("chat side", "哪一端；不写时，地址上没有人监听就当服务器，有人监听就加入"),
    ("chat address", "在哪里：主机:端口、[::1]:端口、unix:/路径，在 Linux 上还有 unix:@名字"),
    ("chat style", "两个人怎样聊"),
    ("chat timeout", "一次连接最多用多久"),
    ("chat retries", "再连接多少次，每次停顿都更长"),
    ("chat peer_name", "对方叫什么"),
    ("chat buffer", "recv 的缓冲区大小；不写时是 1024，对端装满了就加大"),
    ("chat verbose", "每次调用一行，带线程的名字；写两次：还有内核的看法"),
    ("chat record", "把事件写到文件，JSON Lines 格式（也写作 --json）"),
];

/// A value that an argument takes, as `argument=value`.
const VALUES: &[(&str, &str)] = &[
    ("lang=en", "英文"),
    ("lang=zh", "中文"),
    ("color=auto", "在终端上"),
    ("color=always", "总是"),
    ("color=never", "从不"),
    ("side=server", "监听，接受一个连接"),
    ("side=client", "去连接"),
    ("style=turns", "每端一个线程，轮流说，客户端先说"),
    ("style=threads", "每端两个线程，一个发，一个收"),
    ("style=poll", "每端一个线程，同时等键盘和套接字"),
];

/// What stands for a value.
const PLACES: &[(&str, &str)] = &[
    ("N", "N"),
    ("N|SLUG|next|FILE", "编号|短名|next|文件"),
    ("EXPERIMENT", "实验"),
    ("NAME=VALUE", "名字=值"),
    ("FILE", "文件"),
    ("FILE.jsonl", "文件.jsonl"),
    ("FOLDER", "文件夹"),
    ("DIR", "文件夹"),
    ("LANG", "语言"),
    ("WHEN", "何时"),
    ("ADDRESS", "地址"),
    ("STYLE", "方式"),
    ("TIME", "时间"),
    ("NAME", "名字"),
    ("BYTES", "字节数"),
    ("SIDE", "一端"),
    ("TERM", "术语"),
    ("SHELL", "shell"),
];

/// Other names of an argument, which its own help tells of.
const ALIASES: &[(&str, &str)] = &[("json", "json")];

fn find(table: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == key).map(|(_, chinese)| *chinese)
}

fn argument(command: &str, id: &str) -> Option<&'static str> {
    find(ARGUMENTS, &format!("{command} {id}")).or_else(|| find(ARGUMENTS, id))
}

/// The same command line, its help in Chinese, in this many columns.
pub(super) fn translated(english: Command, columns: usize) -> Command {
    // Built, for only then a command knows what its usage is.
    let mut built = english.clone();
    built.build();
    // What every command takes is wrapped once, and stands in the help of each.
    let shown = || built.get_subcommands().filter(|one| !one.is_hide_set()).chain([&built]);
    let room = [false, true].map(|positional| {
        columns
            .saturating_sub(shown().map(|one| longest(one, positional)).max().unwrap_or(0) + 4)
            .max(16)
    });
    let command = english
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .arg(Arg::new("version").short('V').long("version").action(ArgAction::Version))
        .subcommand_value_name("命令");
    let mut names: Vec<String> =
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    names.retain(|name| !name.starts_with("__"));
    let indent = names.iter().map(|name| name.width()).max().unwrap_or(0) + 4;
    let command = command.mut_subcommands(|one| {
        let name = one.get_name().to_owned();
        let Some(like) = built.find_subcommand_mut(&name).filter(|_| names.contains(&name)) else {
            return one;
        };
        let translated = one_translated(one, like, room);
        let about = translated.get_about().map(ToString::to_string).unwrap_or_default();
        translated.about(wrap(&about, columns.saturating_sub(indent).max(8)).join("\n"))
    });
    one_translated(command, &mut built, room)
}

/// The columns that the longest of a command's arguments takes, as clap lays them out.
fn longest(built: &Command, positional: bool) -> usize {
    let own =
        built.get_arguments().filter(|arg| arg.is_positional() == positional && !arg.is_hide_set());
    own.map(|arg| with_places(arg.clone()).to_string().width() + if positional { 0 } else { 4 })
        .max()
        .unwrap_or(0)
}

fn one_translated(command: Command, built: &mut Command, room: [usize; 2]) -> Command {
    let name = command.get_name().to_owned();
    let usage = in_chinese_usage(&built.render_usage());
    let command = command
        .disable_help_flag(true)
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help))
        .mut_args(with_places);
    let command = command.mut_args(|arg| one_argument(&name, arg, room));
    let header = *command.get_styles().get_header();
    let heading = |text: &str| format!("{header}{text}：{header:#}");
    let mut template =
        format!("{{before-help}}{{about-with-newline}}\n{}{{usage}}", heading("用法"));
    if command.get_subcommands().any(|one| !one.is_hide_set()) {
        template += &format!("\n\n{}\n{{subcommands}}", heading("命令"));
    }
    if command.get_positionals().next().is_some() {
        template += &format!("\n\n{}\n{{positionals}}", heading("参数"));
    }
    template += &format!("\n\n{}\n{{options}}{{after-help}}", heading("选项"));
    let command = command.help_template(template).override_usage(usage);
    match COMMANDS.iter().find(|(known, ..)| *known == name) {
        Some((_, about, "")) => command.about(*about),
        Some((_, about, below)) => command.about(*about).after_help(*below),
        None => command,
    }
}

fn with_places(arg: Arg) -> Arg {
    let places = arg.get_value_names().unwrap_or_default();
    let places: Vec<Str> = places
        .iter()
        .map(|place| find(PLACES, place).map_or_else(|| place.clone(), Str::from))
        .collect();
    if places.is_empty() { arg } else { arg.value_names(places) }
}

/// An argument's help, its values and default told in Chinese behind it, as clap tells them only in English.
fn one_argument(command: &str, arg: Arg, room: [usize; 2]) -> Arg {
    let id = arg.get_id().as_str().to_owned();
    let Some(help) = argument(command, &id) else {
        return arg;
    };
    let mut more = Vec::new();
    if arg.get_action().takes_values() {
        let values = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
        let values: Vec<_> = values
            .map(|value| match find(VALUES, &format!("{id}={}", value.get_name())) {
                Some(means) => format!("{}（{means}）", value.get_name()),
                None => value.get_name().to_owned(),
            })
            .collect();
        if !values.is_empty() {
            more.push(format!("可选值：{}", values.join("、")));
        }
        let default: Vec<_> =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !default.is_empty() {
            more.push(format!("默认：{}", default.join(" ")));
        }
    }
    let whole =
        if more.is_empty() { help.to_owned() } else { format!("{help}［{}］", more.join("；")) };
    let room = room[usize::from(arg.is_positional())];
    // An alias stays, but is told of in our words.
    let aliases: Vec<_> = arg
        .get_visible_aliases()
        .unwrap_or_default()
        .into_iter()
        .map(|alias| find(ALIASES, alias))
        .collect();
    let arg = match aliases.into_iter().collect::<Option<Vec<_>>>() {
        Some(aliases) if !aliases.is_empty() => {
            aliases.into_iter().fold(arg.visible_alias(None), Arg::alias)
        }
        _ => arg,
    };
    let takes_values = arg.get_action().takes_values();
    arg.help(wrap(&whole, room).join("\n"))
        .long_help(None)
        .hide_possible_values(takes_values)
        .hide_default_value(takes_values)
}

/// `Usage: explore run [OPTIONS] <EXPERIMENT>`, without its first word.
fn in_chinese_usage(usage: &StyledStr) -> String {
    let usage = usage.to_string();
    let usage = usage
        .trim()
        .trim_start_matches("Usage:")
        .trim()
        .replace("[OPTIONS]", "[选项]")
        .replace("[COMMAND]", "[命令]");
    // The longest first: one may stand in another.
    let mut places: Vec<_> = PLACES.iter().collect();
    places.sort_by_key(|(english, _)| std::cmp::Reverse(english.len()));
    let in_brackets = |usage: String, (english, chinese): &&(&str, &str)| {
        usage
            .replace(&format!("<{english}>"), &format!("<{chinese}>"))
            .replace(&format!("[{english}]"), &format!("[{chinese}]"))
    };
    places.iter().fold(usage, in_brackets)
}

/// What is wrong with a command line, and what would be right.
pub(super) fn error(error: &clap::Error) -> String {
    let said = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(match kind {
            ContextKind::ValidValue | ContextKind::InvalidArg => "、",
            _ => "” 或者 “",
        }),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(texts)) => {
            texts.iter().map(ToString::to_string).collect::<Vec<_>>().join("；")
        }
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (arg, value) = (said(ContextKind::InvalidArg), said(ContextKind::InvalidValue));
    let mut text = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("“{arg}” 后面缺少值"),
        ErrorKind::InvalidValue => format!("“{arg}” 不能是 “{value}”"),
        ErrorKind::ValueValidation => format!("“{arg}” 不能是 “{value}”{}", expected(&arg)),
        ErrorKind::UnknownArgument => format!("没有 “{arg}” 这个参数"),
        ErrorKind::InvalidSubcommand => {
            format!("没有 “{}” 这个命令", said(ContextKind::InvalidSubcommand))
        }
        ErrorKind::NoEquals => format!("“{arg}” 要写成 “参数=值”"),
        ErrorKind::TooManyValues => format!("“{arg}” 的值太多了，用不上 “{value}”"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("“{arg}” 的值的个数不对")
        }
        ErrorKind::ArgumentConflict => {
            let prior = said(ContextKind::PriorArg);
            if prior.is_empty() || prior == arg {
                format!("“{arg}” 只能写一次")
            } else {
                format!("“{arg}” 不能和 “{prior}” 一起用")
            }
        }
        ErrorKind::MissingRequiredArgument => format!("缺少参数：{arg}"),
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::InvalidUtf8 => "参数里有不是 UTF-8 的字节".to_owned(),
        _ => error.to_string(),
    };
    let valid = said(ContextKind::ValidValue);
    if !valid.is_empty() {
        text += &format!("\n  可选值：{valid}");
    }
    for near in
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
            .map(said)
    {
        if !near.is_empty() {
            text += &format!("\n  你要写的是不是 “{near}”？");
        }
    }
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => format!("\n用法：{}\n", in_chinese_usage(usage)),
        _ => String::new(),
    };
    format!("explore: {text}\n{usage}\n加上 --help 看帮助。")
}

/// What an argument takes, where that is more than a list of words.
fn expected(arg: &str) -> &'static str {
    match arg.trim_start_matches('-').split(' ').next().unwrap_or_default() {
        "width" => "：它的取值是从 20 到 1000 的整数",
        "timeout" | "pace" => "：它的取值是带单位的时间，例如 700ms 或 5s",
        "retries" => "：它的取值是整数",
        "buffer" => "：它的取值是从 1 到 16777216 的整数",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    fn shown(command: &Command) -> impl Iterator<Item = &Command> {
        command.get_subcommands().filter(|one| !one.is_hide_set()).chain([command])
    }

    #[test]
    fn every_word_of_the_command_line_has_its_chinese() {
        let mut missing = Vec::new();
        let english = Cli::command();
        for command in shown(&english) {
            let name = command.get_name();
            let row = COMMANDS.iter().find(|(known, ..)| *known == name);
            let below = row.map_or("", |(.., below)| *below);
            if row.is_none() {
                missing.push(format!("COMMANDS: {name}"));
            }
            for line in
                command.get_after_help().map(ToString::to_string).unwrap_or_default().lines()
            {
                let example = line.trim().split("  ").next().unwrap_or_default();
                if example.starts_with("explore") && !below.contains(example) {
                    missing.push(format!("COMMANDS: {name}: below its help: {example}"));
                }
            }
            if command.get_after_help().is_some() && below.is_empty() {
                missing.push(format!("COMMANDS: {name}: below its help"));
            }
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let id = arg.get_id().as_str();
                if argument(name, id).is_none() {
                    missing.push(format!("ARGUMENTS: {name} {id}"));
                }
                if !arg.get_action().takes_values() {
                    continue;
                }
                let places = arg
                    .get_value_names()
                    .unwrap_or_default()
                    .iter()
                    .filter(|place| find(PLACES, place).is_none());
                missing.extend(places.map(|place| format!("PLACES: {place}")));
                let values = arg
                    .get_possible_values()
                    .into_iter()
                    .filter(|value| value.get_help().is_some());
                let keys = values
                    .map(|value| format!("{id}={}", value.get_name()))
                    .filter(|key| find(VALUES, key).is_none());
                missing.extend(keys.map(|key| format!("VALUES: {key}")));
            }
        }
        assert!(
            missing.is_empty(),
            "give these their Chinese in src/cli/chinese.rs:\n{}",
            missing.join("\n")
        );
    }

    #[test]
    fn help_in_chinese_keeps_its_columns() {
        for columns in [40, 80] {
            let command = translated(Cli::command(), columns).term_width(columns);
            for name in shown(&Cli::command()).map(|one| one.get_name().to_owned()) {
                let mut words = vec!["explore"];
                words.extend((name != "explore").then_some(name.as_str()));
                words.push("--help");
                let help =
                    command.clone().try_get_matches_from(words).expect_err("help").to_string();
                let own = help.lines().filter(|line| !line.contains("explore"));
                let widest = own.max_by_key(|line| line.width()).unwrap_or_default();
                assert!(columns < 80 || widest.width() <= columns, "{name}: {widest}");
                assert!(
                    help.contains("用法：") && help.contains("选项：") && !help.contains("Print"),
                    "{help}"
                );
                assert!(!help.contains("[default") && !help.contains("possible values"), "{help}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_word_that_is() {
        let command = translated(Cli::command(), 80);
        for (words, expected) in [
            (&["explore", "lessn", "1"][..], "没有 “lessn” 这个命令\n  你要写的是不是 “lesson”"),
            (&["explore", "list", "--jso"], "没有 “--jso” 这个参数\n  你要写的是不是 “--json”"),
            (&["explore", "lesson"], "缺少参数：<编号|短名|next|文件>"),
            (
                &["explore", "list", "--width", "19"],
                "“--width <N>” 不能是 “19”：它的取值是从 20 到 1000",
            ),
            (&["explore", "list", "--width"], "“--width <N>” 后面缺少值"),
            (&["explore", "list", "--color", "yes"], "可选值：auto、always、never"),
            (&["explore", "list", "--json", "--json"], "“--json” 只能写一次"),
            (&["explore", "list", "more"], "没有 “more” 这个参数"),
        ] {
            let told =
                error(&command.clone().try_get_matches_from(words).expect_err("it is wrong"));
            assert!(told.contains(expected), "{words:?}: {told}");
        }
    }
}
