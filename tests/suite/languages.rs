//! Two languages: what the program itself says stands in both, and where Chinese is spoken no English sentence is left.

use socket_explorer::cli;
use socket_explorer::i18n::catalogue::parse;
use socket_explorer::i18n::{Language, speaking};
use unicode_width::UnicodeWidthStr;

use crate::support::{self, Ended, ended, file, folder, utf8};

fn explore(args: &[&str], environment: &[(&str, &str)]) -> Ended {
    ended(support::explore(args).envs(environment.iter().copied()))
}

fn in_chinese(args: &[&str]) -> Ended {
    explore(&[args, &["--lang", "zh"]].concat(), &[])
}

fn is_chinese(character: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&character)
}

/// The first line with four English words in a row, if there is one; `code` and command lines are no sentences.
fn english_sentence(text: &str) -> Option<&str> {
    text.lines().find(|line| {
        let mut in_a_row = 0;
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" ` ");
        let prose = prose
            .split("  ")
            .map(|part| if part.trim().starts_with("explore ") { "" } else { part })
            .collect::<Vec<_>>()
            .join("\n");
        prose.split([' ', '\n']).any(|word| {
            let word = word.trim_end_matches([',', ':', ';', '.']);
            let is_word = !word.is_empty()
                && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'\'');
            in_a_row = if is_word { in_a_row + 1 } else { 0 };
            in_a_row >= 4
        })
    })
}

#[test]
fn an_english_sentence_is_found_and_a_command_is_none() {
    assert!(english_sentence("好\nthis is a sentence").is_some());
    assert!(english_sentence("the lab, the: wire").is_some());
    for fine in [
        "用 `explore chat server and so on` 开始",
        "  explore run a b c d",
        "套接字 is a socket",
        "SO_RCVTIMEO 是 a 0 b 1 c d e",
    ] {
        assert_eq!(english_sentence(fine), None);
    }
}

#[test]
fn where_chinese_is_spoken_no_english_sentence_is_left() {
    let (out, _, _) = explore(&["--help"], &[]);
    let names = out
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<_> = names
        .filter(|line| !line.starts_with("    "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.contains(&"lesson") && names.contains(&"chat"), "{names:?}");
    let helps = names.iter().map(|name| vec![*name, "--help"]).chain([vec!["--help"], vec!["-h"]]);
    let mut all: Vec<Vec<&str>> = helps.collect();
    all.extend([vec!["doctor"], vec!["run", "--list"], vec!["progress"]]);
    // What comes from the lessons is as far as they are.
    if explore(&["list", "--lang", "en"], &[]) == in_chinese(&["list"]) {
        eprintln!("there are no lessons in Chinese: what shows their sentences was not looked at");
    } else {
        all.extend([
            vec![],
            vec!["list"],
            vec!["verify", "1"],
            vec!["run", "nobody-home", "--set", "silence=9s", "--set", "deadline=100ms"],
        ]);
    }
    for args in all {
        let (out, err, code) = in_chinese(&args);
        assert!(out.chars().any(is_chinese), "{args:?}: {out}{err}");
        assert_eq!(english_sentence(&out).or(english_sentence(&err)), None, "{args:?}");
        assert!(matches!(code, Some(0 | 3)), "{args:?}: {err}");
    }
}

#[test]
fn errors_are_in_chinese_and_keep_their_exit_codes() {
    let folder = folder();
    let file = |name: &str, text: &str| utf8(&file(&folder, name, text)).to_owned();
    let good = "# T\n> Q?\n\n```experiment address-port-protocol\nview: sockets\nsome-claim: Words.\n```\n";
    let bad = [
        file("name.md", &good.replace("address-port", "adress-port")),
        file("view.md", &good.replace("view: sockets", "view: socket")),
        file("claim.md", good),
        file("none.md", &good.replace("some-claim: Words.\n", "")),
        file("set.md", &good.replace("view: sockets", "set: a=1")),
        file("line.md", &good.replace("view: sockets", "gibberish")),
        file("twice.md", &good.replace("view: sockets", "some-claim: Other.")),
        file("title.md", "nothing"),
        file("question.md", "# T"),
        file("two.md", "# T\n> Q?\n\n```predict\nWhich?\n- [x] a\n- [x] b\n```\n"),
        file("open.md", "# T\n> Q?\n\n```predict\nWhich?\n- [ ] a\n- [x] b\n```\n"),
    ];
    let recordings = [
        file("foreign.jsonl", "{\"hello\":1}\n"),
        file("half.jsonl", "{\"format\""),
        file("empty.jsonl", ""),
        file("later.jsonl", "{\"format\":\"socket-explorer recording\",\"version\":99}\n"),
    ];
    let mut wrong: Vec<(Vec<&str>, i32)> = vec![
        (vec!["lesson", "famlies"], 2),
        (vec!["run", "two-proceses"], 2),
        (vec!["verify", "tcp"], 2),
        (vec!["run", "nobody-home", "--set", "silense=1s"], 2),
        (vec!["run", "nobody-home", "--set", "silence=5"], 2),
        (vec!["run", "nobody-home", "--set", "silence"], 2),
        (vec!["run", "lossy-wire", "--set", "loss=41%"], 2),
        (vec!["run", "lossy-wire", "--set", "messages=0"], 2),
        (vec!["lesson", "./nowhere.md"], 2),
        (vec!["lesson", "/"], 2),
        (vec!["replay", "/nowhere.jsonl"], 2),
        (vec!["run", "two-processes", "--record", "/nowhere/x.jsonl"], 3),
        (vec!["run", "two-processes", "--pcap", "-", "--record", "-"], 2),
        (vec!["run", "two-processes", "--pcap", "x", "--record", "x"], 2),
        (vec!["book"], 2),
        (vec!["help", "lissst"], 2),
        (vec!["lissst"], 2),
        (vec!["list", "--jsn"], 2),
        (vec!["list", "--width", "19"], 2),
        (vec!["list", "--width"], 2),
        (vec!["list", "--color", "yes"], 2),
        (vec!["chat", "--address", "nowhere"], 2),
        (vec!["chat", "--address", "::1:21567"], 2),
        (vec!["chat", "client", "--address", "127.0.0.1:0"], 2),
        (vec!["chat", "--timeout", "5"], 2),
        (vec!["chat", "--record", "-"], 2),
        (vec!["chat", "server", "--address", "unix:/nowhere/at/all"], 3),
        (vec!["chat", "client", "--address", "unix:/nowhere/at/all"], 3),
    ];
    wrong.extend(bad.iter().map(|path| (vec!["lesson", path], 2)));
    wrong.extend(recordings.iter().map(|path| (vec!["replay", path], 2)));
    for (args, expected) in wrong {
        let (_, err, code) = in_chinese(&args);
        assert!(err.chars().any(is_chinese), "{args:?}: {err}");
        assert_eq!(english_sentence(&err), None, "{args:?}: {err}");
        assert_eq!(code, Some(expected), "{args:?}: {err}");
    }
}

#[test]
fn the_language_is_asked_for_or_the_locales_or_english() {
    let chinese = |args: &[&str], environment: &[(&str, &str)]| {
        explore(args, environment).0.contains("能绑定 ::1")
    };
    let doctor = ["doctor"];
    assert!(!chinese(&doctor, &[]));
    assert!(chinese(&doctor, &[("LC_ALL", "zh_CN.UTF-8")]));
    assert!(chinese(&doctor, &[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")]));
    assert!(!chinese(&doctor, &[("LC_ALL", "en_US.UTF-8"), ("LANG", "zh_CN.UTF-8")]));
    assert!(!chinese(&["doctor", "--lang", "en"], &[("LC_ALL", "zh_CN.UTF-8")]));
    assert!(
        chinese(&["--lang", "zh", "doctor"], &[]),
        "Chinese goes out as it is, in a C locale too"
    );
    let (_, err, code) = explore(&["lissst"], &[("LC_ALL", "zh_CN.UTF-8")]);
    assert!(err.contains("没有命令 `lissst`"), "{err}");
    assert_eq!(code, Some(2));
}

#[test]
fn a_lesson_in_chinese_plays_in_a_c_locale_at_every_width() {
    for width in ["20", "40", "80"] {
        let (out, err, code) = in_chinese(&["lesson", "1", "--width", width]);
        assert_eq!((err.as_str(), code), ("", Some(0)));
        assert!(out.contains("条结论"), "{out}");
        let widest = |line: &&str| line.width();
        let line = out.lines().max_by_key(widest).unwrap_or_default();
        assert!(widest(&line) <= width.parse().expect("a number"), "at {width}: {line}");
    }
}

#[test]
fn what_is_wrong_is_told_with_the_word_that_is() {
    for (words, expected) in [
        (&["lessn", "1"][..], "没有命令 `lessn`；是不是要写 `explore lesson --lang zh`？"),
        (&["list", "--jso"], "没有参数 `--jso`\n  是不是要写 `--json`"),
        (&["book"], "缺少参数：--out <文件夹>"),
        (&["list", "--width", "19"], "参数 `--width <N>` 的值 `19` 无效：应为 20 到 1000"),
        (&["list", "--width"], "参数 `--width <N>` 缺少值"),
        (&["list", "--color", "yes"], "可选值：auto、always、never"),
        (&["list", "--json", "--json"], "参数 `--json` 不能重复使用"),
        (&["list", "more"], "没有参数 `more`"),
        (&["book"], "用法：explore book [选项] --out <文件夹>"),
    ] {
        let (_, err, _) = in_chinese(words);
        assert!(err.contains(expected), "{words:?}: {err}");
    }
}

#[test]
fn help_in_another_language_keeps_its_columns() {
    let chinese = Language::tagged("zh").expect("a catalogue");
    for columns in [40, 80] {
        let command = speaking(chinese, || cli::command(columns)).term_width(columns);
        let shown = command.get_subcommands().filter(|one| !one.is_hide_set());
        let names: Vec<_> = shown.map(|one| one.get_name().to_owned()).collect();
        for words in names.iter().map(|name| vec![name.as_str()]).chain([vec![]]) {
            let words = [vec!["explore"], words, vec!["--help"]].concat();
            let asked = command.clone().try_get_matches_from(&words);
            let help = asked.expect_err("help").to_string();
            let own = help.lines().filter(|line| !line.contains("explore"));
            let widest = own.max_by_key(|line| line.width()).unwrap_or_default();
            assert!(columns < 80 || widest.width() <= columns, "{words:?}: {widest}");
            assert!(
                help.contains("用法：") && help.contains("选项：") && !help.contains("Print"),
                "{help}"
            );
            assert!(!help.contains("[default") && !help.contains("possible values"), "{help}");
        }
    }
}

// ---- the catalogue ----

/// The sentences of the Chinese catalogue: English, Chinese.
fn pairs() -> Vec<(String, String)> {
    let text = include_str!("../../src/i18n/po/zh.po");
    let messages = parse(text)
        .into_iter()
        .filter(|message| !message.english.is_empty() && message.context.is_none());
    messages.map(|message| (message.english, message.text)).collect()
}

#[test]
fn no_english_is_left_in_the_chinese_of_a_sentence() {
    for (english, chinese) in pairs() {
        let says_something = english
            .split(|c: char| !c.is_ascii_lowercase())
            .any(|word| word.len() > 3 && !english.contains('{'));
        assert!(!says_something || chinese.chars().any(is_chinese), "{english} | {chinese}");
        assert_eq!(english_sentence(&chinese), None, "{english}");
    }
}

#[test]
fn chinese_has_chinese_punctuation() {
    for (_, chinese) in pairs() {
        // `Code` has its own.
        let characters: Vec<_> =
            chinese.split('`').step_by(2).collect::<Vec<_>>().join("`").chars().collect();
        for pair in characters.windows(2) {
            let half = is_chinese(pair[0]) && ",;:?!(".contains(pair[1]);
            assert!(!half, "‘{}{}’ in {chinese}", pair[0], pair[1]);
        }
    }
}

#[test]
fn a_command_in_a_hint_keeps_the_language_that_was_asked_for() {
    let commands = [
        &["lesson", "nosuch"][..],
        &["why", "zzzz"],
        &["exercise", "nosuch"],
        &["run", "nosuch"],
        &["glossary", "nosuch"],
        &["help", "nosuch"],
        &["nosuch"],
        &["lessn"],
    ];
    for args in commands {
        let (_, error, _) = in_chinese(args);
        let hints: Vec<&str> = error.split('`').filter(|it| it.starts_with("explore ")).collect();
        assert!(!hints.is_empty(), "{args:?}: {error}");
        assert!(hints.iter().all(|hint| hint.ends_with(" --lang zh")), "{args:?}: {error}");
        let (_, error, _) = explore(args, &[("LC_ALL", "zh_CN.UTF-8")]);
        assert!(error.contains("`explore ") && !error.contains("--lang"), "{args:?}: {error}");
    }
    let (list, _, _) = in_chinese(&["why", "ECONNREFUSED ECONNRESET"]);
    assert!(!list.contains("NUMBER"), "{list}");
}
