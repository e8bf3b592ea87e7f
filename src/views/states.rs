//! The states of a process as the textbooks draw them, with this run's counts and times: how often it went from one to the
//! next, and how long it was there. The kernel's own word for it stands below: it has one letter, R, for ready and running.

use unicode_width::UnicodeWidthStr;

use super::wording::{self, safe};
use super::{DrawOptions, view};
use crate::analysis::threads::ThreadTotals;
use crate::analysis::{Analysis, ThreadTimeline};
use crate::i18n::tr;
use crate::picture::table::{self, Column};
use crate::picture::{Canvas, Ink, Picture, Row, fit, paragraph, span_of};
use crate::text::wrap;
use crate::trace::ActorKind;
use crate::trace::recording::Origin;

fn times(count: impl std::fmt::Display) -> String {
    format!("{count}×")
}

view!("states", draw);
fn draw(analysis: &Analysis, width: usize, options: DrawOptions) -> Picture {
    // A role has no thread of its own: its states are those of the lab's.
    let everyone = || analysis.threads.iter();
    let mut timelines: Vec<&ThreadTimeline> =
        everyone().filter(|timeline| timeline.kind != ActorKind::Role).collect();
    if timelines.is_empty() {
        timelines = everyone().collect();
    }
    if timelines.is_empty() {
        return Picture::default();
    }
    let totals = ThreadTotals::of(&timelines);
    let mut canvas = Canvas::new(width);
    if width >= 64 {
        diagram(&mut canvas, &totals);
    } else {
        list(&mut canvas, &totals, width);
    }
    let names: Vec<String> =
        timelines.iter().map(|timeline| wording::actor(&timeline.actor)).collect();
    let mut rows = paragraph(&names.join(tr!(context "list", ", ")), width, Ink::Strong);
    rows.extend(canvas.picture().0);
    rows.push(Row::new());
    // A role of which the kernel was asked has times too, though they are its thread's.
    timelines.extend(
        everyone().filter(|timeline| timeline.kind == ActorKind::Role && timeline.samples > 0),
    );
    timelines.dedup_by_key(|timeline| &timeline.actor);
    rows.extend(table(&timelines, width));
    let asked = timelines.iter().any(|timeline| timeline.samples > 0);
    let counted = if asked {
        tr!(
            "Times running and ready, and the turns on a CPU, are the kernel's counts when it was last asked. It reports both ready and running as R, and blocked as S."
        )
    } else if matches!(analysis.recording.header.origin, Origin::Programs(_)) {
        tr!("Ready and running are not told apart.")
    } else {
        tr!("The kernel was not asked, so ready and running are not told apart.")
    };
    let derived = tr!(
        "Blocked and woken are inferred from the recorded calls: those that took longer than 1 ms from entry to return, which includes the time spent ready after waking."
    );
    let taken = tr!(
        "Preempted is what remains of the turns, so an upper bound: shorter sleeps are counted in it."
    );
    let sentences = options.explanations([(true, counted), (true, derived), (asked, taken)]);
    if !sentences.is_empty() {
        rows.push(Row::new());
    }
    for sentence in sentences {
        rows.extend(paragraph(sentence, width, Ink::Faint));
    }
    Picture(rows)
}

fn put_box(canvas: &mut Canvas, row: usize, column: usize, name: &str, note: &str, ink: Ink) {
    const WIDE: usize = 14;
    let end = column + WIDE;
    canvas.fill(row, column, end, '─', ink);
    canvas.fill(row + 3, column, end, '─', ink);
    for (at, corners) in
        [(row, ['┌', '┐']), (row + 1, ['│', '│']), (row + 2, ['│', '│']), (row + 3, ['└', '┘'])]
    {
        canvas.put(at, column, corners[0], ink);
        canvas.put(at, end - 1, corners[1], ink);
    }
    for (at, text, ink) in [(row + 1, name, Ink::Strong), (row + 2, note, Ink::Plain)] {
        let text = fit(text, WIDE - 2);
        canvas.write(at, column + 1 + (WIDE - 2 - text.width()) / 2, end - 1, &text, ink);
    }
}

/// The five states and their edges, in 64 columns.
fn diagram(canvas: &mut Canvas, totals: &ThreadTotals) {
    const EDGE: usize = 64;
    const CALLS: usize = 41;
    let time = |ns: Option<u64>| ns.map_or(tr!("not asked").to_owned(), span_of);
    let turns = totals.turns.map_or("?×".to_owned(), times);
    put_box(canvas, 0, 0, tr!("created"), &times(totals.created), Ink::Plain);
    put_box(canvas, 0, 25, tr!("ready"), &time(totals.ready_ns), Ink::Plain);
    put_box(canvas, 8, 25, tr!("running"), &time(totals.cpu_ns), Ink::Strong);
    put_box(canvas, 8, 0, tr!("terminated"), &times(totals.ended), Ink::Plain);
    put_box(canvas, 4, 50, tr!("blocked"), &span_of(totals.blocked_ns), Ink::Warn);
    arrow(canvas, 1, 14, 24, '▶');
    canvas.write(0, 16, 24, &times(totals.created), Ink::Strong);
    arrow(canvas, 10, 15, 25, '◀');
    canvas.put(10, 14, '◀', Ink::Faint);
    canvas.put(10, 24, '─', Ink::Faint);
    canvas.write(9, 16, 24, &times(totals.ended), Ink::Strong);
    for row in 4..8 {
        canvas.put(row, 29, '│', Ink::Faint);
        canvas.put(row, 34, '│', Ink::Faint);
    }
    canvas.put(7, 29, '▼', Ink::Faint);
    canvas.put(4, 34, '▲', Ink::Faint);
    canvas.write(5, 14, 29, tr!("given a CPU"), Ink::Faint);
    canvas.write(6, 14, 29, &turns, Ink::Strong);
    canvas.write(5, 36, 49, tr!("preempted"), Ink::Faint);
    canvas.write(6, 36, 49, &taken_away(totals), Ink::Strong);
    // From running into blocked, and from blocked back to ready: never straight to running.
    for column in 39..57 {
        canvas.put(1, column, '─', Ink::Faint);
        canvas.put(10, column, '─', Ink::Faint);
    }
    canvas.put(1, 39, '◀', Ink::Faint);
    canvas.put(1, 57, '┐', Ink::Faint);
    for row in 2..4 {
        canvas.put(row, 57, '│', Ink::Faint);
    }
    canvas.put(10, 57, '┘', Ink::Faint);
    for row in 9..10 {
        canvas.put(row, 57, '│', Ink::Faint);
    }
    canvas.put(8, 57, '▲', Ink::Faint);
    canvas.write(0, 41, 57, &tr!("woken {times}", times = times(totals.woken)), Ink::Strong);
    let calls: Vec<_> = totals
        .slept
        .iter()
        .map(|(call, count)| format!("{}\u{a0}{}", safe(call), times(count)))
        .collect();
    let words = if calls.is_empty() { tr!("never").to_owned() } else { calls.join(tr!(", ")) };
    for (row, line) in wrap(&words, canvas.width().max(EDGE) - CALLS).iter().enumerate() {
        canvas.write(11 + row, CALLS, canvas.width(), &line.replace('\u{a0}', " "), Ink::Strong);
    }
    canvas.write(9, 41, 56, tr!("waits in"), Ink::Faint);
}

/// How often a processor was taken away, as far as that is known.
fn taken_away(totals: &ThreadTotals) -> String {
    let taken = totals.taken_away_at_most();
    taken.map_or("?×".to_owned(), |taken| tr!("at most {times}", times = times(taken)))
}

fn arrow(canvas: &mut Canvas, row: usize, from: usize, to: usize, head: char) {
    canvas.fill(row, from, to, '─', Ink::Faint);
    if head == '▶' {
        canvas.put(row, to, head, Ink::Faint);
    }
}

/// The same in words, where there is no room for the diagram.
fn list(canvas: &mut Canvas, totals: &ThreadTotals, width: usize) {
    let mut lines = vec![tr!("created → ready {times}", times = times(totals.created))];
    lines.push(tr!("ready → running {times}", times = totals.turns.map_or("?×".to_owned(), times)));
    lines.push(tr!("running → ready {times}", times = taken_away(totals)));
    for (call, count) in &totals.slept {
        lines.push(tr!(
            "running → blocked {times} in {call}",
            times = times(count),
            call = safe(call)
        ));
    }
    lines.push(tr!("blocked → ready {times}", times = times(totals.woken)));
    lines.push(tr!("running → terminated {times}", times = times(totals.ended)));
    for (row, line) in lines.iter().flat_map(|line| wrap(line, width)).enumerate() {
        canvas.write(row, 0, width, &line, Ink::Plain);
    }
}

/// Each actor's times in each state.
fn table(timelines: &[&ThreadTimeline], width: usize) -> Vec<Row> {
    let names = || timelines.iter().map(|timeline| wording::actor(&timeline.actor));
    let name = names().map(|name| name.width()).max().unwrap_or(0).min(width / 3) + 1;
    let time = (width.saturating_sub(name + 1) / 3).clamp(1, 14) - 1;
    let [name, time] = [name, time].map(|width| Column::left(width, " "));
    let row = |cells: [(&str, Ink); 4]| {
        table::row(cells.map(|(text, ink)| Row::new().with(text, ink)), &[name, time, time, time])
    };
    let heads = ["", tr!("running"), tr!("ready"), tr!("blocked")];
    let mut rows = vec![row(heads.map(|head| (head, Ink::Faint)))];
    let said = |ns: Option<u64>| ns.map_or(tr!("not asked").to_owned(), span_of);
    for (number, (timeline, name)) in timelines.iter().zip(names()).enumerate() {
        let blocked = timeline.blocked().iter().map(|(_, _, ns)| ns).sum();
        let times = [timeline.cpu_ns, timeline.ready_ns, Some(blocked)].map(said);
        let [running, ready, blocked] = times.each_ref().map(|time| (time.as_str(), Ink::Plain));
        rows.push(row([(name.as_ref(), Ink::Of(number)), running, ready, blocked]));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::script::{Script, fits_everywhere};
    use crate::analysis::threads::tests::{asked, modes};
    use crate::i18n::{chinese, speaking};
    use crate::trace::{EventKind, Outcome};
    use insta::{assert_snapshot, with_settings};

    fn draw(analysis: &Analysis, width: usize) -> Picture {
        super::draw(analysis, width, DrawOptions::default())
    }

    #[test]
    fn the_edges_carry_this_runs_counts() {
        let drawn = draw(&Analysis::of(&modes().recording()), 80).text();
        assert_snapshot!(drawn);
    }

    #[test]
    fn what_the_kernel_said_is_in_the_boxes() {
        let drawn = draw(&Analysis::of(&asked().recording()), 80).text();
        assert_snapshot!(drawn);
    }

    #[test]
    fn in_chinese_the_edges_are_where_they_were() {
        let recording = modes().recording();
        let drawn = speaking(chinese(), || draw(&Analysis::of(&recording), 80).text());
        // No file below src is in Chinese.
        with_settings!({ snapshot_path => "../../tests/snapshots" }, { assert_snapshot!(drawn) });
    }

    #[test]
    fn a_sleep_counts_and_every_call_is_named() {
        let mut script = Script::new();
        let names = ["sleeper", "waiter", "poller"];
        for actor in names {
            script.event(actor, EventKind::Started { kind: ActorKind::Thread });
        }
        let request = [("request_ns", 200_000_000.into())];
        let calls = [
            ("sleeper", script.enter("sleeper", 1, "clock_nanosleep", &request)),
            ("waiter", script.enter("waiter", 1, "recv", &[("size", 8.into())])),
            ("poller", script.enter("poller", 1, "accept", &[])),
        ];
        script.pass(200_000_000);
        for (who, call) in &calls {
            script.leave(who, call, Outcome::Result(0), &[]);
        }
        for width in [64, 80, 120] {
            let drawn = draw(&Analysis::of(&script.recording()), width).text();
            for call in ["clock_nanosleep 1×", "recv 1×", "accept 1×", "600 ms"] {
                assert!(drawn.contains(call), "{width}: {drawn}");
            }
            let row = drawn.lines().find(|row| row.starts_with("sleeper ")).expect("its row");
            assert!(row.ends_with("200 ms"), "{row}");
        }
    }

    #[test]
    fn it_fits_every_width() {
        for recording in [modes().recording(), asked().recording(), Script::new().recording()] {
            fits_everywhere(&recording, draw);
        }
    }
}
