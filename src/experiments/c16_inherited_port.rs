//! Case 16: a server was killed, and its port is still taken: by a child that inherited the descriptor.

use super::kit::{claim_shown, connected, names_process, no_answer, ss};
use super::l05_process::{
    bind_again, claim_if_told, helper_pid, helper_runs, killed_beside_its_helper,
};
use super::{Need, Stepping, Why, experiment};
use crate::capture::{Lab, Result, eq, failed_with, succeeded};

experiment!(inherited_port, needs = &[Need::Proc], stepping = Stepping::Whole(Why::SharedChannel));
/// A server that has started a helper program is killed. The helper lives on, and has its listening socket.
fn inherited_port(lab: &Lab) -> Result<()> {
    let (server, at, alice) = killed_beside_its_helper(lab, "inherited")?;
    let refused = failed_with("bind", &bind_again(lab, &at)?, "EADDRINUSE");
    claim_if_told(lab, "the-port-is-taken", helper_runs(lab).map(|runs| refused.and(runs)));
    let carol = connected(&lab.actor("carol"), &at);
    lab.claim("clients-are-not-refused", succeeded("connect", &carol));
    let carol = carol?;
    let rows = ss(lab, "-ltnp", &at);
    let helper = helper_pid(lab);

    server.collect()?; // the helper's standard input ends, and with it the helper
    let end = eq("alice.recv", alice.recv(&mut [0; 64])?, 0);
    let end = end.and(failed_with("carol.recv", &carol.recv(&mut [0; 64]), "ECONNRESET"));
    let bound = succeeded("bind", &bind_again(lab, &at)?);
    lab.claim("free-when-the-child-has-ended", end.and(bound));

    let helper = helper.ok_or(no_answer("ss"));
    let named = rows.and_then(|rows| names_process(&rows, helper?));
    claim_shown(lab, "ss-names-the-child", named);
    Ok(())
}

experiment!(
    not_inherited_port,
    needs = &[Need::Proc],
    stepping = Stepping::Whole(Why::SharedChannel)
);
/// The same server with close-on-exec on its sockets.
fn not_inherited_port(lab: &Lab) -> Result<()> {
    let (server, at, alice) = killed_beside_its_helper(lab, "close on exec")?;
    let end = eq("alice.recv", alice.recv(&mut [0; 64])?, 0);
    let bound = succeeded("bind", &bind_again(lab, &at)?);
    let free = end.and(bound);
    claim_if_told(lab, "free-though-the-child-runs", helper_runs(lab).map(|runs| free.and(runs)));
    server.collect()?;
    Ok(())
}
