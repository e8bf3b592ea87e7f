//! When what was sent on a stream had come to its receiver, on one machine.
//!
//! A send() that has returned has put its bytes into the buffer of its own socket. TCP sends a small piece on at once only if all
//! that it has sent before was acknowledged, or if the program has set TCP_NODELAY (Nagle: RFC 9293, 3.7.4), and the
//! acknowledgment may be delayed.

use std::collections::{HashMap, HashSet};

use super::{Analysis, Direction, Origin, Piece};
use crate::trace::{SockOpt, Syscall, Value};

/// So many bytes have room in the buffers of any connection whose program has not set their size.
pub(super) const LITTLE: usize = 16_384;
/// No acknowledgment is delayed for longer (RFC 1122, 4.2.3.2), in nanoseconds.
const DELAYED_ACK_NS: u64 = 500_000_000;

/// What the program has said of how its socket shall send.
#[derive(Clone, Copy)]
enum Sending {
    /// At once, since this time.
    AtOnce(u64),
    /// As is usual: when all before was acknowledged.
    Usual,
    /// When the program says so (`TCP_CORK`, `MSG_MORE`): nobody can tell.
    Corked,
}

impl Analysis<'_> {
    pub(super) fn find_arrivals(&mut self) {
        let ends = |it: &Direction| (it.from, it.to);
        let sound = self.directions.iter().filter(|it| it.sound);
        let by_ends: HashMap<_, &Direction> = sound.map(|it| (ends(it), it)).collect();
        let sendings = self.sendings();
        let arrivals = |it: &Direction| {
            let sending = sendings.get(&it.from).copied().unwrap_or(Sending::Usual);
            self.arrivals(it, sending, by_ends.get(&(it.to, it.from)).copied())
        };
        let all: Vec<Vec<u64>> = self.directions.iter().map(arrivals).collect();
        for (direction, arrived) in self.directions.iter_mut().zip(all) {
            direction.arrived = arrived;
        }
    }

    /// By when each send of this direction had come, at the latest.
    fn arrivals(
        &self,
        direction: &Direction,
        sending: Sending,
        back: Option<&Direction>,
    ) -> Vec<u64> {
        // By then all that was sent before has come.
        let mut here_ns = 0;
        let arrival = |(number, send): (usize, &Piece)| {
            let span = &self.calls[send.call];
            let leaves_ns = match sending {
                Sending::AtOnce(since_ns) if since_ns <= span.entered_ns => 0,
                Sending::AtOnce(_) | Sending::Usual if number > 0 => {
                    self.acknowledged_ns(here_ns, back)
                }
                Sending::AtOnce(_) | Sending::Usual => 0,
                Sending::Corked => u64::MAX,
            };
            let arrived_ns = span.returned_ns().max(leaves_ns);
            here_ns = arrived_ns.min(self.taken_ns(direction, send));
            arrived_ns
        };
        direction.sends.iter().enumerate().map(arrival).collect()
    }

    /// By when the sender has the acknowledgment of what had come to its peer by this time: with the next that this one
    /// sends, or by itself.
    fn acknowledged_ns(&self, here_ns: u64, back: Option<&Direction>) -> u64 {
        let by_itself_ns = here_ns.saturating_add(DELAYED_ACK_NS);
        let answer = back.and_then(|back| {
            let before = |piece: &Piece| self.calls[piece.call].entered_ns < here_ns;
            let answer = back.sends.get(back.sends.partition_point(before))?;
            let got = back.receives.partition_point(|piece| piece.end() <= answer.start);
            Some(self.calls[back.receives.get(got)?.call].returned_ns())
        });
        answer.map_or(by_itself_ns, |at_ns| at_ns.min(by_itself_ns))
    }

    /// When the whole of this send had been received.
    pub(super) fn taken_ns(&self, direction: &Direction, send: &Piece) -> u64 {
        let before = direction.receives.partition_point(|piece| piece.end() < send.end());
        let taken = direction.receives.get(before);
        taken.map_or(u64::MAX, |piece| self.calls[piece.call].returned_ns())
    }

    /// How each socket sends that is none of TCP's, or of which the program has said it.
    fn sendings(&self) -> HashMap<usize, Sending> {
        let sockets = self.sockets.iter().enumerate();
        let others = sockets.filter(|(_, socket)| socket.protocol_name() != "TCP");
        let mut all: HashMap<usize, Sending> =
            others.map(|(at, _)| (at, Sending::AtOnce(0))).collect();
        for span in &self.calls {
            let Some(socket) = span.socket else { continue };
            let is_tcp = self.sockets[socket].protocol_name() == "TCP";
            let is_corked = matches!(all.get(&socket), Some(Sending::Corked));
            let said = match &span.call.syscall {
                Syscall::SetOption { option: SockOpt::Cork, .. } => Sending::Corked,
                Syscall::Send { flags, .. } if flags.says_more() => Sending::Corked,
                Syscall::SetOption { option: SockOpt::NoDelay, value }
                    if span.result().is_some() =>
                {
                    match value {
                        Value::Number(0) => Sending::Usual,
                        _ => Sending::AtOnce(span.returned_ns()),
                    }
                }
                _ => continue,
            };
            if is_tcp && !is_corked {
                all.insert(socket, said);
            }
        }
        all
    }

    /// The sockets whose buffers a program has sized.
    pub(super) fn sized(&self) -> HashSet<usize> {
        let sizes = |syscall: &Syscall| {
            let Syscall::SetOption { option, .. } = syscall else { return false };
            matches!(option, SockOpt::SendBuffer | SockOpt::RecvBuffer)
        };
        let sized = self.calls.iter().filter(|span| sizes(&span.call.syscall));
        sized.filter_map(|span| span.socket).collect()
    }

    /// A socket, and if it was accepted the listening one, whose buffers it has.
    pub(super) fn with_listener(&self, socket: usize) -> impl Iterator<Item = usize> {
        let listener = match self.sockets[socket].origin {
            Origin::Accept(listener) => listener,
            _ => None,
        };
        [Some(socket), listener].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Analysis;
    use super::super::script::{Script, data};
    use crate::analysis::Unread;
    use crate::analysis::deliveries::Delivered;
    use crate::trace::{Outcome, Value};

    const MS: u64 = 1_000_000;

    /// What is done before the second of two sends, which a receive gets 40 ms later.
    fn second_send(before: impl Fn(&mut Script)) -> (bool, Option<Unread>) {
        let mut script = Script::new();
        script.tcp_connection(("client", 2), ("server", 1, 3));
        script.sends("client", 2, "12");
        before(&mut script);
        script.sends("client", 2, "hello world!");
        let size = [("size", Value::Number(1024))];
        let recv = script.enter("server", 3, "recv", &size);
        script.pass(40 * MS);
        script.leave("server", &recv, Outcome::Result(12), &[("data", data("hello world!"))]);
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let last = analysis.calls.iter().rfind(|span| span.receives()).expect("a receive");
        let sends = analysis.deliveries.iter().filter_map(|delivery| match delivery.what {
            Delivered::Data(unread) => Some((delivery.call, unread)),
            _ => None,
        });
        let mut of_client = sends.filter(|(call, _)| &*analysis.calls[*call].actor == "client");
        (last.may_have_blocked(), of_client.next_back().and_then(|(_, unread)| unread))
    }

    #[test]
    fn a_small_piece_may_wait_in_its_senders_buffer_until_all_before_is_acknowledged() {
        let takes = |script: &mut Script| {
            script.receives("server", 3, 2, "12");
        };
        assert_eq!(second_send(takes), (true, Some(Unread::Sent(12))));
        let answered = |script: &mut Script| {
            script.receives("server", 3, 2, "12").sends("server", 3, "ok");
            script.receives("client", 2, 9, "ok");
        };
        assert_eq!(second_send(answered), (false, Some(Unread::Bytes(12))));
        let long_ago = |script: &mut Script| {
            takes(script);
            script.pass(501 * MS);
        };
        assert_eq!(second_send(long_ago), (false, Some(Unread::Bytes(12))));
        let no_delay = |value: i64| {
            move |script: &mut Script| {
                takes(script);
                let level = ("level", "IPPROTO_TCP".into());
                let args = [level, ("option", "TCP_NODELAY".into()), ("value", value.into())];
                script.call("client", 2, "set_tcp_nodelay", &args, 0);
            }
        };
        assert_eq!(second_send(no_delay(1)), (false, Some(Unread::Bytes(12))));
        assert_eq!(second_send(no_delay(0)), (true, Some(Unread::Sent(12))));
        let corked = |script: &mut Script| {
            answered(script);
            let level = ("level", "IPPROTO_TCP".into());
            let args = [level, ("option", "TCP_CORK".into()), ("value", 1.into())];
            script.call("client", 2, "set_cork", &args, 0);
        };
        assert_eq!(second_send(corked), (true, Some(Unread::Sent(12))));
    }

    #[test]
    fn of_more_than_the_buffers_have_room_for_a_part_is_with_the_sender() {
        let mut script = Script::new();
        script.tcp_connection(("client", 2), ("server", 1, 3));
        script.sends("client", 2, &"a".repeat(super::LITTLE + 1));
        let recording = script.recording();
        let analysis = Analysis::of(&recording);
        let what = analysis.deliveries.iter().map(|delivery| delivery.what).next_back();
        assert_eq!(what, Some(Delivered::Data(Some(Unread::Sent(super::LITTLE + 1)))));
    }
}
