//! Recordings of format 1, read as format 2. Nothing else knows format 1.
//!
//! First the names in a line's JSON are brought up to date, then the events that became other events.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::recording::Header;
use super::{
    Call, Event, EventKind, Fact, Observation, Outcome, Output, SockOpt, SocketId, Syscall,
};

/// The header in this line: it had the experiment's name in place of an origin.
pub(super) fn header(line: &[u8]) -> serde_json::Result<Header> {
    let mut line: Map<String, Value> = serde_json::from_slice(line)?;
    let parameters = line.remove("parameters").unwrap_or_else(|| json!({}));
    let origin = match line.remove("experiment").unwrap_or_default() {
        Value::String(name) if name == "chat" => json!("chat"),
        name => json!({"experiment": {"name": name, "parameters": parameters}}),
    };
    line.insert("origin".to_owned(), origin);
    serde_json::from_value(Value::Object(line))
}

/// The event in this line; `None` if format 2 has none for it.
///
/// Arguments lose their order on the way, which does no harm: every call of format 1 has a variant of [`Syscall`].
pub(super) fn event(line: &[u8]) -> serde_json::Result<Option<Event>> {
    let mut line: Map<String, Value> = serde_json::from_slice(line)?;
    rename_fields(&mut line);
    let mut event = serde_json::from_value(Value::Object(line))?;
    Ok(upgrade(&mut event).then_some(event))
}

fn rename_fields(line: &mut Map<String, Value>) {
    let kind = line.get("event").and_then(Value::as_str).unwrap_or_default();
    let renamed = match kind {
        "actor" => "started",
        "left" => "exited",
        "state" => "observed",
        kind => kind,
    }
    .to_owned();
    match &*renamed {
        "enter" | "return" | "held" => rename_call_fields(line),
        "deadline" => {
            let blocked = line.get_mut("blocked").and_then(Value::as_array_mut);
            let calls = blocked.into_iter().flatten().filter_map(Value::as_object_mut);
            calls.for_each(rename_call_fields);
        }
        "observed" => {
            let fields = ["local", "peer", "state"];
            let row: Map<_, _> =
                fields.iter().filter_map(|field| line.remove_entry(*field)).collect();
            line.insert("tcp_table".to_owned(), Value::Object(row));
        }
        // The rules were one sentence.
        "frame" => {
            let sentence = line.remove("rule").filter(|sentence| !sentence.is_null());
            line.insert("rules".to_owned(), sentence.into_iter().collect());
        }
        _ => {}
    }
    line.insert("event".to_owned(), Value::String(renamed));
}

/// The instrument's calls were marked, and the end of a scope was a call without a source line. 0 stood for no socket.
fn rename_call_fields(call: &mut Map<String, Value>) {
    let role = match (call.get("instrument"), call.get("source")) {
        (Some(Value::Bool(true)), _) => "instrument",
        (_, Some(_)) => "program",
        (_, None) => "scope-end",
    };
    call.insert("role".to_owned(), role.into());
    for (old, new) in [("function", "api"), ("source", "site")] {
        if let Some(value) = call.remove(old) {
            call.insert(new.to_owned(), value);
        }
    }
    if call.get("socket").is_some_and(|socket| *socket == 0) {
        call.remove("socket");
    }
}

/// Makes the event one of format 2; false if format 2 has none for it.
fn upgrade(event: &mut Event) -> bool {
    number_sockets(event);
    match &event.what {
        // The instrument's questions were calls; now only what was answered is recorded.
        EventKind::Enter(call) => !is_question(call),
        EventKind::Return(back) if is_question(&back.call) => {
            let fact = match (&back.call.syscall, &back.out) {
                (Syscall::GetSockName, Output::Name(local)) => Fact::Getsockname(local.clone()),
                (Syscall::GetPeerName, Output::Name(peer)) => Fact::Getpeername(peer.clone()),
                (_, Output::TcpInfo(info)) => Fact::TcpInfo(info.clone()),
                _ => return false,
            };
            let (socket, fd) = (back.call.socket, back.call.fd);
            event.what = EventKind::Observed(Observation { socket, fd, fact });
            true
        }
        _ => true,
    }
}

fn is_question(call: &Call) -> bool {
    call.is_instrument()
        && matches!(
            call.syscall,
            Syscall::GetSockName
                | Syscall::GetPeerName
                | Syscall::GetOption { option: SockOpt::TcpInfo }
        )
}

/// Each process numbered its sockets for itself, and socket() had the number before it had the socket.
fn number_sockets(event: &mut Event) {
    let of_process = |SocketId(number): SocketId| {
        SocketId::within(event.process, u32::try_from(number).unwrap_or(u32::MAX))
    };
    let number = |call: &mut Arc<Call>| -> Option<SocketId> {
        let socket = of_process(call.socket?);
        let opens = matches!(call.syscall, Syscall::Socket { .. });
        Arc::make_mut(call).socket = Some(socket).filter(|_| !opens);
        Some(socket)
    };
    match &mut event.what {
        EventKind::Held(call) | EventKind::Enter(call) => {
            number(call);
        }
        EventKind::Return(back) => {
            let socket = number(&mut back.call);
            match (&mut back.out, &back.outcome) {
                (Output::Accepted { socket, .. }, _) => *socket = of_process(*socket),
                (out, Outcome::Result(_))
                    if matches!(back.call.syscall, Syscall::Socket { .. }) =>
                {
                    *out = socket.map_or(Output::None, |socket| Output::Opened { socket });
                }
                _ => {}
            }
        }
        EventKind::Deadline { blocked, .. } => {
            blocked.iter_mut().for_each(|one| {
                number(&mut one.call);
            });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with these fields besides those that every event has.
    fn line(fields: &str) -> String {
        format!(r#"{{"at_ns":1,"actor":"server","process":2,"thread":2,{fields}}}"#)
    }

    #[test]
    fn a_line_is_read_as_its_equivalent_in_format_2() {
        let ends = r#""local":{"inet":"10.9.0.1:1"},"peer":{"inet":"10.9.0.2:2"},"state":"LISTEN""#;
        let raw = r#""frame":1,"sent_by":"client","payload_bytes":0,"raw":"","fate":"dropped""#;
        let close = r#""call":1,"syscall":"close","args":{"fd":3}"#;
        for (old, new) in [
            (r#""event":"actor","kind":"role""#, r#""event":"started","kind":"role""#),
            (r#""event":"left","cpu_ns":5"#, r#""event":"exited","cpu_ns":5"#),
            (
                &*format!(r#""event":"state",{ends},"source":"/proc/net/tcp""#),
                &*format!(r#""event":"observed","tcp_table":{{{ends}}}"#),
            ),
            (
                &*format!(r#""event":"frame",{raw},"rule":"drop the first SYN""#),
                &*format!(r#""event":"frame",{raw},"rules":["drop the first SYN"]"#),
            ),
            (
                &*format!(r#""event":"frame",{raw},"rule":null"#),
                &*format!(r#""event":"frame",{raw}"#),
            ),
            (
                &*format!(
                    r#""event":"enter",{close},"socket":7,"function":"close","source":"a.rs:1""#
                ),
                &*format!(
                    r#""event":"enter",{close},"socket":8589934599,"api":"close","site":"a.rs:1","role":"program""#
                ),
            ),
            (
                &*format!(r#""event":"enter",{close},"socket":0"#),
                &*format!(r#""event":"enter",{close},"role":"scope-end""#),
            ),
            (
                &*format!(r#""event":"enter",{close},"instrument":true,"source":"a.rs:1""#),
                &*format!(r#""event":"enter",{close},"role":"instrument","site":"a.rs:1""#),
            ),
        ] {
            let new: Event = serde_json::from_str(&line(new)).expect("format 2");
            assert_eq!(event(line(old).as_bytes()).expect("format 1"), Some(new), "{old}");
        }
        let question =
            r#""event":"enter","call":1,"syscall":"getsockname","args":{"fd":3},"instrument":true"#;
        assert_eq!(event(line(question).as_bytes()).expect("format 1"), None);
    }
}
