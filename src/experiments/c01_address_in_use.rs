//! Case 1: a port that is "already in use", by a server that runs, or by nobody.

use super::kit::{claim_shown, listening, names_nobody, names_process, ss, tcp_socket};
use super::l06_handshake::leave_in_time_wait;
use super::{Need, experiment};
use crate::capture::{Lab, Result, eq, failed_with};

experiment!(address_in_use, needs = &[Need::Proc]);
/// bind() fails twice: once beside a server that runs, once though none does.
fn address_in_use(lab: &Lab) -> Result<()> {
    lab.part("a server runs");
    let (server, at) = listening(lab, &lab.actor("server"))?;
    let answer = tcp_socket(lab, "next server")?.bind(&at);
    lab.claim("a-server-has-it", failed_with("bind", &answer, "EADDRINUSE"));
    let beside_a_server = ss(lab, "-tanp", &at);
    server.close()?;

    lab.part("no server runs");
    let (at, end) = leave_in_time_wait(lab, false)?; // its connection has ended, and so has the server
    let answer = tcp_socket(lab, "next server")?.bind(&at);
    let refused = failed_with("bind", &answer, "EADDRINUSE");
    lab.claim("nobody-has-it", refused.and(eq("old end", end.state()?, "TIME_WAIT")));
    let beside_nobody = ss(lab, "-tanp", &at);

    let running = beside_a_server.and_then(|rows| names_process(&rows, std::process::id()));
    claim_shown(lab, "ss-names-the-server", running);
    let nobody = beside_nobody.and_then(|rows| names_nobody(&rows, "TIME-WAIT"));
    claim_shown(lab, "ss-names-nobody", nobody);
    Ok(())
}
