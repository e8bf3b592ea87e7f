//! A lesson's prose in few words, for a projector: the teacher says the rest.

/// What is left of some CommonMark: headings, lists, tables and code as they are; of a paragraph the first sentence, and
/// those with something in bold (a **Trap.** with what follows it).
#[must_use]
pub fn gist(markdown: &str) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut fenced = false;
    for block in markdown.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let fences = block.lines().filter(|line| line.trim_start().starts_with("```")).count();
        let whole = fenced || fences > 0 || !is_paragraph(block);
        fenced ^= fences % 2 == 1;
        blocks.push(if whole { block.to_owned() } else { shortened(block) });
    }
    blocks.join("\n\n")
}

fn is_paragraph(block: &str) -> bool {
    let first = block.trim_start();
    let numbered = first.split_once(". ").is_some_and(|(number, _)| {
        !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
    });
    !(numbered
        || ["#", "- ", "* ", "|", ">", "    "]
            .iter()
            .any(|start| first.starts_with(start) || block.starts_with(start)))
}

fn shortened(paragraph: &str) -> String {
    let mut kept = String::new();
    let mut trap = false;
    for (index, sentence) in sentences(paragraph).into_iter().enumerate() {
        // A bold word or two with a full stop is a heading: the sentence after it is what matters.
        let bold = sentence.contains("**");
        if index == 0 || bold || trap {
            kept.push_str(sentence);
        }
        trap = bold && sentence.trim_end().ends_with("**");
    }
    kept.trim_end().to_owned()
}

/// The sentences, each with the space after it; a full stop inside `code` ends none.
fn sentences(text: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let (mut code, mut bold) = (false, false);
    let all: Vec<(usize, char)> = text.char_indices().collect();
    for (index, (at, c)) in all.iter().enumerate() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '`' => code = !code,
            '*' if rest.starts_with('*') => bold = !bold,
            '.' | '?' | '!' if !code && !bold && rest.starts_with([' ', '\n']) => {
                cuts.push(all[index + 1].0 + 1)
            }
            '。' | '？' | '！' if !code && !bold && !rest.starts_with(['”', '」', '）', '*']) => {
                cuts.push(at + c.len_utf8())
            }
            '*' if !code
                && !bold
                && text[..*at].ends_with(".*")
                && rest.starts_with([' ', '\n']) =>
            {
                cuts.push(at + 2)
            }
            '*' if !code && !bold && text[..*at].ends_with("。*") => cuts.push(at + 1),
            _ => {}
        }
    }
    cuts.push(text.len());
    cuts.dedup();
    cuts.windows(2)
        .map(|cut| &text[cut[0]..cut[1]])
        .filter(|sentence| !sentence.trim().is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_stays_and_what_is_bold() {
        let long = "## Before `accept()`\n\nThe kernel shakes hands by itself, for every socket. Finished\nconnections wait. accept() takes one.\n\n\
            **Trap.** accept() is not the handshake. A client that is connected may be talking to nobody.\n\n- one. two.\n- three";
        let short = "## Before `accept()`\n\nThe kernel shakes hands by itself, for every socket.\n\n\
            **Trap.** accept() is not the handshake.\n\n- one. two.\n- three";
        assert_eq!(gist(long), short);
        assert_eq!(
            gist(
                "内核自己握手。完成的连接在排队。\n\n**陷阱。**accept() 不是握手。它可能在和谁说话？"
            ),
            "内核自己握手。\n\n**陷阱。**accept() 不是握手。"
        );
        assert_eq!(gist("Type `a. b` now. Then wait."), "Type `a. b` now.");
        assert_eq!(
            gist("```\none. two.\n\nthree. four.\n```\n\nLook. Again."),
            "```\none. two.\n\nthree. four.\n```\n\nLook."
        );
    }
}
