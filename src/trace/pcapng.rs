//! pcapng: the frames of a run as a file for Wireshark, tshark and tcpdump, with the link's actions as comments.
//!
//! The three kinds of blocks are written by hand, which takes fewer lines than adapting a library (the format is
//! draft-ietf-opsawg-pcapng). The file shows the link from the client's side: frames from the client are outbound.

use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use crate::trace::EventKind;
use crate::trace::packet::{End, Frame};
use crate::trace::recording::Recording;

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Writes the frames of these runs, in order, and returns their number.
///
/// Times are nanoseconds: the run's date and the time in the run added to it.
pub fn write<'a>(
    to: &mut dyn Write,
    recordings: impl IntoIterator<Item = &'a Recording>,
    comment: fn(&Frame) -> String,
) -> io::Result<u64> {
    // The byte-order mark, version 1.0, and a section length that is not said.
    let mut body = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0].to_vec();
    body.extend(u64::MAX.to_le_bytes());
    option(&mut body, 4, concat!("explore ", env!("CARGO_PKG_VERSION")).as_bytes());
    block(to, SECTION, body)?;
    // LINKTYPE_ETHERNET, two bytes kept free, no limit on a frame's length.
    let mut body = [1, 0, 0, 0, 0, 0, 0, 0].to_vec();
    option(&mut body, 2, b"wire");
    option(&mut body, 9, &[9]); // times count 10^-9 s
    block(to, INTERFACE, body)?;
    let mut written = 0;
    for recording in recordings {
        let began = humantime::parse_rfc3339(&recording.header.date).unwrap_or(UNIX_EPOCH);
        let began = began.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        for event in recording.events() {
            if let EventKind::Frame(frame) = &event.what {
                packet(
                    to,
                    frame,
                    &comment(frame),
                    began.saturating_add(Duration::from_nanos(event.at_ns)),
                )?;
                written += 1;
            }
        }
    }
    Ok(written)
}

fn packet(to: &mut dyn Write, frame: &Frame, comment: &str, at: Duration) -> io::Result<()> {
    let at = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX).to_le_bytes();
    let length = u32::try_from(frame.raw.0.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut body = 0_u32.to_le_bytes().to_vec(); // the interface
    body.extend([&at[4..], &at[..4], &length, &length].concat()); // captured, and as it was: all is kept
    body.extend(&frame.raw.0);
    pad(&mut body);
    option(&mut body, 1, comment.as_bytes());
    let direction: u32 = if frame.sent_by == End::Client { 2 } else { 1 };
    option(&mut body, 2, &direction.to_le_bytes());
    block(to, PACKET, body)
}

/// An option: its code, its length, its bytes.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    body.extend(value);
    pad(body);
}

/// Everything begins at a multiple of four bytes.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

/// A block: its type, its length at both ends, its body, and the mark that ends its options.
fn block(to: &mut dyn Write, kind: u32, mut body: Vec<u8>) -> io::Result<()> {
    body.extend([0; 4]);
    let length = u32::try_from(body.len() + 12).map_err(io::Error::other)?.to_le_bytes();
    to.write_all(&[&kind.to_le_bytes()[..], &length, &body, &length].concat())
}
