//! What the program itself says to a learner, in one place, so that it can be said in another language.
//!
//! Sentences about sockets are not here: they stand in `lessons/`.

use std::fmt::Display;
use std::io;
use std::ops::AddAssign;
use std::path::Path;
use std::process::ExitStatus;

use crate::i18n::{self, Language, either, error_text, said};
use crate::lesson::Entry;
use crate::lexicon::shown;
use crate::picture::span_of;
use crate::trace::{Blocked, Verdict};

/// How many claims came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The kernel bore them out.
    pub held: usize,
    /// The kernel did otherwise.
    pub broken: usize,
    /// They could not be checked here.
    pub not_checked: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Held => &mut self.held,
            Verdict::Broken => &mut self.broken,
            Verdict::NotChecked => &mut self.not_checked,
        } += 1;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.held += other.held;
        self.broken += other.broken;
        self.not_checked += other.not_checked;
    }
}

/// What `explore` alone says first.
#[must_use]
pub fn tagline() -> &'static str {
    either(
        "A course on network sockets in which your own kernel proves every sentence.",
        "一门网络套接字课程：每一句话，都由你机器上的内核当场证明。",
    )
}
/// Asks for a prediction.
#[must_use]
pub fn predict() -> &'static str {
    either("What do you predict?", "你的预测是什么？")
}
/// Before the prompt for a letter.
#[must_use]
pub fn type_a_letter() -> &'static str {
    either("your letter (Enter skips, q leaves): ", "输入字母（回车跳过，q 退出）：")
}
/// The same, before a class.
#[must_use]
pub fn type_a_letter_or_hands() -> &'static str {
    either("letter, or hands 5 12 3 (q leaves): ", "字母，或举手人数 5 12 3（q 退出）：")
}
/// The answer was none of the options.
#[must_use]
pub fn no_such_option() -> &'static str {
    either("That is none of the letters above.", "上面没有这个字母。")
}
/// Goes on to the run.
#[must_use]
pub fn enter_runs() -> &'static str {
    either("Enter runs it on this machine (q leaves) ", "按回车，在本机上运行（q 退出） ")
}
/// Goes on with the lesson.
#[must_use]
pub fn enter_goes_on() -> &'static str {
    either("Enter goes on (q leaves) ", "按回车继续（q 退出） ")
}
/// The screen is full.
#[must_use]
pub fn enter_shows_more() -> &'static str {
    either("Enter shows more ", "按回车往下看 ")
}
/// What was just checked.
#[must_use]
pub fn checked() -> &'static str {
    either("Checked on this machine, just now", "刚刚在本机上检验的论断")
}
/// What a recording says.
#[must_use]
pub fn recorded() -> &'static str {
    either("What the recording holds (not checked here)", "录制里的论断（没有在本机上检验）")
}
/// The lesson was left.
#[must_use]
pub fn left() -> &'static str {
    either(
        "Left. The same command begins this lesson again.",
        "已退出。再输入一次同样的命令，就从头学这一课。",
    )
}

/// The lesson was left, and where is noted.
#[must_use]
pub fn left_noted() -> &'static str {
    either(
        "Left. The same command goes on from here.",
        "已退出。再输入同样的命令，就从这里接着学。",
    )
}

/// The lesson was left after this experiment.
#[must_use]
pub fn go_on_after(experiment: &str) -> String {
    said!("You left this lesson after {experiment}.", "上次学到 {experiment}。")
}

/// Asks where to begin a lesson that was left.
#[must_use]
pub fn enter_goes_on_there() -> &'static str {
    either(
        "Enter goes on there (b begins again, q leaves) ",
        "按回车从那里继续（b 从头开始，q 退出） ",
    )
}

/// How the predictions went.
#[must_use]
pub fn predictions_right(right: usize, asked: usize) -> String {
    said!(
        "Predictions: {right} of {asked} right, each at the first try.",
        "预测：{asked} 次中对了 {right} 次（每题只算第一次）。"
    )
}

/// Who is speaking: the lesson's number and title.
#[must_use]
pub fn lesson_title(number: Option<u32>, title: &str) -> String {
    number.map_or_else(
        || title.to_owned(),
        |number| said!("Lesson {number} · {title}", "第 {number} 课 · {title}"),
    )
}

/// Where the code shown stands.
#[must_use]
pub fn code_at(path: &str, line: u32) -> String {
    said!("The code that runs ({path}, line {line})", "要运行的代码（{path}，第 {line} 行起）")
}

/// The prediction beside what happened.
#[must_use]
pub fn compared(predicted: Option<&str>, right: &str, as_predicted: bool) -> String {
    match predicted {
        Some(_) if as_predicted => said!("You predicted it: {right}", "预测对了：{right}"),
        Some(said) => {
            said!("You predicted: {said}. It was: {right}", "你的预测：{said}。结果是：{right}")
        }
        None => said!("The answer: {right}", "答案：{right}"),
    }
}

/// A claim's standing, in one word or two.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => either("held", "成立"),
        Verdict::Broken => either("BROKEN", "不成立"),
        Verdict::NotChecked => either("not checked here", "没有在本机上检验"),
    }
}

/// What came of a claim when it was recorded.
#[must_use]
pub fn when_recorded(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => either("held when it was recorded", "录制时成立"),
        Verdict::Broken => either("broken when it was recorded", "录制时不成立"),
        Verdict::NotChecked => either("nor when it was recorded", "录制时也没有检验"),
    }
}

/// A recording ends before the claim.
#[must_use]
pub fn beyond_the_recording() -> &'static str {
    either("the recording ends before it", "录制在此之前就结束了")
}
/// A run was interrupted before the claim.
#[must_use]
pub fn interrupted() -> &'static str {
    either("the run was interrupted", "运行中断了")
}
/// The deadline that was set struck before the claim.
#[must_use]
pub fn your_deadline() -> &'static str {
    either("the deadline that you set struck first", "你设的时限先到了")
}
/// What ended a run that was asked for alone.
#[must_use]
pub fn deadline_struck() -> &'static str {
    either(
        "the deadline struck before its end: --set deadline=… gives it longer",
        "没等运行结束，时限就到了：用 --set deadline=… 可以放宽",
    )
}
/// The usual deadline struck before the claim.
#[must_use]
pub fn the_deadline() -> &'static str {
    either("the deadline struck first", "时限先到了")
}
/// A claim that the lesson has and the experiment forgot.
#[must_use]
pub fn never_checked() -> &'static str {
    either("the experiment never checked it", "实验没有检验它")
}

/// How a process ended.
#[must_use]
pub fn ended(status: io::Result<ExitStatus>) -> String {
    let status = match status {
        Ok(status) => status,
        Err(error) => return error_text(&error),
    };
    match status.code() {
        Some(code) => match i18n::spoken() {
            Language::English => status.to_string(),
            Language::Chinese => format!("退出码 {code}"),
        },
        // On Unix: `signal: 9 (SIGKILL)`.
        None => said!("{status}", "被信号终止，{status}"),
    }
}

/// An experiment's process is gone before its end.
#[must_use]
pub fn without_a_word(aftermath: &str) -> String {
    said!(
        "the experiment's process ended without a word ({aftermath})",
        "实验进程没有交代结果就结束了（{aftermath}）"
    )
}

/// A comparison that did not come out.
#[must_use]
pub fn expected(what: &str, saw: &str, relation: &str, with: &str) -> String {
    said!("{what}: {saw} (expected {relation} {with})", "{what}：{saw}（应当 {relation} {with}）")
}

/// More evidence than is shown.
#[must_use]
pub fn more_evidence(more: usize) -> String {
    said!("{more} more (-v shows all)", "还有 {more} 条（加 -v 全部显示）")
}

/// The last line of a lesson, of `verify`.
#[must_use]
pub fn counts(counts: Counts) -> String {
    let Counts { held, broken, not_checked } = counts;
    let all = held + broken + not_checked;
    let mut text = said!("{all} claims: {held} held", "{all} 条论断：{held} 条成立");
    if broken > 0 {
        text += &said!(", {broken} BROKEN", "，{broken} 条不成立");
    }
    if not_checked > 0 {
        text += &said!(", {not_checked} not checked here", "，{not_checked} 条没有在本机上检验");
    }
    text
}

/// What a broken claim means.
#[must_use]
pub fn kernel_is_right() -> &'static str {
    either(
        "This kernel did otherwise than the lesson says. The kernel is right: believe what you saw, and tell the authors.",
        "这个内核的表现和课文说的不一样。对的是内核：相信你亲眼看到的，并请告诉作者。",
    )
}

/// Where a recording was made.
#[must_use]
pub fn recorded_on(kernel: &str, date: &str) -> String {
    said!(
        "Recorded on {kernel}, {date}. Nothing of this happened just now.",
        "这是录制的内容（{kernel}，{date}），都不是刚刚发生的。"
    )
}

/// What a command is called here: as it was started, by `cargo run` or by its name.
fn command(words: &str) -> String {
    if std::env::var_os("CARGO").is_some() {
        format!("cargo run -- {words}")
    } else {
        format!("explore {words}")
    }
}

/// What to type next.
#[must_use]
pub fn type_next(lesson: &Entry) -> String {
    said!("Next: {command}", "下一课：{command}", command = lesson_command(lesson))
}

/// How to begin.
#[must_use]
pub fn begin(lesson: &Entry) -> String {
    said!("Begin with: {command}", "从这里开始：{command}", command = lesson_command(lesson))
}

/// How to go on after some lessons.
#[must_use]
pub fn go_on_with(lesson: &Entry) -> String {
    said!(
        "Go on with: {command} ({title})",
        "接着学：{command}（{title}）",
        command = lesson_command(lesson),
        title = lesson.title
    )
}

fn lesson_command(lesson: &Entry) -> String {
    command(&format!("lesson {}", lesson.number))
}

/// Every lesson is finished.
#[must_use]
pub fn all_done() -> &'static str {
    either(
        "You have finished every lesson there is. Any of them can be played again.",
        "所有的课都学完了。哪一课都可以再来一遍。",
    )
}

/// What every experiment takes besides.
#[must_use]
pub fn each_also_takes(name: &str, default: &str, help: &str) -> String {
    said!(
        "Each also takes --set {name}={default}: {help}.",
        "每个实验都还可以用 --set {name}={default}：{help}。"
    )
}

/// The course is done.
#[must_use]
pub fn the_end() -> String {
    said!(
        "That was the last lesson. Now talk: type {chat} here, and the other person types it in a second terminal. /quit ends it.",
        "这是最后一课。现在聊起来吧：在这里输入 {chat}，请对方在另一个终端里也输入它。输入 /quit 结束。",
        chat = command("chat")
    )
}
/// Offers the chat.
#[must_use]
pub fn enter_starts_the_chat() -> &'static str {
    either("Enter starts it here and now (q leaves) ", "按回车，现在就在这里开始（q 退出） ")
}

/// The deadline struck: who was blocked in which call, since when, at which line.
#[must_use]
pub fn deadline(limit_ns: u64, blocked: &[Blocked]) -> Vec<String> {
    let limit = span_of(limit_ns);
    let mut lines = vec![said!(
        "The deadline of {limit} struck, and the lab ended the experiment.",
        "{limit} 的时限到了，实验台结束了实验。"
    )];
    if blocked.is_empty() {
        lines.push(
            either(
                "Nobody was blocked in a call: an actor was busy elsewhere.",
                "没有谁阻塞在调用里：有一方在忙别的。",
            )
            .to_owned(),
        );
    }
    lines.extend(blocked.iter().map(|one| {
        let at = one
            .call
            .site
            .as_ref()
            .map_or_else(String::new, |source| said!(", at {source}", "（{source}）"));
        let (actor, function, span) = (shown(&one.actor), one.call.function(), span_of(one.for_ns));
        said!(
            "{actor} had been blocked in {function}() for {span}{at}.",
            "{actor} 阻塞在 {function}() 里，已经 {span}{at}。"
        )
    }));
    lines
}

// ---- files ----

/// A file is to be written where there is no folder.
#[must_use]
pub fn no_folder(folder: &Path) -> String {
    said!(
        "there is no folder {folder}: make it first, or name a file elsewhere",
        "没有文件夹 {folder}：先建好它，或者换一个位置",
        folder = folder.display()
    )
}

/// A folder cannot be made.
#[must_use]
pub fn no_new_folder(folder: &Path, error: &io::Error) -> String {
    let (folder, error) = (folder.display(), error_text(error));
    said!(
        "the folder {folder} cannot be made: {error}: name another",
        "建不了文件夹 {folder}：{error}：请换一个"
    )
}

/// A file is to be written where there is a folder.
#[must_use]
pub fn is_a_folder(path: &Path) -> String {
    said!(
        "{path} is a folder: name a file in it",
        "{path} 是文件夹：请写出其中的文件名",
        path = path.display()
    )
}

/// A page and the events or the frames are to go to one place.
#[must_use]
pub fn page_elsewhere() -> &'static str {
    either(
        "--html, --record and --pcap cannot go to one place: name a file for each but one",
        "--html、--record 和 --pcap 不能写到同一个地方：除其中一个外，请分别写出文件名",
    )
}

// ---- how far a learner has come ----

/// A lesson was played to its end.
#[must_use]
pub fn finished() -> &'static str {
    either("finished", "已学完")
}

/// A lesson was left.
#[must_use]
pub fn left_after(experiment: &str) -> String {
    said!("left after {experiment}", "学到 {experiment}")
}

/// A lesson's predictions: right ones, those that were made, all.
#[must_use]
pub fn right_of(right: usize, answered: usize, all: usize) -> String {
    said!(
        "{right} of {answered} predictions right, of {all}",
        "预测 {answered}/{all} 次，对 {right} 次"
    )
}

/// How many lessons are finished.
#[must_use]
pub fn lessons_finished(finished: usize, all: usize) -> String {
    said!(
        "{finished} of {all} lessons finished. A prediction counts as it was first made.",
        "{all} 课中已学完 {finished} 课。每题预测只算第一次。"
    )
}

/// Where it is kept.
#[must_use]
pub fn kept_in(path: &Path) -> String {
    said!(
        "Kept in {path} (--reset begins anew)",
        "保存在 {path}（--reset 重新开始）",
        path = path.display()
    )
}

/// What was noted is forgotten, or there was nothing.
#[must_use]
pub fn begun_anew(aside: Option<&Path>) -> String {
    match aside.map(Path::display) {
        Some(aside) => said!(
            "Your progress begins anew. What there was is now {aside}.",
            "进度重新开始。原来的记录已改名为 {aside}。"
        ),
        None => either("Nothing had been noted yet.", "还没有任何记录。").to_owned(),
    }
}

// ---- glossary ----

/// No term is called so.
#[must_use]
pub fn no_such_term(asked: &str, near: &str) -> String {
    said!(
        "there is no term `{asked}` in the glossary{near} (`explore glossary` shows all)",
        "术语表里没有 `{asked}`{near}（`explore glossary` 列出全部）"
    )
}

/// The lesson that shows a term.
#[must_use]
pub fn shown_in(lesson: &Entry) -> String {
    let (number, title) = (lesson.number, lesson.title);
    said!("lesson {number}, {title}", "第 {number} 课：{title}")
}

// ---- doctor ----

/// What is tried: a network namespace, and as a user a user namespace around it.
#[must_use]
pub fn private_network() -> &'static str {
    either(
        "a private network (user and network namespaces)",
        "独立的网络（用户命名空间和网络命名空间）",
    )
}
/// What it serves for.
#[must_use]
pub fn private_network_serves() -> &'static str {
    either(
        "yes: experiments can count every frame, for nobody else sends there",
        "可用：没有别人在里面发送，实验能数清每一个帧",
    )
}
/// What is tried: a TAP device.
#[must_use]
pub fn device() -> &'static str {
    either("the wire (/dev/net/tun)", "实验台的线路（/dev/net/tun）")
}
/// What it serves for.
#[must_use]
pub fn device_serves() -> &'static str {
    either(
        "yes: experiments see every frame, and can drop, delay or cut",
        "可用：实验能看到每一个帧，还能丢帧、延迟、断线",
    )
}
/// What is tried: an IPv6 socket on ::1.
#[must_use]
pub fn ipv6() -> &'static str {
    either("IPv6", "IPv6")
}
/// What it serves for.
#[must_use]
pub fn ipv6_serves() -> &'static str {
    either("yes: ::1 can be bound", "可用：能绑定 ::1")
}
/// What is tried: /proc/PID/task.
#[must_use]
pub fn threads() -> &'static str {
    either("thread states (/proc)", "线程状态（/proc）")
}
/// What they serve for.
#[must_use]
pub fn threads_serves() -> &'static str {
    either(
        "yes: the kernel says who sleeps, and in what",
        "可用：内核会告诉我们谁在睡眠、睡在哪个调用里",
    )
}
/// What is looked at.
#[must_use]
pub fn terminal() -> &'static str {
    either("the terminal", "终端")
}

/// What the terminal is like.
#[must_use]
pub fn terminal_is(width: usize, height: Option<usize>, colours: bool) -> String {
    let size = match height {
        Some(height) => said!("{width} columns, {height} rows", "{width} 列，{height} 行"),
        None => said!("{width} columns", "{width} 列"),
    };
    let advice = if width < 80 {
        either("; 80 columns show the pictures best", "；有 80 列时图最清楚")
    } else {
        ""
    };
    let colours =
        if colours { either("colours", "彩色") } else { either("no colours", "无彩色") };
    said!("{size}, {colours}{advice}", "{size}，{colours}{advice}")
}

/// How much of the course can be live here.
#[must_use]
pub fn experiments_here(live: usize, all: usize) -> String {
    if live == all {
        said!(
            "All {all} experiments run live on this machine.",
            "全部 {all} 个实验都能在本机上实际运行。"
        )
    } else {
        said!(
            "{live} of {all} experiments run live on this machine; the others play recordings, marked as such.",
            "{all} 个实验中，{live} 个能在本机上实际运行；其余的播放录制的内容，并且会注明。"
        )
    }
}

// ---- where the wire cannot be had ----

/// Why a recording is played, and whose it is.
#[must_use]
pub fn played_instead(why: &str, kernel: &str, date: &str) -> String {
    said!(
        "This did not run here: {why}. What follows was recorded on {kernel}, {date}: none of it happened just now.",
        "这个实验没有在本机上运行：{why}。下面是录制的内容（{kernel}，{date}），都不是刚刚发生的。"
    )
}

/// After a run that could not be: exit code 3.
#[must_use]
pub fn a_recording_was_shown() -> &'static str {
    either(
        "this machine cannot run it: a recording was shown instead (`explore doctor` says what would help)",
        "本机运行不了它，已改为播放录制的内容（`explore doctor` 会告诉你怎么办）",
    )
}

/// What was set, where a recording was made with something else.
#[must_use]
pub fn recorded_with(parameters: &str) -> String {
    said!(
        "What you set has no effect on a recording: it was made with {parameters}.",
        "你的设置对录制的内容不起作用：录制时用的是 {parameters}。"
    )
}

/// A run without frames, where they were to be written.
#[must_use]
pub fn no_frames(experiment: &str) -> String {
    said!(
        "{experiment}: no frame went over a wire of ours, so none was written",
        "{experiment}：没有帧经过我们的线路，所以什么也没有写"
    )
}

/// A reason that has just been told.
#[must_use]
pub fn as_above() -> &'static str {
    either("as above", "同上")
}

/// What a shipped recording's claims are here.
#[must_use]
pub fn not_checked_here() -> &'static str {
    either("Held when it was recorded; not checked here", "录制时成立；没有在本机上检验")
}

// ---- what is asked for, and is not there ----

/// A name that is near a wrong one, behind what is said of the wrong one.
/// Two sentences in one: a name, and what is said of it.
#[must_use]
pub fn said_of(name: impl Display, what: impl Display) -> String {
    said!("{name}: {what}", "{name}：{what}")
}

/// No lesson has that name.
#[must_use]
pub fn no_lesson(name: &str, near: &str) -> String {
    said!(
        "there is no lesson `{name}`{near} (`explore list` shows all; a file of your own is ./NAME.md)",
        "没有 `{name}` 这一课{near}（`explore list` 列出全部课程；你自己的课文写作 ./文件名.md）"
    )
}

/// A file is not for us to write.
#[must_use]
pub fn unwritable(path: impl Display, error: &io::Error) -> String {
    let error = error_text(error);
    said!(
        "{path} cannot be written: {error}: name a file in a folder that you may write to",
        "{path} 写不了：{error}：请换一个你有写权限的文件夹"
    )
}

/// A recording cannot be opened.
#[must_use]
pub fn no_recording(path: impl Display, error: &io::Error) -> String {
    let error = error_text(error);
    said!(
        "{path}: {error}: name a file that `--record` wrote",
        "{path}：{error}：请给出用 `--record` 写成的文件"
    )
}

/// A damaged recording has been shown as far as it goes.
#[must_use]
pub fn shown_so_far() -> &'static str {
    either("; what stands before it has been shown", "；它之前的内容已经显示")
}

/// The events and the frames were both to go to standard output.
#[must_use]
pub fn one_standard_output() -> &'static str {
    either(
        "--record and --pcap cannot both go to standard output: name a file for one",
        "--record 和 --pcap 不能都写到标准输出：请给其中一个指定文件",
    )
}

/// The events and the frames were both to go to one file.
#[must_use]
pub fn one_file() -> &'static str {
    either(
        "--record and --pcap cannot both go to one file: name two",
        "--record 和 --pcap 不能写到同一个文件：请指定两个文件",
    )
}

/// An experiment's process cannot be started.
#[must_use]
pub fn not_started(experiment: &str, error: &io::Error, remedy: &str) -> String {
    let error = error_text(error);
    said!(
        "{experiment}: its process cannot be started: {error}; {remedy}",
        "{experiment}：它的进程启动不了：{error}；{remedy}"
    )
}

/// What doctor asks of a process of its own cannot be asked.
#[must_use]
pub fn no_probe(error: &io::Error) -> String {
    let error = error_text(error);
    said!("doctor: its probe cannot be started: {error}", "doctor：探测进程启动不了：{error}")
}

/// What doctor asked has no answer.
#[must_use]
pub fn no_answer(error: impl Display, status: impl Display) -> String {
    said!(
        "doctor: its probe did not answer: {error} ({status})",
        "doctor：探测进程没有回答：{error}（{status}）"
    )
}

/// The terminal cannot be read or written.
#[must_use]
pub fn terminal_failed(error: &io::Error) -> String {
    let error = error_text(error);
    said!("the terminal: {error}", "终端：{error}")
}

/// What can be set in an experiment.
#[must_use]
pub fn knob(name: &str, default: &str, help: &str, takes: &str) -> String {
    said!("{name}={default}: {help} ({takes})", "{name}={default}：{help}（{takes}）")
}

// ---- in class ----

/// Above a run that is stepped.
#[must_use]
pub fn step_title(experiment: &str, step: usize, back: bool) -> String {
    if back {
        said!(
            "{experiment} · step {step} again (Enter goes forward)",
            "{experiment} · 回看第 {step} 步（按回车往前）"
        )
    } else {
        said!("{experiment} · step {step}", "{experiment} · 第 {step} 步")
    }
}

/// Above a stepped run that is over.
#[must_use]
pub fn step_over(experiment: &str) -> String {
    said!("{experiment} · the run is over", "{experiment} · 运行结束")
}

/// Which keys there are.
#[must_use]
pub fn step_keys() -> &'static str {
    either(
        "Enter makes this call · b back · c to the end · q leaves",
        "回车：执行这个调用 · b：回看 · c：运行到底 · q：退出",
    )
}

/// The same, where there is little room.
#[must_use]
pub fn step_keys_short() -> &'static str {
    either("Enter · b back · c end · q leaves", "回车 · b 回看 · c 到底 · q 退出")
}

/// Which keys there are while the run goes by itself.
#[must_use]
pub fn pace_keys() -> &'static str {
    either(
        "Enter goes on at once · b back · c to the end · q leaves",
        "回车：立即继续 · b：回看 · c：运行到底 · q：退出",
    )
}

/// Nothing is held any more, and somebody waits for the end.
#[must_use]
pub fn step_runs_on() -> &'static str {
    either("It runs to its end · q leaves", "正在运行到底 · q：退出")
}

/// A stepped run is over.
#[must_use]
pub fn step_enter_ends() -> &'static str {
    either("Enter shows what came of it · q leaves", "按回车看结果 · q：退出")
}

/// Nobody is there to press Enter.
#[must_use]
pub fn step_needs_a_terminal() -> &'static str {
    either(
        "--step waits for keys, and there is no terminal to press them at: --pace 700ms steps by itself",
        "--step 要等按键，而这里没有终端可按：用 --pace 700ms 可以自动逐步执行",
    )
}

/// What a stepped run's times are worth.
#[must_use]
pub fn was_stepped() -> &'static str {
    either(
        "This run was stepped: its times have the pauses in them.",
        "这次运行是逐步执行的：其中的时间包含了停顿。",
    )
}

/// What did not come out in a stepped run.
#[must_use]
pub fn perhaps_the_pause() -> &'static str {
    either(
        "it did not come out in a run that was stepped, and a pause may be why; run it without --step and --pace",
        "逐步执行时没有得到这个结果，可能是停顿造成的；请去掉 --step 和 --pace 再运行",
    )
}

/// An experiment is not stepped: which of two comes first is what it is about.
#[must_use]
pub fn whole_race() -> &'static str {
    either(
        "which of two comes first is what it is about, and a pause would decide it",
        "它要看谁先到，停顿会改变结果",
    )
}

/// An experiment is not stepped: what a thread does when nothing happens is what it is about.
#[must_use]
pub fn whole_sleep() -> &'static str {
    either(
        "it looks at what threads do by themselves, and one that is held does nothing",
        "它要看线程自己在做什么，而被停住的线程什么也不做",
    )
}

/// An experiment is not stepped: there are too many calls.
#[must_use]
pub fn whole_many() -> &'static str {
    either(
        "it makes hundreds of calls or more, and measures them",
        "它要做成百上千次调用，并测量它们",
    )
}

/// An experiment is not stepped, and why.
#[must_use]
pub fn runs_whole(why: &str) -> String {
    said!(
        "This one is not stepped but run whole: {why}.",
        "这个实验不逐步执行，而是整个运行：{why}。"
    )
}

// ---- a room's predictions ----

/// Numbers for the raised hands, but not as many as there are options.
#[must_use]
pub fn tally_numbers(given: usize, options: usize) -> String {
    said!(
        "There are {options} options, and that was {given}: type one letter, or the raised hands for each (a5 b12).",
        "这里有 {options} 个选项，却给了 {given} 个数：请输入一个字母，或每项的举手人数（a5 b12）。"
    )
}

/// Numbers with letters and numbers without.
#[must_use]
pub fn tally_mixed() -> &'static str {
    either(
        "Type either a letter before each number (a5 b12 c3) or before none (5 12 3).",
        "要么每个数前面都写字母（a5 b12 c3），要么都不写（5 12 3）。",
    )
}

/// A letter of no option.
#[must_use]
pub fn tally_letter(letter: char) -> String {
    said!("There is no option `{letter}`.", "没有选项 `{letter}`。")
}

/// A letter that comes again.
#[must_use]
pub fn tally_twice(letter: char) -> String {
    said!("`{letter}` is there twice.", "`{letter}` 出现了两次。")
}

/// A letter without a number.
#[must_use]
pub fn tally_no_number(letter: char) -> String {
    said!("There is no number after `{letter}`.", "`{letter}` 后面没有数。")
}

/// What belongs to no tally.
#[must_use]
pub fn tally_strange(what: char) -> String {
    said!(
        "`{what}` does not belong there: type 5 12 3, or a5 b12 c3.",
        "这里不该有 `{what}`：请写 5 12 3 或 a5 b12 c3。"
    )
}

/// More hands than any room has.
#[must_use]
pub fn tally_large(most: u32) -> String {
    said!("No room has more than {most} hands up.", "举手的人不会超过 {most} 个。")
}

/// What most of a room predicted, beside what happened.
#[must_use]
pub fn room_compared(
    most_for: &[&str],
    most: u32,
    all: u32,
    right: &str,
    as_predicted: bool,
) -> String {
    match most_for {
        _ if most == 0 => {
            said!("No hand was raised. It was: {right}", "没有人举手。结果是：{right}")
        }
        [one] if as_predicted => {
            said!(
                "Most predicted it, {most} of {all}: {one}",
                "多数人预测对了（{all} 人中的 {most} 人）：{one}"
            )
        }
        [one] => said!(
            "Most predicted, {most} of {all}: {one}. It was: {right}",
            "多数人的预测（{all} 人中的 {most} 人）：{one}。结果是：{right}"
        ),
        several => {
            let each = several.join(either("; ", "；"));
            said!(
                "As many hands, {most} of {all}, for each of these: {each}. It was: {right}",
                "这几项人数相同（{all} 人中各有 {most} 人）：{each}。结果是：{right}"
            )
        }
    }
}
