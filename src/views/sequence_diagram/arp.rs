//! How ARP is drawn (RFC 826).

use super::builder::Builder;
use super::diagram::{Likeness, SegmentRow, Shape, Step, Transit};
use super::segments::reasons;
use crate::analysis::Segment;
use crate::i18n::tr;
use crate::picture::Ink;
use crate::picture::phrase::Phrase;
use crate::trace::packet::Arp;

impl Builder<'_> {
    /// Questions and answers of ARP, each pair in one faint row.
    pub(super) fn arp(&self) -> Vec<Step> {
        let steps = self.analysis.arp.iter().filter_map(|exchange| {
            let frame = |at: Option<usize>| at.map(|at| &self.analysis.wire[at]);
            let (question, answer) = (frame(exchange.question), frame(exchange.answer));
            let first = question.or(answer)?;
            let is_shown = self.analysis.recording.shows_frame(first.frame.frame);
            let first = Some(first).filter(|_| is_shown)?;
            let arp = first.frame.layers.arp.as_ref()?;
            let asked = arp.target_ip;
            let words = match (question, answer) {
                (Some(_), Some(answer)) => {
                    let by_lab = answer.frame.by_lab;
                    let short = if by_lab { tr!("lab answers") } else { tr!("answered") };
                    let answer = match &answer.frame.layers.arp {
                        Some(arp) if !by_lab => tr!("it is at {mac}", mac = arp.sender_mac),
                        _ => tr!("the lab answers").to_owned(),
                    };
                    vec![
                        tr!("ARP: who has {asked}? {answer}", asked, answer),
                        tr!("ARP: {asked}? {short}", asked, short),
                        "ARP".to_owned(),
                    ]
                }
                (Some(_), None) => vec![
                    tr!("ARP: who has {asked}?", asked),
                    tr!("ARP: {asked}?", asked),
                    "ARP".to_owned(),
                ],
                (None, _) => vec![
                    tr!("ARP: {ip} is at {mac}", ip = arp.sender_ip, mac = arp.sender_mac),
                    "ARP".to_owned(),
                ],
            };
            let step = Step::new(first.left_ns, Shape::Aside(words), Likeness::Arp);
            Some(Step { minor: true, opens: answer.is_some(), ..step })
        });
        steps.collect()
    }

    /// Each question and each answer of ARP in a row of its own, as any other frame.
    pub(super) fn arp_frames(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (index, segment) in self.analysis.wire.iter().enumerate() {
            let Some(arp) = &segment.frame.layers.arp else { continue };
            steps.extend(self.arp_frame(segment, arp));
            // Until it is answered, or asked again.
            let is_unanswered = self.analysis.arp.iter().any(|exchange| {
                exchange.question == Some(index)
                    && exchange.answer.is_none()
                    && !exchange.asked_again
            });
            if is_unanswered && !segment.frame.is_lost() {
                let words = vec![
                    tr!("no answer for {ip}", ip = arp.target_ip),
                    tr!("nobody answers").to_owned(),
                    tr!("no answer").to_owned(),
                ];
                steps.push(Step::new(segment.left_ns, Shape::Aside(words), Likeness::Unanswered));
            }
        }
        steps
    }

    fn arp_frame(&self, segment: &Segment, arp: &Arp) -> Option<Step> {
        let from = *self.lane_of.get(&segment.from)?;
        let to = *self.lane_of.get(&segment.to)?;
        let asks = arp.operation == 1;
        let (words, notes) = if asks { asking(arp) } else { answering(arp, segment) };
        let transit = match segment.frame.is_lost() {
            true => Transit::Stops(reasons(segment)),
            false => Transit::Whole(Some(notes).filter(|notes| !notes.is_empty())),
        };
        let segment_row = SegmentRow { from, to, words, ink: Ink::Strong, transit, bytes: 0 };
        let likeness = Likeness::ArpFrame { from, asks };
        Some(Step::new(segment.left_ns, Shape::Segment(segment_row), likeness))
    }
}

/// What a question says, and what is said of its arrival.
fn asking(arp: &Arp) -> (Phrase, Phrase) {
    let asked = arp.target_ip;
    let words = vec![
        tr!("ARP who has {asked}?", asked),
        tr!("who has {asked}?", asked),
        format!("ARP {asked}?"),
        "ARP".to_owned(),
    ];
    (words, vec![tr!("broadcast").to_owned(), tr!("to all").to_owned()])
}

/// The same of an answer.
fn answering(arp: &Arp, segment: &Segment) -> (Phrase, Phrase) {
    let (who, mac) = (arp.sender_ip, &arp.sender_mac);
    let words = vec![
        tr!("ARP {who} is at {mac}", who, mac),
        tr!("{who} is at {mac}", who, mac),
        tr!("is at {mac}", mac),
        tr!("at {mac}", mac),
        "ARP".to_owned(),
    ];
    (
        words,
        if segment.frame.by_lab {
            vec![tr!("the lab answers").to_owned(), tr!("lab").to_owned()]
        } else {
            Vec::new()
        },
    )
}
