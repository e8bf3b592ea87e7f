//! Any bytes into the frame decoder: an answer, never a panic. `cargo fuzz run --fuzz-dir tests/fuzz frame`
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let layers = socket_explorer::capture::link::decode(bytes);
    let _ = layers.to_string();
});
