//! Exercise 12: a chat in which either side may speak at any time, and which ends.

use std::net::Shutdown;
use std::time::Duration;

use super::kit::{
    answer, caller, client, end, exits, free_port, has_shown, is_end, listening, listens_at,
    receive, received, require, require_answer, rests, shown, until_ended,
};
use crate::capture::{Lab, Result, eq};
use crate::experiments::judge;
use crate::trace::label;

/// The role of the learner's program; it plays both sides.
const CHAT: &str = "chat";

judge!(chat_at_any_time);
/// The learner's program as a server, then twice as a client.
fn chat_at_any_time(lab: &Lab) -> Result<()> {
    is_called(lab)?;
    calls(lab)?;
    is_cut_off(lab)
}

/// Alice calls the learner's server, talks, and leaves.
fn is_called(lab: &Lab) -> Result<()> {
    let port = free_port(lab)?;
    let mut server = lab.program_as("chat server", CHAT, &["server".into(), port.to_string()])?;
    let at = listens_at(lab, "listens-at-the-port", &server, port)?;

    lab.part("a line comes");
    let alice = client(lab, "alice", &at)?;
    let before = server.printed().len();
    alice.send_all(b"hello\n")?;
    let hello = shown(&server, before, "hello");
    require(lab, "shows-what-comes", has_shown("server", hello, "hello"))?;

    lab.part("a line is typed");
    let typed = "你好\n";
    server.type_line(typed);
    let name = "sends-what-is-typed";
    require_answer(lab, &server, name, "alice", &alice, typed.as_bytes())?;

    lab.part("another line is typed");
    let typed = "在吗？\n";
    server.type_line(typed);
    require_answer(lab, &server, "speaks-twice", "alice", &alice, typed.as_bytes())?;

    lab.part("more lines come");
    let before = server.printed().len();
    alice.send_all("在\n".as_bytes())?;
    alice.send_all("吃了吗？\n".as_bytes())?;
    let second = shown(&server, before, "吃了吗？");
    require(lab, "hears-twice", has_shown("server", second, "吃了吗？"))?;

    lab.part("nobody speaks");
    require(lab, "costs-nothing", rests(&server))?;

    lab.part("the other side leaves");
    alice.close()?;
    require(lab, "ends-with-the-other-side", exits("server", end(&server)))
}

/// The learner's client calls Bob, and says goodbye first.
fn calls(lab: &Lab) -> Result<()> {
    lab.part("goodbye");
    let (listener, port) = listening(lab, "bob")?;
    let mut client = lab.program_as("chat client", CHAT, &["client".into(), port.to_string()])?;
    let bob = caller(lab, &client, &listener, "calls-the-port")?;
    listener.close()?;
    let said = "是我\n再见\n";
    client.type_line(said);
    client.end_input();
    let heard = answer(&client, &bob, said.len());
    let heard = received("bob", &heard, said.as_bytes());
    let is_told = is_end("bob", &receive(&client, &bob, &mut [0; 64]));
    require(lab, "says-goodbye", heard.and(is_told))?;

    let before = client.printed().len();
    bob.send_all("保重\n".as_bytes())?;
    let last_word = shown(&client, before, "保重");
    require(lab, "hears-the-last-word", has_shown("client", last_word, "保重"))?;
    bob.shutdown(Shutdown::Write)?;
    require(lab, "ends-after-goodbye", exits("client", end(&client)))
}

/// The learner's client is cut off by an RST.
fn is_cut_off(lab: &Lab) -> Result<()> {
    lab.part("the connection is cut");
    let (listener, port) = listening(lab, "carol")?;
    let words = ["client".into(), port.to_string()];
    let client = lab.program_as("chat client", CHAT, &words)?;
    let carol = caller(lab, &client, &listener, "calls-the-port")?;
    carol.send_all(b"I am cut off\n")?;
    carol.set_linger(Some(Duration::ZERO))?; // close() sends an RST
    carol.close()?;
    let has_ended = if until_ended(&client) { label!("has ended") } else { label!("it runs on") };
    let explanation =
        label!("carol broke the connection off, so client should have ended; it runs on");
    let ends = eq("second chat client", has_ended, label!("has ended"));
    lab.claim("ends-when-cut-off", ends.explained(explanation));
    Ok(())
}
