//! Any bytes from a peer, cut anywhere: the same text, and nothing in it that a terminal would obey.
//! `cargo fuzz run --fuzz-dir tests/fuzz message`
#![no_main]

use libfuzzer_sys::fuzz_target;
use socket_explorer::chat::message_decoder::MessageDecoder;
use socket_explorer::text::is_safe_to_show;

fuzz_target!(|input: (bool, u16, &[u8])| {
    let (at_terminal, cut, bytes) = input;
    let shown = |cut: usize| {
        let (mut decoder, mut text) = (MessageDecoder::new("Jack: ", at_terminal), String::new());
        bytes.chunks(cut.max(1)).for_each(|piece| decoder.push(piece, &mut text));
        decoder.finish(&mut text);
        text
    };
    let text = shown(bytes.len());
    assert_eq!(text, shown(cut.into()));
    assert!(text.chars().all(|character| is_safe_to_show(character) || character == '\n' || (character == '\t' && !at_terminal)));
});
