//! Lessons as pages: whole, self-contained, no wider than the window that they are read in; and the README's pictures.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use roxmltree::{Document, ParsingOptions};
use socket_explorer::commands::pictures;
use socket_explorer::lesson;

fn explore(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_explore"));
    command.env("XDG_STATE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/nobodys-state"));
    command.args(args).stdin(Stdio::null()).output().expect("explore runs")
}

/// A folder for this test's files.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The books of both languages, made once: every page of them.
fn pages() -> &'static [PathBuf] {
    static PAGES: OnceLock<Vec<PathBuf>> = OnceLock::new();
    PAGES.get_or_init(|| {
        let mut pages = Vec::new();
        let books = folder("books");
        for language in ["en", "zh"] {
            let folder = books.join(language);
            let output = explore(&["book", "--out", text(&folder), "--lang", language]);
            assert!(
                output.status.success(),
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            pages.extend(
                fs::read_dir(&folder)
                    .expect("the book")
                    .map(|entry| entry.expect("an entry").path()),
            );
        }
        pages.sort();
        pages
    })
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
fn every_page_of_a_book_is_well_formed_self_contained_and_linked() {
    let lessons = lesson::lessons().expect("well formed");
    assert_eq!(pages().len(), 2 * (lessons.len() + 1));
    for path in pages() {
        let (html, whose) = (fs::read_to_string(path).expect("a page"), path.display().to_string());
        let document = parsed(&html);
        assert_self_contained(&document, &whose);
        let language =
            if path.parent().is_some_and(|folder| folder.ends_with("zh")) { "zh-CN" } else { "en" };
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
                assert!(path.with_file_name(to).is_file(), "{whose}: a link to {to}");
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
        if !path.ends_with("index.html") {
            assert!(
                html.contains("<svg")
                    && html.contains("class=\"claims\"")
                    && html.contains("class=\"predict\""),
                "{whose}"
            );
        }
    }
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
                    if (one.closest('.scroll') === null || one.classList.contains('scroll')) {
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
    let Some(browser) =
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
            Command::new(name)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
    else {
        eprintln!("there is no chromium on PATH: the width of the pages was not checked");
        return;
    };
    let folder = folder("browser");
    let page = folder.join("harness.html");
    fs::write(&page, harness(pages())).expect("written");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--allow-file-access-from-files",
            "--dump-dom",
            "--window-size=1400,1000",
        ])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
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
    let folder = folder("pages-nowhere");
    let output = explore(&["lesson", "1", "--html", text(&folder.join("none/page.html"))]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains(&format!("there is no folder {}", folder.join("none").display())),
        "{error}"
    );
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(3)));
    let output = explore(&["lesson", "1", "--html", text(&folder)]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is a folder"));
    assert_eq!(output.status.code(), Some(3));
    let output = explore(&["lesson", "1", "--html", "-", "--record", "-"]);
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(2)));
}

#[test]
fn a_lesson_of_anybody_becomes_a_page_that_obeys_nothing_in_it_and_leaves_nothing_beside_it() {
    let folder = folder("pages-anybody");
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
    fs::write(folder.join("mine.md"), format!("{lesson}{claims}```\n")).expect("written");
    let page = folder.join("page.html");
    fs::write(&page, "old").expect("written");

    let refused = explore(&["lesson", "nowhere", "--html", text(&page)]);
    assert_eq!(
        (refused.status.code(), fs::read_to_string(&page).expect("it is there").as_str()),
        (Some(2), "old")
    );

    let output = explore(&["lesson", text(&folder.join("mine.md")), "--html", text(&page)]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("address-port-protocol: ") && told.contains("Written: "), "{told}");
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

    let output = explore(&["lesson", text(&folder.join("mine.md")), "--html", "-"]);
    parsed(std::str::from_utf8(&output.stdout).expect("UTF-8"));
    assert!(output.stdout.starts_with(b"<!DOCTYPE html>") && output.stdout.ends_with(b"</html>\n"));
}

#[test]
fn the_readme_shows_pictures_that_this_program_draws_from_its_recordings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("docs/pictures");
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md");
    for (file, svg) in pictures::drawn(&folder).expect("every recording is there") {
        let document = Document::parse(&svg).expect("well-formed XML");
        assert_self_contained(&document, &file);
        let kept = fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(
            kept == svg,
            "docs/pictures/{file} was drawn by another version: `just pictures` remakes it"
        );
        assert!(
            readme.contains(&format!("docs/pictures/{file}")),
            "README.md does not show {file}"
        );
    }
}
