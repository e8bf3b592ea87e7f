//! What a recording means: which calls were made on which socket, which two sockets were one connection, which send turned up
//! in which receive, what went over the wire and why, what each thread was doing. Views draw from it; it draws nothing.
//!
//! Everything is worked out from recorded events, once for a recording. What they do not decide stays unmatched (`None`): it is
//! never guessed.

use std::collections::HashMap;

use crate::trace::SocketId;
use crate::trace::recording::Recording;

mod actions;
mod address;
mod arp;
mod arrivals;
mod attempts;
mod calls;
mod connections;
mod datagrams;
mod deliveries;
pub mod findings;
mod found_ready;
pub mod grouping;
mod hosts;
mod left_out;
mod measurements;
mod messages;
mod retransmissions;
#[cfg(test)]
pub(crate) mod script;
mod segments;
mod shown;
mod sides;
mod sockets;
mod state_answers;
mod streams;
mod tcp_states;
pub mod threads;

pub use actions::{Action, ActionKind, Part};
pub use arp::ArpExchange;
pub use calls::{BLOCKED_NS, CallSpan, Exit, OpenCalls, SocketModes, is_run_through};
pub use connections::Connection;
pub use datagrams::DatagramFlow;
pub use deliveries::{AT_ONCE_NS, Delivered, Delivery, Loss, Unread};
pub use hosts::StrayCall;
pub use measurements::{Measurements, Plot, percentile};
pub use messages::{Fate, Message, part_of};
pub use retransmissions::{Content, Series};
pub use segments::Segment;
pub use sides::Side;
pub use sockets::{Asker, Failure, FailureReason, Origin, Socket, SocketUse, StateReport};
pub use state_answers::StateAnswer;
pub use streams::{Direction, Piece};
pub use tcp_states::StateChange;
pub use threads::{Interval, Mark, MarkKind, ThreadState, ThreadTimeline};

/// All of it. Indices anywhere are into these vectors.
#[derive(Clone, Debug)]
pub struct Analysis<'r> {
    /// What was analysed.
    pub recording: &'r Recording,
    /// Every call, in the order of entry.
    pub calls: Vec<CallSpan>,
    /// Every socket but the instrument's own, in the order in which they were made.
    pub sockets: Vec<Socket>,
    by_id: HashMap<SocketId, usize>,
    /// Those that listen at some time.
    listeners: Vec<usize>,
    /// Every connection of which both ends are in the recording, in the order of accept().
    pub connections: Vec<Connection>,
    /// Both directions of every connection.
    pub directions: Vec<Direction>,
    /// What was sent and received, in the order of sending (what has no known sender: of receiving).
    pub messages: Vec<Message>,
    /// The datagrams that were sent, by their two ends.
    pub datagram_flows: Vec<DatagramFlow>,
    /// What each call brought to another, in the order of the calls.
    pub deliveries: Vec<Delivery>,
    /// Every frame on the wire, in the order of leaving.
    pub wire: Vec<Segment>,
    /// Questions and answers of ARP among them.
    pub arp: Vec<ArpExchange>,
    /// What was lost or sent again, in the order in which it began, as far as it is shown.
    pub retransmissions: Vec<Series>,
    /// The changes of state of both ends of what went over the wire, as far as the segments leave no other, in order.
    pub states: Vec<StateChange>,
    /// The TCP states that the experiment itself asked for, in order; those that the kernel had just said are left out.
    pub state_answers: Vec<StateAnswer>,
    /// The parts of the experiment, in order.
    pub parts: Vec<Part<'r>>,
    /// What everyone did who is shown, in order.
    pub actions: Vec<Action<'r>>,
    /// What was measured, series by series.
    pub measurements: Vec<Measurements<'r>>,
    /// What was plotted.
    pub plots: Vec<Plot<'r>>,
    /// What the thread of each actor that is shown did, in the order in which the actors came.
    pub threads: Vec<ThreadTimeline>,
}

impl<'r> Analysis<'r> {
    /// Works it out.
    pub fn of(recording: &'r Recording) -> Analysis<'r> {
        let mut analysis = Analysis {
            recording,
            calls: Vec::new(),
            sockets: Vec::new(),
            by_id: HashMap::new(),
            listeners: Vec::new(),
            connections: Vec::new(),
            directions: Vec::new(),
            messages: Vec::new(),
            datagram_flows: Vec::new(),
            deliveries: Vec::new(),
            wire: Vec::new(),
            arp: Vec::new(),
            retransmissions: Vec::new(),
            states: Vec::new(),
            state_answers: Vec::new(),
            parts: Vec::new(),
            actions: Vec::new(),
            measurements: Vec::new(),
            plots: Vec::new(),
            threads: Vec::new(),
        };
        analysis.pair_returns();
        analysis.find_sockets();
        analysis.find_hosts();
        analysis.find_connections();
        analysis.follow_attempts();
        analysis.follow_streams();
        analysis.find_arrivals();
        analysis.follow_datagrams();
        analysis.sort_messages();
        analysis.find_datagram_flows();
        analysis.find_deliveries();
        analysis.follow_wire();
        analysis.find_arp_exchanges();
        analysis.find_retransmissions();
        analysis.follow_states();
        analysis.find_state_answers();
        analysis.find_actions();
        analysis.find_measurements();
        analysis.find_ready_calls();
        analysis.threads = threads::timelines(&analysis);
        analysis.keep_shown();
        analysis
    }

    /// The socket of that number.
    pub fn socket(&self, id: SocketId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    fn sort_messages(&mut self) {
        let calls = &self.calls;
        self.messages.sort_by_key(|message| match (message.send, message.receive) {
            (Some(send), _) => (calls[send].entered_ns, message.skip),
            (None, Some(receive)) => (calls[receive].returned_ns(), 0),
            (None, None) => (u64::MAX, 0),
        });
    }
}

#[cfg(test)]
mod tests;
