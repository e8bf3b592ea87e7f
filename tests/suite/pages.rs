//! Lessons as pages: whole, self-contained, no wider than the window that they are read in; and the pictures of the documents.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use roxmltree::{Document, ParsingOptions};
use socket_explorer::lesson;
use tempfile::TempDir;

use crate::course_run;
use crate::support::{file, folder, require, told, utf8};

#[path = "../maintain/pictures.rs"]
mod pictures;

/// Every page in both languages, by a name to complain by.
fn pages() -> Vec<(String, &'static str)> {
    let english =
        course_run::english().iter().map(|run| (format!("lesson {}", run.number), &*run.page));
    let book = course_run::chinese_book().iter();
    english.chain(book.map(|(name, page)| (format!("zh/{name}"), &**page))).collect()
}

/// Whether a page is that of a case, which asks for no prediction.
fn is_case(whose: &str) -> bool {
    let cases = lesson::cases::cases().expect("well formed");
    cases.iter().any(|case| whose == format!("zh/{}.html", case.lesson.slug))
}

fn parsed(html: &str) -> Document<'_> {
    Document::parse_with_options(
        html,
        ParsingOptions { allow_dtd: true, ..ParsingOptions::default() },
    )
    .expect("well-formed")
}

/// Everything that would make a browser fetch something, or run something.
fn assert_self_contained(document: &Document<'_>, whose: &str) {
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        let forbidden = [
            "script",
            "link",
            "img",
            "image",
            "iframe",
            "object",
            "embed",
            "use",
            "base",
            "form",
            "foreignObject",
        ];
        assert!(!forbidden.contains(&name), "{whose}: <{name}>");
        for attribute in node.attributes() {
            let is_link = attribute.name() == "href" && name == "a";
            let fetches =
                ["src", "srcset", "href", "data", "action", "background", "poster", "style"]
                    .contains(&attribute.name());
            assert!(
                is_link || !(fetches || attribute.name().starts_with("on")),
                "{whose}: <{name} {}>",
                attribute.name()
            );
        }
        if name == "style" {
            let css = node.text().unwrap_or_default();
            assert!(!css.contains("url(") && !css.contains("@import"), "{whose}: {css}");
        }
    }
}

#[test]
fn every_page_is_well_formed_and_self_contained_and_the_books_are_linked() {
    let book = course_run::chinese_book();
    let all = lesson::lessons_and_cases().expect("well formed");
    assert_eq!(book.len(), all.len() + 1);
    for (whose, html) in pages() {
        let document = parsed(html);
        assert_self_contained(&document, &whose);
        let language = if whose.starts_with("zh/") { "zh-CN" } else { "en" };
        assert_eq!(document.root_element().attribute("lang"), Some(language), "{whose}");
        let mut ids = BTreeSet::new();
        for node in document.descendants() {
            assert!(
                node.attribute("id").is_none_or(|id| ids.insert(id)),
                "{whose}: {:?} twice",
                node.attribute("id")
            );
            if let Some(to) =
                node.attribute("href").filter(|to| !to.starts_with("http") && !to.starts_with('#'))
            {
                assert!(book.contains_key(to), "{whose}: a link to {to}");
            }
            if node.has_tag_name(("http://www.w3.org/2000/svg", "svg")) || node.has_tag_name("svg")
            {
                let text_of = |name: &str| {
                    node.children()
                        .find(|child| child.tag_name().name() == name)
                        .and_then(|child| child.text())
                };
                assert_eq!(node.attribute("role"), Some("img"), "{whose}");
                assert!(
                    text_of("title").is_some()
                        && text_of("desc").is_some_and(|text| text.len() > 20),
                    "{whose}: a picture without words"
                );
            }
        }
        if whose != "zh/index.html" {
            assert!(html.contains("<svg") && html.contains("class=\"claims\""), "{whose}");
            assert_eq!(html.contains("class=\"predict\""), !is_case(&whose), "{whose}");
        }
    }
}

#[test]
fn what_answers_a_prediction_is_behind_a_click_and_not_the_rest() {
    for (whose, html) in pages().into_iter().filter(|(whose, _)| whose != "zh/index.html") {
        let document = parsed(html);
        let class = |node: &roxmltree::Node<'_, '_>, name| node.attribute("class") == Some(name);
        let outcome = |node: roxmltree::Node<'_, '_>| {
            node.ancestors().find(|it| it.has_tag_name("details") && class(it, "outcome")).is_some()
        };
        let all = |name: &'static str| document.descendants().filter(move |node| class(node, name));
        assert_eq!(all("predict").count(), all("outcome").count(), "{whose}");
        assert!(all("outcome").all(|details| !details.has_attribute("open")), "{whose}");
        assert!(
            (all("answer").count() > 0 || is_case(&whose)) && all("answer").all(outcome),
            "{whose}: an answer is seen"
        );
        let hidden = |name: &'static str| {
            document.descendants().filter(|node| node.has_tag_name(name)).any(outcome)
        };
        assert!(!all("predict").any(outcome) && !hidden("h2"), "{whose}: too much is hidden");
    }
}

#[test]
fn on_paper_everything_is_open() {
    let Some(browser) = require("chromium") else {
        return;
    };
    let folder = folder();
    let page = &course_run::english()[0].page;
    let opened =
        page.replace("<details class=\"outcome\">", "<details class=\"outcome\" open=\"\">");
    let sheets = [("closed", page), ("opened", &opened)].map(|(name, html)| {
        let html = file(&folder, &format!("{name}.html"), html);
        let printed = folder.path().join(format!("{name}.pdf"));
        let output = headless(browser.get_program(), &folder)
            .arg(format!("--print-to-pdf={}", printed.display()))
            .arg(format!("file://{}", html.display()))
            .output()
            .expect("the browser runs");
        let printed = fs::read(&printed)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        String::from_utf8_lossy(&printed).matches("/Type /Page\n").count()
    });
    assert!(sheets[0] > 1 && sheets[0] == sheets[1], "{sheets:?} sheets");
}

/// The browser, without a window, and with a profile of its own.
fn headless(browser: &OsStr, folder: &TempDir) -> Command {
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
        ])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .stdin(Stdio::null());
    command
}

/// A page that opens every page in frames of both widths and says which is wider than its frame, and where.
fn harness(pages: &[PathBuf]) -> String {
    let frames: String = pages
        .iter()
        .flat_map(|page| {
            [380, 1280].map(|width| {
                format!(
                    "<iframe src=\"file://{}\" width=\"{width}\" height=\"900\"></iframe>\n",
                    page.display()
                )
            })
        })
        .collect();
    let script = "
        onload = () => {
            const said = [];
            for (const frame of document.querySelectorAll('iframe')) {
                const page = frame.contentDocument, root = page.documentElement, where = frame.src + ' at ' + frame.width;
                page.querySelectorAll('details').forEach((details) => { details.open = true; });
                if (frame.contentWindow.innerWidth !== Number(frame.width)) said.push(where + ': not measured');
                if (root.scrollWidth > root.clientWidth) said.push(where + ': ' + root.scrollWidth + ' wide');
                for (const one of page.querySelectorAll('main *')) {
                    const box = one.getBoundingClientRect();
                    const scrolls = one.closest('.scroll, .listing');
                    if (scrolls === null || scrolls === one) {
                        if (box.width > 0 && box.right > root.clientWidth + 1) said.push(where + ': ' + one.outerHTML.slice(0, 80));
                    }
                }
                const shown = [...page.querySelectorAll('figure.picture svg')].filter((svg) => svg.getBoundingClientRect().width > 0);
                if (shown.length * 2 !== page.querySelectorAll('figure.picture svg').length) said.push(where + ': pictures are shown twice or not');
            }
            document.title = 'measured';
            document.getElementById('said').textContent = said.slice(0, 20).join('\\n');
        };";
    format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><pre id=\"said\">nothing</pre>\n{frames}<script>{script}</script>"
    )
}

#[test]
fn nothing_is_wider_than_a_telephone_or_a_desk() {
    let Some(browser) = require("chromium") else {
        return;
    };
    let folder = folder();
    let pages: Vec<_> = (0..)
        .zip(pages())
        .map(|(number, (_, page))| file(&folder, &format!("{number}.html"), page))
        .collect();
    let page = file(&folder, "harness.html", harness(&pages));
    let output = headless(browser.get_program(), &folder)
        .args(["--allow-file-access-from-files", "--dump-dom", "--window-size=1400,1000"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser runs");
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(
        dom.contains("<title>measured</title>"),
        "it was not measured: {dom}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        dom.contains("<pre id=\"said\"></pre>"),
        "{}",
        dom.split("</pre>").next().unwrap_or_default()
    );
}

#[test]
fn a_page_to_a_folder_that_is_not_there_is_refused_before_anything_runs() {
    let folder = folder();
    let none = folder.path().join("none");
    let (out, err, code) = told(&["lesson", "1", "--html", utf8(&none.join("page.html"))]);
    assert!(err.contains(&format!("there is no folder {}", none.display())), "{err}");
    assert_eq!((out.as_str(), code), ("", Some(3)));
    let (_, err, code) = told(&["lesson", "1", "--html", utf8(folder.path())]);
    assert!(err.contains("is a folder"), "{err}");
    assert_eq!(code, Some(3));
    let (out, _, code) = told(&["lesson", "1", "--html", "-", "--record", "-"]);
    assert_eq!((out.as_str(), code), ("", Some(2)));
}

#[test]
fn a_lesson_of_anybody_becomes_a_page_that_obeys_nothing_in_it_and_leaves_nothing_beside_it() {
    let folder = folder();
    let lesson = "# <b>T</b> & `x`\n> Q <i>?\n\n<script>alert(1)</script>\n\n[here](javascript:alert(1)) ![pic](http://example.org/x.png)\n\n\
        ```predict\n<u>Which?\n- [x] <a href=x>one\n- [ ] two\n```\n\n```experiment address-port-protocol\nview: sockets\n";
    let course = lesson::lessons().expect("well formed");
    let show = course
        .iter()
        .flat_map(lesson::Lesson::shows)
        .find(|show| show.experiment.name == "address-port-protocol");
    let claims = &show.expect("it is in the course").claims;
    let claims: String = claims
        .iter()
        .map(|line| format!("{}: <img src=x onerror=alert(1)>\n", line.name))
        .collect();
    let mine = file(&folder, "mine.md", format!("{lesson}{claims}```\n"));
    let page = file(&folder, "page.html", "old");

    let (_, _, code) = told(&["lesson", "nowhere", "--html", utf8(&page)]);
    assert_eq!(code, Some(2));
    assert_eq!(fs::read_to_string(&page).expect("it is there"), "old");

    let (out, err, code) = told(&["lesson", utf8(&mine), "--html", utf8(&page)]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("address-port-protocol: ") && out.contains("Written: "), "{out}");
    let html = fs::read_to_string(&page).expect("the page");
    let document = parsed(&html);
    assert_self_contained(&document, "mine.md");
    let tags: BTreeSet<_> = document.descendants().map(|node| node.tag_name().name()).collect();
    assert!(["b", "i", "u"].iter().filter(|tag| tags.contains(*tag)).count() <= 1, "{tags:?}"); // the question is bold
    assert!(!html.contains("javascript:") && !html.contains("example.org"));
    let files: BTreeSet<_> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(files, BTreeSet::from(["mine.md".into(), "page.html".into()]));

    let (out, ..) = told(&["lesson", utf8(&mine), "--html", "-"]);
    parsed(&out);
    assert!(out.starts_with("<!DOCTYPE html>") && out.ends_with("</html>\n"));
}

#[test]
fn the_documents_show_pictures_that_this_program_draws_from_its_recordings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("docs/pictures");
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("a document");
    let documents = ["README.md", "docs/usage.md"].map(read).concat();
    for (file, svg) in pictures::draw_all(&folder).expect("every recording is there") {
        let document = Document::parse(&svg).expect("well-formed XML");
        assert_self_contained(&document, &file);
        let kept = fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(
            kept == svg,
            "docs/pictures/{file} was drawn by another version: `just pictures` remakes it"
        );
        assert!(
            documents.contains(&format!("pictures/{file}")),
            "neither README.md nor docs/usage.md shows {file}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_trace_and_its_replay_are_the_same_page_which_fetches_nothing() {
    if require("python3").is_none() {
        return;
    }
    let folder = folder();
    let program = "import socket\na, b = socket.socketpair()\na.send(b'<script>&')\nprint(b.recv(100)) # <b>__x__\n";
    let program = file(&folder, "program.py", program);
    let [page, record] = ["page.html", "run.jsonl"].map(|name| folder.path().join(name));
    let none = folder.path().join("none/page.html");
    let (out, error, code) =
        told(&["trace", "--html", utf8(&none), "--", "python3", utf8(&program)]);
    assert_eq!((out.as_str(), code), ("", Some(3)), "{error}");

    let (page, record) = (utf8(&page), utf8(&record));
    let views = ["--view", "ladder", "--view", "sockets"];
    let args = [&["trace", "--html", page, "--record", record][..], &views];
    let args = [&args.concat()[..], &["--", "python3", utf8(&program)]].concat();
    let (out, error, code) = told(&args);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains("<script>&") && out.contains(&format!("Written: {page}")), "{out}");
    let html = fs::read_to_string(page).expect("the page");
    let document = parsed(&html);
    assert_self_contained(&document, "a trace");
    let pictures = document.descendants().filter(|node| node.has_tag_name("figure"));
    let pictures = pictures.filter(|node| node.attribute("class") == Some("picture"));
    assert_eq!(pictures.count(), 2, "one of each view");
    let texts = document.descendants().filter(roxmltree::Node::is_text);
    let text: String = texts.filter_map(|node| node.text()).collect();
    assert!(text.contains("print(b.recv(100)) # <b>__x__"), "the line of source: {text}");
    assert!(text.contains("recvfrom("), "every call: {text}");

    let (replayed, error, code) = told(&[&["replay", record, "--html", "-"][..], &views].concat());
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(replayed, html);
    let (chinese, ..) = told(&["--lang", "zh", "replay", record, "--html", "-"]);
    let document = parsed(&chinese);
    assert_eq!(document.root_element().attribute("lang"), Some("zh-CN"));
    assert!(!chinese.contains("Recorded on") && !chinese.contains("The lines of"), "{chinese}");
}
