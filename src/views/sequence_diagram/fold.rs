//! What a ladder leaves out when there is too much to show, and how it says so.

use super::diagram::{Likeness, Shape, Step};
use crate::i18n::{tr, tr_n};
use crate::picture::fold::{Repetition, repetitions};

/// With more steps than this, runs of equal ones are folded.
const MANY: usize = 40;
/// The same where the wire is shown: each frame has rows of its own.
const MANY_WIRED: usize = 60;
/// The longest run of steps that is looked for again and again.
const LONGEST_PERIOD: usize = 8;
/// With more steps than this, even folded, the middle is left out.
const TOO_MANY: usize = 200;
/// Runs of so many steps that went well are folded.
const LONG_RUN: usize = 4;
/// Runs of so many, if there are too many long ones.
const SHORT_RUN: usize = 2;
/// So many steps of a part that went well are shown before others are folded.
const FIRST: usize = 6;

/// Folds how connections open, at the beginning and at the beginning of each part, where it went as it should.
pub(super) fn fold_opening(steps: Vec<Step>) -> Vec<Step> {
    let mut folded: Vec<Step> = Vec::new();
    let mut rest = steps.into_iter().peekable();
    while rest.peek().is_some() {
        let mut opening: Vec<Step> = Vec::new();
        while let Some(step) = rest.next_if(|step| step.opens) {
            opening.push(step);
        }
        if opening.len() < LONG_RUN || !opening.iter().any(connects) {
            folded.append(&mut opening);
        } else {
            let count = opening.len();
            let mut note = opening.swap_remove(count - 1);
            note.shape = Shape::Fold(tr!("{count} steps: a connection opens", count));
            folded.push(note);
        }
        for step in rest.by_ref() {
            let ends_part = matches!(step.shape, Shape::Part(_));
            folded.push(step);
            if ends_part {
                break;
            }
        }
    }
    folded
}

/// True for a connect() that succeeded.
fn connects(step: &Step) -> bool {
    matches!(&step.likeness, Likeness::Call { function, errno: None, .. } if function == "connect")
}

/// The steps that are shown.
pub(super) fn shorten(mut steps: Vec<Step>) -> Vec<Step> {
    let wired = steps.iter().any(|step| matches!(step.shape, Shape::Segment(_)));
    if steps.len() > if wired { MANY_WIRED } else { MANY } {
        steps.retain(|step| !step.minor);
        // Of what went over the wire, each frame that was lost or sent again is shown as long as there is any room.
        if wired {
            // First long runs; if that is not enough, short ones too.
            let long = fold_uneventful(steps.clone(), LONG_RUN);
            steps = if long.len() > 2 * MANY { fold_uneventful(steps, SHORT_RUN) } else { long };
        }
        if steps.len() > if wired { TOO_MANY } else { MANY } {
            steps = fold(steps);
        }
    }
    if steps.len() > TOO_MANY {
        let left_out = steps.len() - TOO_MANY;
        let middle = TOO_MANY / 2;
        let mut note = steps[middle].clone();
        note.shape = Shape::Fold(tr!("{left_out} steps left out", left_out));
        steps.splice(middle..middle + left_out, [note]);
    }
    steps
}

/// Folds what went as it should between segments that were lost, late or sent again.
fn fold_uneventful(steps: Vec<Step>, worth_it: usize) -> Vec<Step> {
    let mut folded: Vec<Step> = Vec::new();
    let mut run: Vec<Step> = Vec::new();
    for step in steps {
        if step.uneventful {
            run.push(step);
        } else {
            // The first ones of each part are shown: the others are like them.
            let part = folded.iter().rev().take_while(|step| !matches!(step.shape, Shape::Part(_)));
            let first = if part.into_iter().any(is_plain_data) { 0 } else { FIRST.min(run.len()) };
            folded.extend(run.drain(..first));
            folded.append(&mut summary(&mut run, worth_it));
            folded.push(step);
        }
    }
    folded.append(&mut summary(&mut run, worth_it));
    folded
}

/// True if it shows data that went as it should.
fn is_plain_data(step: &Step) -> bool {
    step.uneventful && matches!(&step.shape, Shape::Segment(segment_row) if segment_row.bytes > 0)
}

/// A run of steps that went well, in one; as it is if it is short. Leaves the run empty.
fn summary(run: &mut Vec<Step>, worth_it: usize) -> Vec<Step> {
    if run.len() < worth_it {
        return std::mem::take(run);
    }
    let (mut packets, mut bytes, mut calls) = (0, 0, 0);
    for step in run.iter() {
        match &step.shape {
            Shape::Segment(segment_row) if !segment_row.is_arrival() => {
                packets += 1;
                bytes += segment_row.bytes;
            }
            Shape::Call { .. } | Shape::Arrow(_) => calls += 1,
            _ => {}
        }
    }
    let calls = (calls > 0).then(|| tr_n!(calls, "{calls} call", "{calls} calls", calls));
    let with = if bytes > 0 { tr!(", {bytes} B", bytes) } else { String::new() };
    let packets = (packets > 0).then(|| {
        tr_n!(
            packets,
            "{packets} packet{with}, none lost",
            "{packets} packets{with}, none lost",
            packets,
            with
        )
    });
    let text = [calls, packets].into_iter().flatten().collect::<Vec<_>>().join(tr!(", "));
    let mut note = run[0].clone();
    note.shape = Shape::Fold(text);
    run.clear();
    vec![note]
}

/// Folds runs of alike steps: the first of them, a remark, and the last.
fn fold(steps: Vec<Step>) -> Vec<Step> {
    let mut folded: Vec<Step> = Vec::new();
    for Repetition { start, period, times } in
        repetitions(&steps, LONGEST_PERIOD, |one, other| one.likeness == other.likeness)
    {
        folded.extend_from_slice(&steps[start..start + period]);
        if times > 1 {
            let mut note = steps[start + period].clone();
            note.shape = Shape::Fold(tr!("{more} more like this", more = times - 2));
            folded.push(note);
            let end = start + period * times;
            folded.extend_from_slice(&steps[end - period..end]);
        }
    }
    folded
}
