//! Binaries that are damaged: none makes the reader fail, and none is read beyond its end.

use proptest::prelude::*;

use super::super::binary::Binary;
use super::*;

/// Asks all that is ever asked of a binary.
fn read_all(path: &std::path::Path, addresses: &[u64]) -> Option<()> {
    let binary = Binary::open(path)?;
    let _ = binary.symbols(["_PyRuntime", "main"]);
    for address in addresses {
        let _ = binary.bias(*address, *address);
        let _ = binary.unwind().rule(*address);
        if let Some(debug) = binary.debug()
            && let Ok(mut functions) = debug.find_frames(*address).skip_all_loads()
        {
            while let Ok(Some(function)) = functions.next() {
                let _ = function.location;
            }
        }
    }
    Some(())
}

#[test]
fn a_damaged_binary_has_no_lines_or_wrong_ones_and_harms_nobody() {
    let source = Source::new("server.c", native::C);
    for options in [&["-g", "-O2"][..], &["-g", "-gz", "-fno-asynchronous-unwind-tables"]] {
        let Some(program) = source.compiled("cc", options) else { return };
        let whole = fs::read(&program).expect("read");
        let addresses: Vec<u64> = (0x1000..0x1400).step_by(8).collect();
        assert_eq!(read_all(&program, &addresses), Some(()), "undamaged");

        let places = prop::collection::vec((0..whole.len(), any::<u8>()), 0..40);
        // Headers stand at both ends of the file, and most damage elsewhere is not noticed.
        let headers = prop::collection::vec((0..2400_usize, any::<u8>()), 0..4);
        let damage = (places, headers, prop_oneof![Just(whole.len()), 0..whole.len()]);
        proptest!(ProptestConfig::with_cases(50), |((places, headers, length) in damage)| {
            let mut bytes = whole.clone();
            let ends = headers.iter().map(|(at, byte)| {
                (if *at < 400 { *at } else { whole.len() - (at - 400) - 1 }, *byte)
            });
            for (at, byte) in places.iter().copied().chain(ends) {
                bytes[at] = byte;
            }
            bytes.truncate(length);
            let path = source.folder.path().join("damaged");
            fs::write(&path, bytes).expect("written");
            let _ = read_all(&path, &addresses);
        });
    }
}
