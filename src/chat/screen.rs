//! Where what the peer says is shown. What it shows has been made safe already: see `message`.

use std::io::{self, Write};

/// Shows what the peer says, and what the chat itself has to say.
pub trait Screen: Sync {
    /// What the peer said, labelled.
    fn show(&self, text: &str) -> io::Result<()>;

    /// What the chat has to say: one line.
    fn note(&self, text: &str);

    /// Whether a person sits before it: then the chat is over when the peer has left.
    fn is_terminal(&self) -> bool {
        false
    }

    /// Shows a trace, as it is made.
    fn trace(&self, rows: &str);
}

/// Standard output, with nobody before it: what the peer says goes there and nothing else; the rest goes to standard error.
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
        // Straight to the descriptor: standard output's own buffer would search each text for its last newline.
        #[cfg(unix)]
        {
            let mut left = text.as_bytes();
            while !left.is_empty() {
                match nix::unistd::write(io::stdout(), left) {
                    Err(nix::errno::Errno::EINTR) => {}
                    // Whoever shares the description has made it non-blocking: that is no reason to end.
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
        // With standard error closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "{text}");
    }

    fn trace(&self, rows: &str) {
        let _ = io::stderr().write_all(rows.as_bytes());
    }
}
