//! Which parts of an analysis are shown, where the recording says that not all of it is.

use std::collections::HashSet;

use super::{Analysis, Segment};
use crate::trace::{Name, Role};

impl Analysis<'_> {
    /// The sockets that somebody made or used who is shown.
    pub fn shown_sockets(&self) -> HashSet<usize> {
        let shows = |actor: &Name| self.recording.shows_actor(actor);
        let owned = self.sockets.iter().enumerate().filter(|(_, socket)| shows(&socket.owner));
        let used = self.calls.iter().filter(|span| shows(&span.actor));
        owned.map(|(at, _)| at).chain(used.filter_map(|span| span.socket)).collect()
    }

    /// The frames that are shown.
    pub fn shown_wire(&self) -> impl Iterator<Item = &Segment> {
        self.wire.iter().filter(|segment| self.recording.shows_frame(segment.frame.frame))
    }

    /// Whom these actors talked with: whoever used the other end of a connection of theirs, or sent what they took, or took what they
    /// sent.
    pub fn partners(&self, is_one: impl Fn(&Name) -> bool) -> HashSet<Name> {
        let is_own = |role: Role| matches!(role, Role::Program | Role::ScopeEnd);
        let used = self.calls.iter().filter(|span| is_own(span.call.role));
        let of = |is_wanted: &dyn Fn(&Name) -> bool| {
            let made = self.sockets.iter().enumerate();
            let made = made.filter(|(_, socket)| is_wanted(&socket.owner)).map(|(at, _)| at);
            let used = used.clone().filter(|span| is_wanted(&span.actor));
            made.chain(used.filter_map(|span| span.socket)).collect::<HashSet<usize>>()
        };
        let others: HashSet<usize> =
            of(&is_one).into_iter().filter_map(|at| self.sockets[at].other_end).collect();
        let is_other = |at: Option<usize>| at.is_some_and(|at| others.contains(&at));
        let mut all: HashSet<Name> =
            others.iter().map(|at| self.sockets[*at].owner.clone()).collect();
        all.extend(used.filter(|span| is_other(span.socket)).map(|span| span.actor.clone()));
        for delivery in &self.deliveries {
            let giver = &self.calls[delivery.call].actor;
            let takers = || delivery.taken_by.iter().map(|call| &self.calls[*call].actor);
            if is_one(giver) {
                all.extend(takers().chain(&delivery.to).cloned());
            }
            if takers().any(&is_one) {
                all.insert(giver.clone());
            }
        }
        all
    }

    /// Keeps of what is no index of anything only what is shown.
    pub(super) fn keep_shown(&mut self) {
        let recording = self.recording;
        self.threads.retain(|thread| recording.shows_actor(&thread.actor));
        self.actions.retain(|action| recording.shows_actor(&action.actor));
        let wire = &self.wire;
        self.retransmissions.retain(|series| {
            series.sent.iter().any(|at| recording.shows_frame(wire[*at].frame.frame))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Script, here};
    use super::*;

    fn partners(script: &Script, of: &str) -> Vec<String> {
        let recording = script.recording();
        let all = Analysis::of(&recording).partners(|actor| &**actor == of);
        let mut names: Vec<String> = all.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn who_uses_the_other_end_is_a_partner_whoever_accepted_it() {
        let mut script = Script::new();
        script.tcp_connection(("client", 2), ("server", 1, 3));
        script.socket("another", 4, "AF_INET", "SOCK_STREAM");
        script.call("another", 4, "connect", &[("address", here(5000))], 0);
        script.located("another", 4, here(40002)).accepts("server", 1, 5, here(40002));
        script.sends("client", 2, "x").receives("handler", 3, 8, "x");
        script.call("closer", 3, "close", &[], 0).receives("other handler", 5, 8, "");
        assert_eq!(partners(&script, "client"), ["closer", "handler", "server"]);
        assert_eq!(partners(&script, "handler"), ["client"]);
    }

    #[test]
    fn who_takes_or_sends_datagrams_is_a_partner() {
        let mut script = Script::new();
        script.udp("server", 1, 4000).udp("client", 2, 4001).udp("another", 3, 4002);
        script.sends_to("client", 2, "hello", 4000).receives_from("reader", 1, 9, "hello", 4001);
        script.sends_to("client", 2, "late", 4000);
        assert_eq!(partners(&script, "client"), ["reader", "server"]);
        assert_eq!(partners(&script, "reader"), ["client"]);
        assert!(partners(&script, "another").is_empty());
    }

    #[test]
    fn who_listens_is_a_partner_of_whom_it_has_not_accepted() {
        let mut script = Script::new();
        script.unix_listener("server", 1).unix_connect("client", 2);
        assert_eq!(partners(&script, "client"), ["server"]);
    }
}
