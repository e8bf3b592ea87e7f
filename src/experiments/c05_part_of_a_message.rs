//! Case 5: messages in a stream. Each has its length in front, and is received whole, however it was cut.

use super::experiment;
use super::kit::{connection, count_calls, receive_exactly};
use crate::capture::{Lab, Proof, Result, Socket, at_least, eq};
use crate::trace::SyscallKind;

/// One is empty, and one has a newline in it: with a newline at the end of each they could not be told apart.
const MESSAGES: [&str; 3] = ["hello", "", "two\nlines"];

experiment!(length_prefix);
/// The same three messages twice: sent byte by byte, and with one send().
fn length_prefix(lab: &Lab) -> Result<()> {
    let (client, server) = connection(lab)?;
    client.set_tcp_nodelay(true)?; // no byte waits for the next
    let stream = MESSAGES.map(with_length).concat();

    lab.part("byte by byte");
    let received = lab.scope(|stage| {
        let reader = stage.actor("server", |_| receive_all(&server))?;
        for byte in &stream {
            // The server has taken the byte before, and wants more.
            reader.until_blocked_in(SyscallKind::Recv)?;
            client.send_all(&[*byte])?;
        }
        reader.finish()
    })?;
    let sends = eq("client's sends", count_calls(lab, "client", SyscallKind::Send), stream.len());
    let recvs = at_least("server's recvs", count_calls(lab, "server", SyscallKind::Recv), 10);
    lab.claim("cut-into-bytes", sends.and(recvs));
    lab.claim("whole-from-single-bytes", same_messages(&received));

    lab.part("in one piece");
    client.send_all(&stream)?;
    let received = receive_all(&server)?;
    lab.claim("whole-from-one-piece", same_messages(&received));
    Ok(())
}

/// The message as it is sent: its length in four bytes, in network order, and then the message.
fn with_length(message: &str) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), message.as_bytes()].concat()
}

/// Receives as many messages as were sent.
fn receive_all(from: &Socket) -> Result<Vec<String>> {
    MESSAGES.iter().map(|_| receive_message(from)).collect()
}

/// Receives the length, and then exactly as many bytes.
fn receive_message(from: &Socket) -> Result<String> {
    let mut length = [0; 4];
    receive_exactly(from, &mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    receive_exactly(from, &mut message)?;
    Ok(String::from_utf8_lossy(&message).into_owned())
}

/// These messages were received, in this order, and no others.
fn same_messages(received: &[String]) -> Proof {
    let shown = |messages: &[String]| format!("{messages:?}");
    eq("messages", shown(received), shown(&MESSAGES.map(str::to_owned)))
}
