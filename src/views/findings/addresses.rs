//! Who holds an address, or listens nearby, in words.

use crate::analysis::findings::{Holder, Nearby, Process, Relation};
use crate::i18n::tr;
use crate::picture::span_of;
use crate::trace::{Address, FileType};
use crate::views::wording::{self, safe};

pub(super) fn at(address: &Address) -> String {
    safe(&wording::address(address))
}

pub(super) fn in_use(who: &str, address: &Address, holder: &Holder) -> String {
    let address = at(address);
    match holder {
        Holder::Itself => {
            tr!(
                "{who} asked for {address}, which is in use: it has another socket there itself.",
                who,
                address
            )
        }
        Holder::Open(owner) => {
            let owner = wording::actor(owner);
            tr!(
                "{who} asked for {address}, which is in use: {owner} has a socket there.",
                who,
                address,
                owner
            )
        }
        Holder::Closed(owner) => {
            let owner = wording::actor(owner);
            tr!(
                "{who} asked for {address}, which is in use: {owner} had connections there, and closed them first.",
                who,
                address,
                owner
            )
        }
        Holder::Inherited { from, by } => {
            let from = wording::actor(from);
            let by = process(by);
            tr!(
                "{who} asked for {address}, which is in use: {by} inherited the socket that {from} had there, and has not closed it.",
                who,
                address,
                by,
                from
            )
        }
        Holder::Lingering { state, left_ns: Some(left_ns) } => {
            let (state, left) = (safe(state), span_of(*left_ns));
            tr!(
                "{who} asked for {address}, which is in use: a connection that was closed there stays in {state} for {left} more.",
                who,
                address,
                state,
                left
            )
        }
        Holder::Lingering { state, left_ns: None } => {
            let state = safe(state);
            tr!(
                "{who} asked for {address}, which is in use: a connection that was closed there is in {state}.",
                who,
                address,
                state
            )
        }
        Holder::Outside { process: it, relation: Relation::None } => {
            let process = process(it);
            tr!("{who} asked for {address}, which is in use by {process}.", who, address, process)
        }
        Holder::Outside { process: it, relation: Relation::Same } => {
            let process = it.number;
            tr!(
                "{who} asked for {address}, which is in use by PID {process}, which has the same command line: an earlier run has not ended, or has left a child that inherited the socket.",
                who,
                address,
                process
            )
        }
        Holder::Outside { process: it, relation: Relation::ChildOfSame } => {
            let process = process(it);
            tr!(
                "{who} asked for {address}, which is in use by {process}, a child of another run of {who}.",
                who,
                address,
                process
            )
        }
        Holder::Hidden(user) => {
            let process = process_of(*user);
            tr!("{who} asked for {address}, which is in use by {process}.", who, address, process)
        }
        Holder::File(FileType::Socket) => {
            tr!(
                "{who} asked for {address}, and a file of that name is there already, which a socket has left behind: nobody has that open.",
                who,
                address
            )
        }
        Holder::File(FileType::Other) => {
            tr!(
                "{who} asked for {address}, and a file of that name is there already, which is no socket.",
                who,
                address
            )
        }
        Holder::Unknown => {
            tr!(
                "{who} asked for {address}, which is in use, by nobody in this recording.",
                who,
                address
            )
        }
    }
}

/// A process of this user that cannot be looked into.
pub(super) fn process_of(user: Option<u32>) -> String {
    let user = user.map_or_else(|| tr!("another user").to_owned(), |user| tr!("user {user}", user));
    tr!("a process of {user}, which cannot be looked into", user)
}

/// A process, by its name in the recording or by its command line.
pub(super) fn process(process: &Process) -> String {
    match &process.actor {
        Some(actor) => wording::actor(actor),
        None => wording::command(&process.command, process.number),
    }
}

pub(super) fn nobody_listens(who: &str, address: &Address, nearby: Option<&Nearby>) -> String {
    let address = at(address);
    match nearby {
        None => tr!("{who} asked for {address}, and nobody listens there.", who, address),
        Some(Nearby { who: owner, later_ns, .. }) if *later_ns > 0 => {
            let (owner, span) = (wording::actor(owner), span_of(*later_ns));
            tr!(
                "{who} asked for {address}, and nobody listened there yet: {owner} did so {span} later.",
                who,
                address,
                owner,
                span
            )
        }
        Some(Nearby { who: owner, address: there, .. }) => {
            let (owner, there) = (wording::actor(owner), at(there));
            tr!(
                "{who} asked for {address}, and nobody listens there; {owner} listens at {there}.",
                who,
                address,
                owner,
                there
            )
        }
    }
}
