//! `explore why`: what people type, and the cases that it leads to.

use socket_explorer::lesson::cases::cases;

use crate::support::{file, folder, told, utf8};

#[test]
fn a_message_leads_to_its_case_and_lists_what_sets_others_apart() {
    let (out, err, code) = told(&["why", "BlockingIOError: [Errno 11]", "--list"]);
    assert_eq!((err.as_str(), code), ("", Some(0)));
    assert!(out.starts_with(" 12  "), "{out}");
    let case = cases().expect("well formed").into_iter().find(|case| case.number == 12);
    let tells = case.expect("it is there").tells;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&out).contains(&words(&tells)), "{out}");
}

#[test]
fn a_case_is_played_by_number_by_slug_and_as_a_page() {
    let (by_number, err, code) = told(&["why", "12"]);
    assert_eq!((err.as_str(), code), ("", Some(0)));
    for text in ["Is it this?", "EAGAIN", "When the cure is wrong", "explore lesson 9"] {
        assert!(by_number.contains(text), "{text}: {by_number}");
    }
    let folder = folder();
    let page = file(&folder, "page.html", "");
    let (_, err, code) = told(&["why", "would-block", "--html", utf8(&page), "--lang", "zh"]);
    assert_eq!((err.as_str(), code), ("", Some(0)));
    let page = std::fs::read_to_string(page).expect("it is written");
    assert!(page.contains("EAGAIN") && page.contains("</html>"));
}

#[test]
fn all_cases_are_listed_and_what_fits_none_is_said() {
    let (out, _, code) = told(&["why"]);
    assert_eq!(code, Some(0));
    for case in cases().expect("well formed") {
        let row = format!("{:>3}  ", case.number);
        assert!(out.lines().any(|line| line.starts_with(&row)), "{row}: {out}");
    }
    let (out, err, code) = told(&["why", "xyzzy"]);
    assert_eq!((out.as_str(), code), ("", Some(2)));
    assert!(err.contains("`xyzzy`") && err.contains("explore why"), "{err}");
}

#[test]
fn the_wordings_of_an_error_are_listed_with_their_sources() {
    let (out, _, code) = told(&["why", "epipe", "--list-texts"]);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("EPIPE\n"), "{out}");
    for text in ["Broken pipe", "BrokenPipeError", "[errno(3)"] {
        assert!(out.contains(text), "{text}: {out}");
    }
}
