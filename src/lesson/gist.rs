//! Shortens a lesson's prose for a projector.

use pulldown_cmark::{Event, Options, Parser, Tag};

/// Keeps of each paragraph the first sentence and those with bold text: a term that is defined, or a **Trap.** Headings,
/// lists, tables and code are unchanged.
pub fn gist(markdown: &str) -> String {
    let mut kept = String::new();
    let mut copied = 0;
    let mut depth = 0;
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if depth == 0 && tag == Tag::Paragraph {
                    let paragraph = markdown[range.clone()].trim_end();
                    kept.push_str(&markdown[copied..range.start]);
                    kept.push_str(&shortened(paragraph));
                    copied = range.start + paragraph.len();
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    kept + &markdown[copied..]
}

fn shortened(paragraph: &str) -> String {
    let mut sentences = sentences(paragraph).into_iter();
    let first = sentences.next().unwrap_or_default().to_owned();
    let kept =
        sentences.filter(|sentence| sentence.contains("**")).fold(first, |all, one| all + one);
    kept.trim_end().to_owned()
}

/// Splits text into sentences, each with the space after it. A full stop inside `code` or **bold** does not end a sentence: a
/// bold lead-in belongs to the sentence after it.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let (mut code, mut bold, mut italic) = (false, false, false);
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        // A sentence in *italics* ends behind its star.
        let after = rest.strip_prefix('*').filter(|_| italic).unwrap_or(rest);
        let ends = match c {
            '.' | '?' | '!' => after.starts_with([' ', '\n']),
            '。' | '？' | '！' => !after.starts_with(['”', '」', '）']),
            _ => false,
        };
        match c {
            '`' => code = !code,
            _ if code => {}
            '*' if rest.starts_with('*') => bold = !bold,
            '*' if !text[..at].ends_with('*') => italic = !italic,
            _ if ends && !bold => {
                let end = text.len() - after.trim_start().len();
                sentences.push(&text[start..end]);
                start = end;
            }
            _ => {}
        }
    }
    sentences.push(&text[start..]);
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_stays_and_what_is_bold() {
        let long = "## Before `accept()`\n\nThe kernel shakes hands by itself, for every socket. Finished\nconnections wait. accept() takes one.\n\n\
            **Trap.** accept() is not the handshake. A client that is connected may be talking to nobody.\n\n- one. two.\n- three\n";
        let short = "## Before `accept()`\n\nThe kernel shakes hands by itself, for every socket.\n\n\
            **Trap.** accept() is not the handshake.\n\n- one. two.\n- three\n";
        assert_eq!(gist(long), short);
        assert_eq!(
            gist(
                "你好也啊你好。也啊你好也啊你好。\n\n**也啊。**accept() 你好你好。也啊你啊好也啊你？"
            ),
            "你好也啊你好。\n\n**也啊。**accept() 你好你好。"
        );
        assert_eq!(gist("*Why?* Because. A **term** is this. Ask."), "*Why?* A **term** is this.");
        assert_eq!(gist("好也啊啊你。*你好*好也也啊。"), "好也啊啊你。");
        assert_eq!(gist("你好：“啊也？”啊你好也。啊你好也。"), "你好：“啊也？”啊你好也。");
        assert_eq!(gist("Type `a. b` now. Then wait."), "Type `a. b` now.");
        assert_eq!(
            gist("```\none. two.\n\nthree. four.\n```\n\nLook. Again."),
            "```\none. two.\n\nthree. four.\n```\n\nLook."
        );
    }
}
