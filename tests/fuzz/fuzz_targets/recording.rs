//! Any bytes as a recording, through every view: an answer, never a panic. `cargo fuzz run --fuzz-dir tests/fuzz recording`
#![no_main]

use libfuzzer_sys::fuzz_target;
use socket_explorer::trace::recording;
use socket_explorer::views;

fuzz_target!(|bytes: &[u8]| {
    for recording in &recording::read(bytes).recordings {
        for view in views::all() {
            let _ = view.draw(recording, 80);
        }
    }
});
