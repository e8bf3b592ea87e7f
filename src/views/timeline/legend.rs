//! What the shapes mean.

use unicode_width::UnicodeWidthStr;

use super::marks::{shown_marks, sign_of};
use super::{BREAK, DrawOptions};
use crate::analysis::threads::Sleep;
use crate::analysis::{Analysis, ThreadState};
use crate::i18n::tr;
use crate::picture::{Canvas, Ink};
use crate::text::wrap;
use crate::trace::recording::Origin;

/// What the shapes mean: those that there are, and that the reader does not know.
pub(super) struct Legend {
    /// A sign, its meaning, and the sign's ink.
    keys: Vec<(&'static str, &'static str, Ink)>,
    /// Where the states come from.
    source: Option<&'static str>,
}

impl Legend {
    pub(super) fn of(analysis: &Analysis, has_cuts: bool, options: DrawOptions) -> Legend {
        let timelines = &analysis.threads;
        let shows = |is: fn(&ThreadState) -> bool| {
            timelines
                .iter()
                .flat_map(|timeline| &timeline.intervals)
                .any(|interval| is(&interval.doing))
        };
        let signs =
            |sign: char| timelines.iter().flat_map(shown_marks).any(|mark| sign_of(mark).0 == sign);
        let on_purpose = shows(|doing| matches!(doing, ThreadState::Asleep(Sleep::Waiting(_))));
        let held = shows(|doing| *doing == ThreadState::Asleep(Sleep::Held));
        let asked = shows(|doing| matches!(doing, ThreadState::Asleep(Sleep::Asked(_))));
        let in_a_call = shows(|doing| matches!(doing, ThreadState::Asleep(Sleep::InCall(_))));
        let asleep = match (on_purpose, in_a_call) {
            (false, true) if asked => tr!("sleeps, or waits in a call that is not recorded"),
            (false, false) => tr!("sleeps"),
            (true, true) => tr!("waits on purpose, or sleeps in a call that is not recorded"),
            (true, false) => tr!("waits on purpose"),
            _ => tr!("sleeps in a call that is not recorded"),
        };
        let is_sampled = timelines.iter().any(|timeline| timeline.samples > 0);
        let runs = if is_sampled { tr!("runs") } else { tr!("runs, or is ready to") };
        let running = shows(|doing| *doing == ThreadState::Running);
        let ready = shows(|doing| *doing == ThreadState::Ready);
        let blocked = shows(|doing| matches!(doing, ThreadState::Blocked(_)));
        let of_programs = matches!(analysis.recording.header.origin, Origin::Programs(_));
        let is_futex = |doing: &ThreadState| matches!(doing, ThreadState::Asleep(Sleep::InCall(Some(call))) if call == "futex");
        let futex = of_programs && shows(is_futex);
        let ended = timelines.iter().any(|timeline| timeline.left);
        let keys = [
            (running, "██", runs, Ink::Plain),
            (ready, "▒▒", tr!("ready, has no processor"), Ink::Plain),
            (blocked, "├─┤", tr!("blocked in a call"), Ink::Warn),
            (on_purpose || asked || in_a_call, "··", asleep, Ink::Faint),
            (futex, "", tr!("futex: waits for another thread"), Ink::Faint),
            (held, "··", tr!("held by --step"), Ink::Faint),
            (signs('▲'), "▲", tr!("sends"), Ink::Strong),
            (signs('▼'), "▼", tr!("gets"), Ink::Strong),
            (signs('✗'), "✗", tr!("fails"), Ink::Bad),
            (signs('┤'), "┤", tr!("returns"), Ink::Warn),
            (has_cuts, BREAK, tr!("idle time, cut short"), Ink::Faint),
            (ended, "", tr!("(blank: not yet there, or ended)"), Ink::Faint),
        ];
        let keys = keys.into_iter().filter(|(shown, sign, words, _)| {
            *shown && options.explains(&format!("{sign} {words}"))
        });
        let keys = keys.map(|(_, sign, words, ink)| (sign, words, ink)).collect();
        let source = if is_sampled {
            tr!("cpu: processor time used. The kernel was asked what each thread was doing.")
        } else if of_programs {
            // It is asked of who is in no call, and nobody was.
            tr!("Drawn from the calls.")
        } else {
            tr!("Drawn from the calls; the kernel was not asked what each thread was doing.")
        };
        Legend { keys, source: Some(source).filter(|source| options.explains(source)) }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, mut row: usize, width: usize) {
        let mut column = 0;
        for (sign, words, ink) in &self.keys {
            let wide = sign.width() + 1 + words.width();
            if column > 0 && column + wide > width {
                (row, column) = (row + 1, 0);
            }
            if !sign.is_empty() {
                column = canvas.write(row, column, width, sign, *ink) + 1;
            }
            let lines = wrap(words, width.saturating_sub(column).max(8));
            let last = lines.len().saturating_sub(1);
            for (below, line) in lines.iter().enumerate() {
                let end = canvas.write(row + below, column, width, line, Ink::Faint);
                if below == last {
                    (row, column) = (row + below, end + 3);
                    break;
                }
            }
        }
        row += usize::from(!self.keys.is_empty());
        for (index, line) in
            self.source.iter().flat_map(|source| wrap(source, width.max(8))).enumerate()
        {
            canvas.write(row + index, 0, width, &line, Ink::Faint);
        }
    }
}
