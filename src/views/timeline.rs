//! The timeline: a band an actor, time along the bottom. Whether it runs, is ready, or is blocked (in which call, and what
//! ended it) is told by shape, so that it can be read in ASCII and from the back of a room; colour comes on top.

use unicode_width::UnicodeWidthStr;

mod idle;
mod legend;
mod marks;
mod notes;

use self::legend::Legend;
use self::marks::shown_marks;
use self::notes::notes;
use super::wording::{self, safe};
use super::{DrawOptions, view};
use crate::analysis::threads::Sleep;
use crate::analysis::{Analysis, ThreadState, ThreadTimeline};
use crate::i18n::tr;
use crate::picture::axis::{Stretch, TimeAxis, write_ticks};
use crate::picture::phrase::fitting;
use crate::picture::{Canvas, Ink, Picture, exact_span, fit_middle, span_of};
use crate::trace::EventKind;

const RUNS: char = '█';
const READY: char = '▒';
const ASLEEP: char = '·';
const BLOCKED: char = '─';
/// Here time is left out.
const BREAK: &str = "╱╱";

/// With fewer columns nothing is cut.
const MIN_TO_CUT: usize = 50;
/// What is taller than this has no empty rows between the bands: so it fits on a screen of 24 rows with a prompt below.
const TALL: usize = 22;

view!("timeline", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    let timelines = &analysis.threads;
    let Some(from_ns) = timelines.iter().map(|timeline| timeline.began_ns).min() else {
        return Picture::default();
    };
    // Time ends with the last that anyone did, or with the deadline, not with the lab's bookkeeping after it.
    let deadline = analysis.recording.events().iter().find_map(|event| match event.what {
        EventKind::Deadline { .. } => Some(event.at_ns),
        _ => None,
    });
    let did = |timeline: &ThreadTimeline| {
        if timeline.left {
            timeline.ended_ns
        } else {
            timeline.marks.last().map_or(timeline.began_ns, |mark| mark.at_ns)
        }
    };
    let ends = timelines.iter().map(did).chain(deadline);
    let to_ns = ends.max().unwrap_or(from_ns).max(from_ns + 1);
    // Where the first was there almost at once, time begins with the run.
    let from_ns = if from_ns < (to_ns - from_ns) / 40 { 0 } else { from_ns };
    let widest =
        timelines.iter().map(|timeline| wording::actor(&timeline.actor).width()).max().unwrap_or(0);
    let left = (widest.max(12) + 1).min(width / 4).max(4);
    let columns = width.saturating_sub(left);
    let cuts =
        if columns >= MIN_TO_CUT { idle::cuts(timelines, from_ns, to_ns) } else { Vec::new() };
    let scale =
        TimeAxis::new(from_ns, to_ns, left, columns).cutting(&cuts, columns / (cuts.len() + 2));
    let legend = Legend::of(analysis, !cuts.is_empty(), options);
    let airy = bands(timelines, &legend, &scale, width, 1);
    if airy.0.len() > TALL { bands(timelines, &legend, &scale, width, 0) } else { airy }
}

/// The bands, with so many empty rows between them, the time below, and what the shapes mean.
fn bands(
    timelines: &[ThreadTimeline],
    legend: &Legend,
    scale: &TimeAxis,
    width: usize,
    between: usize,
) -> Picture {
    let mut canvas = Canvas::new(width);
    let mut row = 0;
    for (index, timeline) in timelines.iter().enumerate() {
        row = band(&mut canvas, row, timeline, Ink::Of(index), scale) + between;
    }
    axis(&mut canvas, row, scale);
    legend.draw(&mut canvas, row + 2, width);
    canvas.picture()
}

/// One actor: its band, and below it what its calls came to. Returns the next free row.
fn band(
    canvas: &mut Canvas,
    row: usize,
    timeline: &ThreadTimeline,
    ink: Ink,
    scale: &TimeAxis,
) -> usize {
    let room = scale.column.saturating_sub(1);
    let (name, further) = in_two(&wording::actor(&timeline.actor), room);
    canvas.write(row, 0, room, &name, ink);
    canvas.write(row + 1, 1, room, &further, ink);
    let end = scale.column + scale.columns;
    let begin = scale.column_of(timeline.began_ns);
    let stop = (scale.column_of(timeline.ended_ns) + 1).min(end);
    for (column, doing) in cells(timeline, scale, begin, stop) {
        let (character, ink) = match doing {
            ThreadState::Running => (RUNS, ink),
            ThreadState::Ready => (READY, ink),
            ThreadState::Asleep(_) => (ASLEEP, Ink::Faint),
            ThreadState::Blocked(_) => (BLOCKED, Ink::Warn),
            ThreadState::Away => (' ', Ink::Plain),
        };
        canvas.put(row, column, character, ink);
    }
    let mut marks: Vec<usize> =
        shown_marks(timeline).iter().map(|mark| scale.column_of(mark.at_ns)).collect();
    for cut in scale.cuts() {
        let at = break_column(cut);
        canvas.write(row, at, end, BREAK, Ink::Faint);
        marks.extend([at, at + 1]);
    }
    for (from_ns, to_ns, call) in timeline.waits() {
        let (from, to) =
            (scale.column_of(from_ns), scale.column_of(to_ns).min(end.saturating_sub(1)));
        if to > from + 1 {
            canvas.put(row, from, '├', Ink::Warn);
            canvas.put(row, to, '┤', Ink::Warn);
        }
        let time = span_of(to_ns - from_ns);
        let words = [
            tr!(" {call}: blocked {time} ", call, time),
            format!(" {call} {time} "),
            format!(" {call} "),
        ];
        if let Some((words, at)) = placed(&words, from + 2, to, &marks) {
            canvas.write(row, at, to, words, Ink::Strong);
        }
    }
    for interval in &timeline.intervals {
        if let ThreadState::Asleep(why) = &interval.doing {
            let why = sleep(why);
            let (from, to) =
                (scale.column_of(interval.from_ns), scale.column_of(interval.to_ns).min(stop));
            let time = span_of(interval.to_ns - interval.from_ns);
            if let Some((words, at)) = placed(
                &[format!(" {why} {time} "), format!(" {why} ")],
                from + 2,
                to.saturating_sub(2),
                &marks,
            ) {
                canvas.write(row, at, to, words, Ink::Faint);
            }
        }
    }
    let mut height = 1 + notes(canvas, row, timeline, scale).max(1);
    let below = row + 1 + usize::from(!further.is_empty());
    if let Some(cpu) = timeline.cpu_ns {
        let words = [tr!("cpu {span}", span = span_of(cpu)), span_of(cpu)];
        let end = scale.column.saturating_sub(1);
        if let Some(words) = fitting(&words, end.saturating_sub(1)) {
            canvas.write(below, 1, end, words, Ink::Faint);
            height = height.max(below + 1 - row);
        }
    }
    canvas.grow(row + height);
    row + height
}

/// A name in so many columns: the rest of it goes below where it can be broken; else it is cut.
fn in_two(name: &str, room: usize) -> (String, String) {
    let breaks = name.char_indices().filter(|(_, character)| " -".contains(*character));
    let mut parts = breaks.map(|(at, _)| name.split_at(at + 1));
    let fits =
        |(first, rest): &(&str, &str)| first.trim_end().width() <= room && rest.width() < room;
    match parts.find(fits).filter(|_| name.width() > room) {
        Some((first, rest)) => (first.trim_end().to_owned(), rest.to_owned()),
        None => (fit_middle(name, room), String::new()),
    }
}

/// Where a cut is marked: near its end, so that words have room before it.
fn break_column(cut: &Stretch) -> usize {
    cut.column + cut.columns.saturating_sub(3)
}

/// The first of these words that have room between two columns, and where: in the middle, and on no mark.
fn placed<'w>(
    words: &'w [String],
    from: usize,
    to: usize,
    marks: &[usize],
) -> Option<(&'w str, usize)> {
    let mut inside: Vec<usize> =
        marks.iter().copied().filter(|mark| (from..to).contains(mark)).collect();
    inside.sort_unstable();
    words.iter().find_map(|words| {
        let wide = words.width();
        let middle = from + to.checked_sub(from + wide)? / 2;
        if inside.iter().all(|mark| !(middle..middle + wide).contains(mark)) {
            return Some((words.as_str(), middle));
        }
        // Between two marks, where there is most room.
        let starts = [from].into_iter().chain(inside.iter().map(|mark| mark + 1));
        let ends = inside.iter().copied().chain([to]);
        let (start, end) =
            starts.zip(ends).max_by_key(|(start, end)| end.saturating_sub(*start))?;
        Some((words.as_str(), start + end.checked_sub(start + wide)? / 2))
    })
}

/// Why a thread sleeps that is blocked in no call.
pub(super) fn sleep(why: &Sleep) -> String {
    match why {
        Sleep::Waiting(purpose) => wording::label(purpose),
        Sleep::Asked(_) => tr!("asleep").to_owned(),
        Sleep::Held => tr!(context "call", "held").to_owned(),
        Sleep::InCall(Some(call)) => safe(call),
        Sleep::InCall(None) => tr!("asleep").to_owned(),
    }
}

/// What each column of the band shows: whatever took most of its time.
fn cells<'a>(
    timeline: &'a ThreadTimeline,
    scale: &TimeAxis,
    begin: usize,
    stop: usize,
) -> Vec<(usize, &'a ThreadState)> {
    let mut best: Vec<Option<(u64, &ThreadState)>> = vec![None; stop.saturating_sub(begin)];
    for interval in &timeline.intervals {
        let (first, last) = (scale.column_of(interval.from_ns), scale.column_of(interval.to_ns));
        for column in first.max(begin)..(last + 1).min(stop) {
            let shared = interval
                .to_ns
                .min(scale.moment(column + 1))
                .saturating_sub(interval.from_ns.max(scale.moment(column)));
            let cell = &mut best[column - begin];
            if cell.is_none_or(|(most, _)| shared > most) {
                *cell = Some((shared, &interval.doing));
            }
        }
    }
    best.into_iter()
        .enumerate()
        .filter_map(|(index, cell)| Some((begin + index, cell?.1)))
        .collect()
}

/// The times along the bottom.
fn axis(canvas: &mut Canvas, row: usize, scale: &TimeAxis) {
    let end = scale.column + scale.columns;
    canvas.fill(row, scale.column, end, '─', Ink::Faint);
    let ticks = scale.ticks((scale.columns / 10).max(2), 0);
    let ticks = ticks.map(|at_ns| (scale.column_of(at_ns), exact_span(at_ns, at_ns)));
    let cut = |cut: &Stretch| {
        let words = span_of(cut.to_ns - cut.from_ns);
        (break_column(cut).saturating_sub(words.width() + 1), words)
    };
    let mut ticks: Vec<(usize, String)> = ticks.chain(scale.cuts().map(cut)).collect();
    ticks.sort();
    write_ticks(canvas, row, end, ticks.into_iter());
    for cut in scale.cuts() {
        canvas.fill(row, cut.column + 1, cut.column + cut.columns, '╌', Ink::Faint);
        canvas.write(row, break_column(cut), end, BREAK, Ink::Faint);
    }
    canvas.write(row + 1, 0, scale.column.saturating_sub(1), tr!("time"), Ink::Faint);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::script::{Script, fits_everywhere};
    use crate::analysis::threads::tests::{asked, modes};
    use crate::i18n::{chinese, speaking};
    use crate::trace::{ActorKind, EventKind, Outcome, Value};
    use insta::{assert_snapshot, with_settings};

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    #[test]
    fn three_modes_stand_side_by_side() {
        let drawn = draw(&Analysis::of(&modes().recording()), 80).text();
        assert_snapshot!(drawn);
    }

    #[test]
    fn in_chinese_the_bands_begin_and_end_in_the_same_columns() {
        let recording = modes().recording();
        let drawn = speaking(chinese(), || draw(&Analysis::of(&recording), 80).text());
        // No file below src is in Chinese.
        with_settings!({ snapshot_path => "../../tests/snapshots" }, { assert_snapshot!(drawn) });
    }

    #[test]
    fn the_kernels_word_tells_ready_from_running() {
        let drawn = draw(&Analysis::of(&asked().recording()), 80).text();
        assert_snapshot!(drawn);
    }

    #[test]
    fn no_mark_stands_in_a_word_and_what_falls_together_is_one_row() {
        let mut script = Script::new();
        script.event("client", EventKind::Started { kind: ActorKind::Thread });
        script.pass(10_000_000).sends("client", 1, "one").sends("client", 1, "three");
        script.event("client", EventKind::Wait { asked_ns: 20_000_000, purpose: "thinks".into() });
        script.pass(10_300_000).sends("client", 1, "two");
        script.pass(10_000_000).sends("client", 1, "four");
        let drawn = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(drawn.contains(" thinks 20.0 ms "), "{drawn}");
        assert!(drawn.contains("▲ sends 3 bytes, sends 5 bytes"), "{drawn}");
        let words = [String::from(" poll ")];
        assert_eq!(placed(&words, 0, 20, &[]), Some((" poll ", 7)));
        assert_eq!(placed(&words, 0, 20, &[8]), Some((" poll ", 11)));
        assert_eq!(placed(&words, 0, 20, &[4, 9, 14]), None);
    }

    #[test]
    fn many_of_a_kind_are_one_note_with_their_number() {
        let mut script = Script::new();
        script.event("client", EventKind::Started { kind: ActorKind::Thread });
        for round in 0..4_434 {
            script.pass(50_000).fails("client", 1, "recv", &[], "EAGAIN");
            if round % 9 == 0 {
                script.pass(10_000).sends("client", 1, "x").fails(
                    "client",
                    2,
                    "connect",
                    &[],
                    "ENETUNREACH",
                );
            }
        }
        for width in [40, 80, 200] {
            let drawn = draw(&Analysis::of(&script.recording()), width).text();
            assert!(drawn.contains("4,434 × recv: EAGAIN at once"), "{drawn}");
            assert!(drawn.contains("493 × sends 1 byte"), "{drawn}");
            let words: Vec<&str> = drawn.split_whitespace().collect();
            assert!(words.join(" ").contains("493 × connect: ENETUNREACH at once"), "{drawn}");
            assert!(drawn.lines().count() < 14, "{drawn}");
        }
    }

    #[test]
    fn a_long_idle_time_leaves_room_for_the_rest() {
        let mut script = Script::new();
        script.event("server", EventKind::Started { kind: ActorKind::Thread });
        let accepts = script.pass(2_000_000).enter("server", 3, "accept", &[]);
        script.pass(9_200_000_000).leave("server", &accepts, Outcome::Result(4), &[]);
        script.pass(4_000_000).sends("server", 4, "one").pass(6_000_000).sends("server", 4, "two");
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let wide = draw(&analysis, 80).text();
        assert!(wide.contains(" accept 9.20 s "), "{wide}");
        assert!(wide.contains("╱╱"), "{wide}");
        // 10 ms have most of the columns.
        let band = wide.lines().next().expect("a band");
        let at = |sign: char| band.chars().position(|it| it == sign);
        let sends: Vec<usize> = band
            .char_indices()
            .filter(|(_, it)| *it == '▲')
            .map(|(at, _)| band[..at].chars().count())
            .collect();
        assert!(sends[1] - sends[0] > 20 && at('╱').is_some_and(|cut| cut < sends[0]), "{wide}");
        assert!(!draw(&analysis, 40).text().contains('╱'));
    }

    #[test]
    fn a_call_that_waits_for_nothing_has_not_timed_out() {
        let mut script = Script::new();
        script.event("client", EventKind::Started { kind: ActorKind::Thread });
        for timeout_ms in [0, 10] {
            let waits = script.enter(
                "client",
                0,
                "wait",
                &[("maxevents", 8.into()), ("timeout", Value::Number(timeout_ms))],
            );
            script.pass(10_000_000).leave("client", &waits, Outcome::Result(0), &[]);
        }
        let drawn = draw(&Analysis::of(&script.recording()), 80).text();
        assert!(
            drawn.contains("epoll_wait: none ready") && drawn.contains("epoll_wait: timed out"),
            "{drawn}"
        );
    }

    #[test]
    fn the_end_an_empty_message_and_an_interrupted_call_are_told_apart() {
        let mut script = Script::new();
        script.socket("tcp", 1, "AF_INET", "SOCK_STREAM").receives("tcp", 1, 8, "");
        script.socket("udp", 2, "AF_INET", "SOCK_DGRAM").receives("udp", 2, 8, "");
        script.process("cut", 9).socket("cut", 3, "AF_INET", "SOCK_STREAM");
        let recv = script.enter("cut", 3, "recv", &[("size", 8.into())]);
        script.pass(50_000_000).leave("cut", &recv, Outcome::Errno("EINTR".into()), &[]);
        script.event("cut", EventKind::Signalled { signal: "SIGINT".into() });
        let drawn = draw(&Analysis::of(&script.recording()), 80).text();
        for words in ["the end of the stream", "an empty message", "recv: interrupted by SIGINT"] {
            assert!(drawn.contains(words), "{drawn}");
        }
        assert!(!drawn.contains('✗'), "{drawn}");
    }

    #[test]
    fn a_long_name_goes_on_below_where_it_can_be_broken() {
        let two = |name, room| in_two(name, room);
        let words = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(two("client receives", 9), words("client", "receives"));
        assert_eq!(two("non-blocking", 9), words("non-", "blocking"));
        assert_eq!(two("client receives", 20), words("client receives", ""));
        assert_eq!(two("pool-1-thread-2 receives", 6), words("poo…es", ""));
    }

    #[test]
    fn what_would_not_fit_on_a_screen_has_no_empty_rows() {
        let script = |actors: &[&'static str]| {
            let mut script = Script::new();
            for actor in actors {
                script.event(actor, EventKind::Started { kind: ActorKind::Thread });
            }
            script.pass(1_000_000).sends(actors[0], 1, "x").recording()
        };
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        assert!(draw(&Analysis::of(&script(&names[..3])), 80).text().contains("\n\n\n"));
        let tall = draw(&Analysis::of(&script(&names)), 80);
        assert!(tall.0.len() <= TALL, "{}", tall.text());
    }

    #[test]
    fn it_fits_every_width_and_bears_what_is_odd() {
        for recording in [modes().recording(), asked().recording(), Script::new().recording()] {
            fits_everywhere(&recording, draw);
        }
        let mut odd = Script::new();
        odd.receives("a name that is far too long for any band of any terminal", 1, 8, "x");
        odd.enter("server", 2, "accept", &[]);
        odd.event("lab", EventKind::Wait { asked_ns: u64::MAX, purpose: "for ever".into() });
        for number in 0..500 {
            odd.sends("server", 3, &"x".repeat(number % 7)).pass(number as u64 * 10_000);
        }
        odd.pass(u64::MAX / 2).sends("server", 3, "late");
        fits_everywhere(&odd.recording(), draw);
        let drawn = draw(&Analysis::of(&odd.recording()), 80).text();
        assert!(drawn.contains(" × sends, "), "{drawn}");
    }
}
