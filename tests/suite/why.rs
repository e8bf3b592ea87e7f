//! `explore why`: what people type, and the cases that it leads to.

use socket_explorer::lesson::cases::{Index, cases, messages};

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
    let (out, _, code) = told(&["why", "Address already in use"]);
    assert_eq!(code, Some(0));
    let [list, first] = ["the likeliest first", "Is it this?"].map(|text| out.find(text));
    assert!(list.is_some() && list < first, "{out}");
    let rows = [" 1  ", "16  "].map(|row| out.find(&format!("\n {row}")));
    assert!(rows[0].is_some() && rows[0] < rows[1] && rows[1] < first, "{out}");
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
fn an_error_that_no_case_is_about_is_told_with_its_wordings_and_its_lesson() {
    for words in ["EAFNOSUPPORT", "OSError: [Errno 97] Address family not supported by protocol"] {
        let (out, err, code) = told(&["why", words]);
        assert_eq!((out.as_str(), code), ("", Some(2)));
        for told in ["EAFNOSUPPORT", "explore why EAFNOSUPPORT --list-texts", "explore lesson 3"] {
            assert!(err.contains(told), "{words}: {err}");
        }
    }
    let (_, err, _) = told(&["why", "EISCONN"]);
    assert!(err.contains("EISCONN") && !err.contains("lesson"), "{err}");
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

#[test]
fn what_people_type_leads_to_the_right_case_nine_times_in_ten() {
    let cases = cases().expect("well formed");
    let typed = include_str!("../data/queries.tsv").lines().filter(|line| !line.starts_with('#'));
    let typed: Vec<(&str, &str)> = typed.filter_map(|line| line.split_once('\t')).collect();
    assert!(typed.len() >= 50);
    let index = Index::of(&cases);
    let first = |words: &str| index.hits(words).first().map(|hit| hit.case.lesson.slug.clone());
    let wrong = typed.iter().filter(|(words, slug)| first(words).as_deref() != Some(*slug));
    let wrong: Vec<_> = wrong.map(|(words, slug)| (words, slug, first(words))).collect();
    assert!(wrong.len() * 10 <= typed.len(), "{wrong:#?}");
}

#[test]
fn a_few_words_about_what_is_seen_lead_to_all_that_it_may_be_in_either_language() {
    let asked: [(&[&str], &[u32]); 8] = [
        (&["my program hangs", "程序卡住了", "我的程序一直卡住"], &[27, 10, 7, 9]),
        (&["I receive nothing"], &[6, 9]),
        (&["收不到数据"], &[6, 9, 24, 25]),
        (&["连不上服务器"], &[2, 7, 8]),
        (&["cannot connect", "can't connect", "can\u{2019}t connect"], &[2, 7, 8]),
        (&["cannot connect to the server"], &[2, 7, 8]),
        (&["port is taken"], &[1, 16]),
        (&["端口被占用"], &[1]),
    ];
    let cases = cases().expect("well formed");
    let index = Index::of(&cases);
    for (words, all) in asked.iter().flat_map(|(words, all)| words.iter().map(move |it| (it, all)))
    {
        let found: Vec<u32> = index.hits(words).iter().map(|hit| hit.case.number).collect();
        assert_eq!(found.first(), all.first(), "{words}: {found:?}");
        assert!(all.iter().all(|number| found.contains(number)), "{words}: {found:?}");
    }
}

/// What a teacher would say first.
#[test]
fn an_everyday_symptom_leads_first_to_its_case_in_either_language() {
    let asked: [(u32, &[&str]); 13] = [
        (1, &["the port is already taken", "重启服务器时端口被占用"]),
        (4, &["my server crashes when a client disconnects", "客户端断开后服务器崩溃"]),
        (4, &["client disconnects and my server dies", "服务器在客户端断开后退出"]),
        (5, &["messages arrive cut in half", "消息粘在一起", "收到的消息只有一半"]),
        (6, &["recv returns 0", "recv 返回 0", "cpu 100% recv loop"]),
        (7, &["connect hangs for minutes", "connect 卡住了"]),
        (8, &["other computers cannot connect to my server", "别的电脑连不上我的服务器"]),
        (9, &["my recv hangs", "recv 一直不返回", "客户端掉线了，服务器不知道"]),
        (9, &["the connection drops after some idle time", "连接空闲一会儿就断开"]),
        (13, &["slow small messages", "小包延迟"]),
        (14, &["udp packets get lost", "udp 丢包", "udp 收不到"]),
        (26, &["dns lookup fails", "名字解析失败", "域名无法解析"]),
        (28, &["the text that I receive is garbled", "收到的中文乱码"]),
    ];
    let cases = cases().expect("well formed");
    let index = Index::of(&cases);
    for (number, words) in asked.iter().flat_map(|(case, all)| all.iter().map(move |it| (case, it)))
    {
        let found: Vec<u32> = index.hits(words).iter().map(|hit| hit.case.number).collect();
        assert_eq!(found.first(), Some(number), "{words}: {found:?}");
    }
    let beside: Vec<u32> = index.hits("名字解析失败").iter().map(|it| it.case.number).collect();
    assert_eq!(beside, [26], "what has only the half of it is not told beside it");
}

/// However an error is said, it leads to the same cases, or to the same lesson.
#[test]
fn an_error_is_found_by_its_name_and_by_every_plain_wording() {
    let cases = cases().expect("well formed");
    let index = Index::of(&cases);
    let found = |words: &str| {
        let hits: Vec<u32> = index.hits(words).iter().map(|hit| hit.case.number).collect();
        (hits, index.error_without_case(words))
    };
    assert_eq!(found("EAFNOSUPPORT"), (Vec::new(), Some("EAFNOSUPPORT")));
    assert_eq!(found("EINVAL").0.first(), Some(&10));
    for words in ["Invalid argument", "无效的参数", "参数无效"] {
        assert_eq!(found(words), found("EINVAL"), "{words}");
    }
    // some texts are said of two errors
    let named = || messages::all().filter(|message| message.error.starts_with('E'));
    let errors_of = |text: &str| -> Vec<&str> {
        named().filter(|it| it.text.eq_ignore_ascii_case(text)).map(|it| it.error).collect()
    };
    for message in
        named().filter(|it| it.place.starts_with("glibc") || it.place.starts_with("explore"))
    {
        let wanted: Vec<_> = errors_of(message.text).into_iter().map(found).collect();
        assert!(wanted.contains(&found(message.text)), "{}: {wanted:?}", message.text);
    }
}

#[test]
fn every_phrase_of_a_case_leads_to_it_first() {
    let cases = cases().expect("well formed");
    let index = Index::of(&cases);
    for case in &cases {
        for phrase in &case.phrases {
            let first = index.hits(phrase).first().map(|hit| hit.case.lesson.slug.as_str());
            assert_eq!(first, Some(case.lesson.slug.as_str()), "{phrase}");
        }
    }
}

#[test]
fn every_case_that_a_finding_names_is_there() {
    let words = include_str!("../../src/views/findings/course.rs");
    let from = words.find("fn case(").expect("which case a finding leads to");
    let body = &words[from..from + words[from..].find("\n}\n").expect("its end")];
    let named: Vec<_> = body.split('"').skip(1).step_by(2).collect();
    let cases = cases().expect("well formed");
    assert!(named.len() > 10, "{named:?}");
    for slug in named {
        assert!(cases.iter().any(|case| case.lesson.slug == slug), "{slug}");
    }
}
