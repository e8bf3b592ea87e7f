use super::*;
use crate::analysis::script::{Script, data, fits_everywhere, here};
use crate::trace::recording::SourceLine;
use crate::trace::{Outcome, Site};

/// A message that was answered half read, and a datagram that was cut three times at the same line.
fn faults() -> Script {
    let mut script = Script::new();
    script.process("client", 1).process("server", 2);
    script.tcp_connection(("client", 1), ("server", 2, 3));
    script.sends("client", 1, "hello world").receives("server", 3, 5, "hello");
    script.sends("server", 3, "ok").receives("client", 1, 1024, "ok");
    script.udp("logger", 5, 5000).udp("client", 6, 5001);
    for _ in 0..3 {
        script.sends_to("client", 6, "hello", 5000);
        let call = script.enter("logger", 5, "recv_from", &[("size", 3.into())]);
        let out = [("data", data("hel")), ("address", here(5001))];
        script.leave("logger", &call, Outcome::Result(3), &out);
    }
    script
}

#[test]
fn a_finding_says_what_where_and_what_to_do() {
    let mut recording = faults().recording();
    let site = Site { file: "src/experiments/sample.rs".into(), line: 7 };
    recording.cite(SourceLine { source: site, text: "data = conn.recv(5)".to_owned() });
    insta::assert_snapshot!(draw(&Analysis::of(&recording), 80).text());
    fits_everywhere(&recording, draw);
}

#[test]
fn without_a_finding_it_says_no_more_than_that() {
    let recording = Script::connected().recording();
    let text = draw(&Analysis::of(&recording), 80).text();
    assert!(text.starts_with("(no fault was found"), "{text}");
    fits_everywhere(&recording, draw);
}
