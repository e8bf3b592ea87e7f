//! Case 22: two servers on one port.

use super::kit::{claim_shown, connected, ss, tcp_socket};
use super::{Need, Stepping, Why, experiment};
use crate::capture::{Interest, Lab, Result, Socket, at_least, eq, failed_with, succeeded};
use crate::trace::Feature;

/// How many clients come. That one of two servers gets none of them happens once in 2^31 runs.
const CLIENTS: usize = 32;

experiment!(
    two_servers_one_port,
    needs = &[Need::Has(Feature::SharedPort)],
    stepping = Stepping::Whole(Why::Many)
);
/// Two servers set SO_REUSEPORT and listen on one port; clients come.
fn two_servers_one_port(lab: &Lab) -> Result<()> {
    let first = sharing(lab, "first server")?;
    first.bind(&lab.here(0))?;
    first.listen(128)?;
    let at = first.local_addr()?;
    let second = sharing(lab, "second server")?;
    let bound = succeeded("bind", &second.bind(&at));
    lab.claim("both-listen", bound.and(succeeded("listen", &second.listen(128))));

    let client = lab.actor("client");
    let _clients: Vec<_> =
        (0..CLIENTS).map(|_| connected(&client, &at)).collect::<Result<_, _>>()?;
    let rows = ss(lab, "-ltnp", &at);
    let (of_first, of_second) = accept_all(lab, &first, &second)?;
    let both = at_least("clients of the first server", of_first, 1);
    let both = both.and(at_least("clients of the second server", of_second, 1));
    lab.claim("each-gets-a-part", both);

    claim_shown(lab, "ss-shows-two", rows.map(|rows| eq("rows of ss", rows.len(), 2)));
    Ok(())
}

experiment!(one_server_one_port, needs = &[Need::Has(Feature::SharedPort)]);
/// The same two servers, with SO_REUSEADDR in its place.
fn one_server_one_port(lab: &Lab) -> Result<()> {
    let first = tcp_socket(lab, "first server")?;
    first.set_reuse_address(true)?;
    first.bind(&lab.here(0))?;
    first.listen(128)?;
    let at = first.local_addr()?;
    let second = tcp_socket(lab, "second server")?;
    second.set_reuse_address(true)?;
    lab.claim("the-second-is-refused", failed_with("bind", &second.bind(&at), "EADDRINUSE"));

    let second = sharing(lab, "second server")?; // SO_REUSEPORT, which the first has not set
    lab.claim("one-alone-cannot-share", failed_with("bind", &second.bind(&at), "EADDRINUSE"));
    Ok(())
}

/// A socket that lets others have its port.
fn sharing(lab: &Lab, actor: &str) -> Result<Socket> {
    let socket = tcp_socket(lab, actor)?;
    socket.set_reuse_port(true)?;
    Ok(socket)
}

/// Accepts every client, at the server to which the kernel gave it, and says how many each got.
fn accept_all(lab: &Lab, first: &Socket, second: &Socket) -> Result<(usize, usize)> {
    let (servers, mut of_first, mut of_second) = (lab.actor("first server"), 0, 0);
    while of_first + of_second < CLIENTS {
        let both = [(first, Interest::Read), (second, Interest::Read)];
        let ready = servers.poll(&both, None)?;
        if ready.readable(first) {
            first.accept()?;
            of_first += 1;
        }
        if ready.readable(second) {
            second.accept()?;
            of_second += 1;
        }
    }
    Ok((of_first, of_second))
}
