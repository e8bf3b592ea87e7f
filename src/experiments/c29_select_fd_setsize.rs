//! Case 29: select() takes no descriptor from 1024 on.

use std::fs::File;
use std::io;

use super::kit::{connection, epoll_or_kqueue, no_answer, says_readable};
use super::{Need, experiment};
use crate::capture::{Interest, Lab, Result, at_least, eq};
use crate::trace::Feature;

/// What Python says of a descriptor that is 1024 or more.
const PYTHON: &str = "import fcntl, select, sys; sys.stderr = sys.stdout; \
                      n = fcntl.fcntl(0, fcntl.F_DUPFD, 1024); select.select([n], [], [])";

experiment!(descriptor_above_1023, needs = &[Need::Has(Feature::Epoll)]);
fn descriptor_above_1023(lab: &Lab) -> Result<()> {
    let me = lab.actor("client");
    lab.raise_descriptor_limit();
    let open = || (0..1100).map(|_| File::open("/dev/null")).collect::<io::Result<Vec<_>>>();
    let _files = me.deed("open /dev/null, 1100 times", open)?;
    let (client, server) = connection(lab)?;
    let number = usize::try_from(client.descriptor()).unwrap_or(0);
    lab.claim("the-number-is-large", at_least("descriptor", number, 1024));

    server.send_all(b"hello")?;
    let ready = me.poll(&[(&client, Interest::Read)], None)?;
    let polled = says_readable("poll", ready.readable(&client));
    let epoll = me.epoll()?;
    epoll.epoll_ctl_add(&client, Interest::Read)?;
    let ready = epoll.epoll_wait(8, None)?;
    let waited = says_readable(epoll_or_kqueue("epoll", "kqueue"), ready.readable(&client));
    let n = client.recv(&mut [0; 64])?;
    lab.claim("poll-and-epoll-take-it", polled.and(waited).and(eq("recv", n, 5)));

    let said = lab.ask("python3", &["-c", PYTHON])?;
    let refused = "ValueError: filedescriptor out of range in select()";
    match said.lines().last() {
        Some(last) => lab.claim("select-refuses-it", eq("python3", last.to_owned(), refused)),
        None => lab.not_checked("select-refuses-it", no_answer("python3")),
    }
    Ok(())
}
