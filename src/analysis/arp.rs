//! Questions and answers of ARP (RFC 826).

use super::Analysis;

/// A question and its answer, as indices into [`Analysis::wire`]; one of the two may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpExchange {
    /// Who has this address?
    pub question: Option<usize>,
    /// This one has it.
    pub answer: Option<usize>,
    /// True if the same was asked again later.
    pub asked_again: bool,
}

impl Analysis<'_> {
    pub(super) fn find_arp_exchanges(&mut self) {
        let mut all: Vec<ArpExchange> = Vec::new();
        for (index, segment) in self.wire.iter().enumerate() {
            let Some(arp) = &segment.frame.layers.arp else { continue };
            let asks = arp.operation == 1;
            let address = if asks { arp.target_ip } else { arp.sender_ip };
            let open = all.iter_mut().rev().find(|exchange| {
                let asked =
                    exchange.question.and_then(|at| self.wire[at].frame.layers.arp.as_ref());
                exchange.answer.is_none() && asked.is_some_and(|asked| asked.target_ip == address)
            });
            match open {
                Some(exchange) if !asks => exchange.answer = Some(index),
                open => {
                    if let Some(exchange) = open {
                        exchange.asked_again = true;
                    }
                    let (question, answer) =
                        if asks { (Some(index), None) } else { (None, Some(index)) };
                    all.push(ArpExchange { question, answer, asked_again: false });
                }
            }
        }
        self.arp = all;
    }
}
