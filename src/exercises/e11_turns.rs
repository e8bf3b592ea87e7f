//! Exercise 11: a chat by turns, in which lines and characters stay whole.

use super::kit::{
    answer, caller, client, dribble, end, exits, free_port, has_shown, is_end, listening,
    listens_at, receive, received, require, require_answer, shown, silence,
};
use crate::capture::{Lab, Program, Proof, Result, Socket};
use crate::experiments::judge;

/// The role of the learner's program; it plays both sides.
const CHAT: &str = "chat";
/// The notes' buffer of 1024 bytes ends within one of its characters.
const LONG: usize = 400;

judge!(chat_by_turns);
/// The learner's program as a server, then as a client.
fn chat_by_turns(lab: &Lab) -> Result<()> {
    is_called(lab)?;
    calls(lab)
}

/// Alice calls the learner's server, and speaks first.
fn is_called(lab: &Lab) -> Result<()> {
    let port = free_port(lab)?;
    let mut server = lab.program_as("chat server", CHAT, &["server".into(), port.to_string()])?;
    let at = listens_at(lab, "listens-at-the-port", &server, port)?;

    lab.part("a line comes");
    let alice = client(lab, "alice", &at)?;
    let before = server.printed().len();
    alice.send_all("你好\n".as_bytes())?;
    require(lab, "shows-the-line", was_shown(&server, before, "你好"))?;

    lab.part("two lines are typed");
    server.type_line("你也好啊\n");
    require(lab, "sends-its-answer", was_received(&server, &alice, "你也好啊\n"))?;
    server.type_line("在吗？\n");
    let out_of_turn = received("alice", &silence(&server, &alice), b"");
    require(lab, "waits-for-its-turn", out_of_turn)?;
    alice.send_all("在\n".as_bytes())?;
    require(lab, "waits-for-its-turn", was_received(&server, &alice, "在吗？\n"))?;

    lab.part("a line in pieces");
    let before = server.printed().len();
    let line = "吃了吗？";
    let heard = "你好\n在\n".len() as u64;
    dribble(&server, &alice, heard, [line, "\n"].concat().as_bytes().chunks(4))?;
    require(lab, "keeps-characters-whole", was_shown(&server, before, line))?;
    server.type_line("吃了\n");
    require(lab, "keeps-characters-whole", was_received(&server, &alice, "吃了\n"))?;

    lab.part("a long line");
    let before = server.printed().len();
    let line = "长".repeat(LONG);
    alice.send_all([&line, "\n"].concat().as_bytes())?;
    require(lab, "keeps-long-lines-whole", was_shown(&server, before, &line))?;
    server.type_line("好长\n");
    require(lab, "keeps-long-lines-whole", was_received(&server, &alice, "好长\n"))?;

    lab.part("two lines at once");
    let before = server.printed().len();
    alice.send_all("早\n你呢？\n".as_bytes())?;
    require(lab, "takes-line-by-line", was_shown(&server, before, "早"))?;
    server.type_line("早\n我很好\n");
    require(lab, "takes-line-by-line", was_received(&server, &alice, "早\n我很好\n"))?;

    lab.part("the other side leaves");
    alice.close()?;
    require(lab, "ends-with-the-other-side", exits("server", end(&server)))
}

/// The learner's client calls Bob, and speaks first.
fn calls(lab: &Lab) -> Result<()> {
    lab.part("the client");
    let (listener, port) = listening(lab, "bob")?;
    let mut client = lab.program_as("chat client", CHAT, &["client".into(), port.to_string()])?;
    let bob = caller(lab, &client, &listener, "calls-the-port")?;
    listener.close()?;
    client.type_line("喂？\n");
    require_answer(lab, &client, "speaks-first", "bob", &bob, "喂？\n".as_bytes())?;
    let before = client.printed().len();
    bob.send_all("喂！\n".as_bytes())?;
    let heard = shown(&client, before, "喂！");
    require(lab, "speaks-first", has_shown("client", heard, "喂！"))?;

    lab.part("the end of its input");
    client.end_input();
    let is_told = is_end("bob", &receive(&client, &bob, &mut [0; 64]));
    drop(bob);
    let exit = exits("client", end(&client));
    require(lab, "ends-at-the-end-of-its-input", is_told.and(exit))
}

/// What alice sent is on the screen of the server.
fn was_shown(server: &Program, after: usize, text: &str) -> Proof {
    has_shown("server", shown(server, after, text), text)
}

/// What was typed at the server has come to alice.
fn was_received(server: &Program, alice: &Socket, text: &str) -> Proof {
    received("alice", &answer(server, alice, text.len()), text.as_bytes())
}
