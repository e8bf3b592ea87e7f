//! A recording says what the lines of the source that it cites said, so that it outlives them.

use socket_explorer::experiments;

use crate::course_run;

#[test]
fn a_recording_has_the_text_of_each_line_that_it_cites() {
    let mut cited = 0;
    for recording in course_run::english().iter().flat_map(|lesson| &lesson.recordings) {
        for site in recording.events().iter().filter_map(|event| event.site()) {
            let text = experiments::line_of(site);
            assert_eq!(recording.source_line(site), text.as_deref(), "{site}");
            cited += usize::from(text.is_some());
        }
    }
    assert!(cited > 1000, "only {cited} citations of a line that is part of the program");
}
