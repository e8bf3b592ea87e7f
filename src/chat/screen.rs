//! Where messages are shown. [`message_decoder`](super::message_decoder) has already escaped their text.

use std::io::{self, Write};

use crate::text::{safe, wrap};

/// Shows the peer's messages, and the chat's own.
pub trait Screen: Sync {
    /// Shows the peer's messages, with their label.
    fn show(&self, text: &str) -> io::Result<()>;

    /// Shows a line of the chat's own.
    fn note(&self, text: &str);

    /// There is a peer.
    fn connected(&self) {}

    /// Whether this is a person's terminal. If so, the chat is over when the peer leaves.
    fn is_terminal(&self) -> bool {
        false
    }

    /// Shows new rows of the trace.
    fn trace(&self, rows: &str);
}

/// The chat's own words, broken between words for the window.
pub(super) fn in_rows(text: &str) -> String {
    wrap(&safe(text), columns()).join("\n") + "\n"
}

/// How many columns a row of standard output has.
pub(super) fn columns() -> usize {
    let columns = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    columns.filter(|columns| *columns > 0).unwrap_or(80).into()
}

/// Output to a file or pipe: the peer's messages go to standard output, everything else to standard error.
#[derive(Debug)]
pub struct Plain;

/// Waits until standard output takes more.
#[cfg(unix)]
fn until_writable() -> io::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let out = io::stdout();
    match poll(
        &mut [PollFd::new(std::os::fd::AsFd::as_fd(&out), PollFlags::POLLOUT)],
        PollTimeout::NONE,
    ) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Screen for Plain {
    fn show(&self, text: &str) -> io::Result<()> {
        // Straight to the descriptor: the buffer of `io::Stdout` would search each text for its last newline.
        #[cfg(unix)]
        {
            let mut left = text.as_bytes();
            while !left.is_empty() {
                match nix::unistd::write(io::stdout(), left) {
                    Err(nix::errno::Errno::EINTR) => {}
                    // Another process shares standard output and has made it non-blocking.
                    Err(nix::errno::Errno::EAGAIN) => until_writable()?,
                    written => left = &left[written?..],
                }
            }
            Ok(())
        }
        #[cfg(not(unix))]
        {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        }
    }

    fn note(&self, text: &str) {
        // If standard error is closed, this cannot be reported anywhere.
        let _ = writeln!(io::stderr(), "{text}");
    }

    fn trace(&self, rows: &str) {
        let _ = io::stderr().write_all(rows.as_bytes());
    }
}
