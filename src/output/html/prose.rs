//! Prose as HTML. A lesson may come from anyone: raw HTML is escaped, links may go only to the web or to a file beside the page,
//! and images, which would have to be fetched, are replaced by their descriptions.

use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html,
};

use super::markup::spans;
use crate::citations::citations;
use crate::output::svg::escape;
use crate::picture::code::{self, Language};
use crate::text::{behind, joint, safe};

/// CommonMark, and tables.
pub(super) fn block(markdown: &str) -> String {
    let events: Vec<_> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut out_events = Vec::with_capacity(events.len());
    let mut before = String::new();
    let mut link_left_out = false;
    let mut open_code: Option<(Option<Language>, String)> = None;
    for (index, event) in events.iter().enumerate() {
        match (event, &mut open_code) {
            (Event::Text(text), Some((_, code))) => {
                code.push_str(text);
                continue;
            }
            (Event::End(TagEnd::CodeBlock), Some((language, code))) => {
                out_events.push(Event::Html(code_block(*language, code).into()));
                open_code = None;
                continue;
            }
            _ => {}
        }
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                let text = behind(&before, text);
                out_events.push(Event::Text(safe_lines(text)));
                before = text.to_owned();
            }
            Event::Code(text) => {
                before.clone_from(&text.to_string());
                out_events.push(Event::InlineHtml(inline_code(text).into()));
            }
            Event::SoftBreak => {
                let after = events[index..].iter().find_map(|event| match event {
                    Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                    _ => None,
                });
                if !joint(&before, after.unwrap_or_default()).is_empty() {
                    out_events.push(Event::SoftBreak);
                }
            }
            Event::Start(Tag::HtmlBlock) => out_events.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => out_events.push(Event::End(TagEnd::Paragraph)),
            Event::Start(Tag::Link { dest_url, .. }) if !is_allowed(dest_url) => {
                link_left_out = true
            }
            Event::End(TagEnd::Link) if link_left_out => link_left_out = false,
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => {}
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => Language::named(language),
                    CodeBlockKind::Indented => None,
                };
                open_code = Some((language, String::new()));
            }
            Event::Start(Tag::Heading { level, .. }) => {
                let level = (*level).max(HeadingLevel::H2);
                out_events.push(Event::Start(Tag::Heading {
                    level,
                    id: None,
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }));
            }
            Event::End(TagEnd::Heading(level)) => {
                out_events.push(Event::End(TagEnd::Heading((*level).max(HeadingLevel::H2))))
            }
            Event::Start(Tag::Table(_)) => out_events.extend([
                Event::Html("<div class=\"scroll\" tabindex=\"0\">".into()),
                event.clone(),
            ]),
            Event::End(TagEnd::Table) => {
                out_events.extend([event.clone(), Event::Html("</div>\n".into())])
            }
            other => out_events.push(other.clone()),
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, out_events.into_iter());
    cited(&out)
}

/// The HTML with each source that it cites as one; brackets in code are no citation.
fn cited(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut copied = 0;
    for range in citations(html) {
        let before = &html[..range.start];
        let in_code = before.matches("<code").count() > before.matches("</code>").count();
        let in_tag = before.rfind('<') > before.rfind('>');
        if !in_code && !in_tag {
            out += &html[copied..range.start];
            out += &format!("<cite>{}</cite>", &html[range.clone()]);
            copied = range.end;
        }
    }
    out + &html[copied..]
}

/// Text made safe line by line: no character that could be hidden, reorder others, or control a terminal.
fn safe_lines<'a>(text: &str) -> CowStr<'a> {
    let lines: Vec<_> = text
        .split('\n')
        .map(|line| safe(&line.replace('\t', "    ").replace('\r', "")).into_owned())
        .collect();
    lines.join("\n").into()
}

/// Whether a link goes to the web, into the page, or to a file beside it (RFC 3986, 4.2, without `//`).
fn is_allowed(to: &str) -> bool {
    let web = ["http://", "https://"].iter().any(|scheme| {
        to.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let first = to.split(['/', '?', '#']).next().unwrap_or_default();
    web || (!first.contains(':')
        && !to.starts_with("//")
        && !to.contains('\\')
        && !to.chars().any(char::is_control))
}

/// A block of code in the inks of its language.
fn code_block(language: Option<Language>, text: &str) -> String {
    let rows = code::rows(language, text.lines());
    let lines: String = rows.iter().map(|row| spans(row) + "\n").collect();
    format!("<pre class=\"inks listing\" tabindex=\"0\"><code>{lines}</code></pre>\n")
}

/// Inline code. Short code stays on one line: a browser would break `--set` after its first hyphen.
fn inline_code(text: &str) -> String {
    const SHORT: usize = 24;
    let class = if text.chars().count() <= SHORT { " class=\"short\"" } else { "" };
    format!("<code{class}>{}</code>", escape(text))
}

/// A short text, with `code` in it.
pub(super) fn inline(text: &str) -> String {
    // With an unpaired backtick, as in a shell's message, none of them marks code.
    if !text.matches('`').count().is_multiple_of(2) {
        return escape(text);
    }
    let piece = |(index, piece)| {
        if index % 2 == 1 { inline_code(piece) } else { escape(piece) }
    };
    text.split('`').enumerate().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_a_lesson_is_shown_and_not_obeyed() {
        let html = block(
            "<script>alert(1)</script>\n\ntext <img src=x onerror=alert(1)> & `<b>`\n\n![a cat](http://example.org/cat.png)",
        );
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt;")
                && html.contains("<code class=\"short\">&lt;b&gt;</code>"),
            "{html}"
        );
        assert!(html.contains("a cat") && !html.contains("cat.png"), "{html}");
    }

    #[test]
    fn a_link_goes_to_the_web_or_to_a_file_beside_it() {
        for (to, kept) in [
            ("https://example.org/a?b=c", true),
            ("HTTP://example.org", true),
            ("other.html#part", true),
            ("../docs/a:b.html", true),
            ("#part", true),
            ("javascript:alert(1)", false),
            ("JaVaScRiPt:alert(1)", false),
            ("data:text/html,x", false),
            ("java&#10;script:alert(1)", false),
            ("//example.org", false),
            ("file:///etc/passwd", false),
        ] {
            let html = block(&format!("[here](<{to}>)"));
            assert_eq!(html.contains("href"), kept, "{html}");
            assert!(html.contains("here"), "{html}");
        }
    }

    #[test]
    fn chinese_lines_are_joined_without_a_space() {
        assert_eq!(
            block("你好也啊\n你好。\n也啊 `fd`\nand more"),
            "<p>你好也啊你好。也啊 <code class=\"short\">fd</code>\nand more</p>\n"
        );
    }

    #[test]
    fn a_source_is_told_from_other_brackets() {
        assert_eq!(
            block("It waits [RFC 9293\n3.5], or not [x]; `a[tcp(7)]`."),
            "<p>It waits <cite>[RFC 9293\n3.5]</cite>, or not [x]; <code class=\"short\">a[tcp(7)]</code>.</p>\n"
        );
        assert!(block("[here](<http://example.org/[tcp(7)]>)").contains("href"));
        assert!(!block("[here](<http://example.org/[tcp(7)]>)").contains("<cite>"));
    }

    #[test]
    fn controls_and_odd_backticks_are_only_text() {
        assert_eq!(inline("a `b<c` \u{1b}[2J"), "a <code class=\"short\">b&lt;c</code> \\u{1b}[2J");
        assert_eq!(inline("an odd ` one"), "an odd ` one");
    }
}
