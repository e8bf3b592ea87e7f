//! The text of every source file that an experiment's calls can come from: its own, and the chat's.

use super::{CHAPTERS, SourceFile};

macro_rules! sources {
    ($($path:literal => $file:literal,)*) => { [$(SourceFile { path: $path, text: include_str!($file) }),*] };
}

/// Besides those of [`CHAPTERS`].
static OTHERS: &[SourceFile] = &sources! {
    "src/experiments/desks.rs" => "desks.rs",
    "src/chat/address.rs" => "../chat/address.rs",
    "src/chat/ear.rs" => "../chat/ear.rs",
    "src/chat/editor.rs" => "../chat/editor.rs",
    "src/chat/keyboard.rs" => "../chat/keyboard.rs",
    "src/chat/meeting.rs" => "../chat/meeting.rs",
    "src/chat/message.rs" => "../chat/message.rs",
    "src/chat/mod.rs" => "../chat/mod.rs",
    "src/chat/poll.rs" => "../chat/poll.rs",
    "src/chat/screen.rs" => "../chat/screen.rs",
    "src/chat/threads.rs" => "../chat/threads.rs",
    "src/chat/turns.rs" => "../chat/turns.rs",
};

/// The text of this file (by its path from the project's root), if an experiment's calls can come from it.
#[must_use]
pub fn text_of(path: &str) -> Option<&'static str> {
    // A path is as the compiler says it, with the separators of the system that it ran on.
    let is_it = |file: &&SourceFile| {
        file.path
            .chars()
            .map(|c| if c == '\\' { '/' } else { c })
            .eq(path.chars().map(|c| if c == '\\' { '/' } else { c }))
    };
    let own =
        CHAPTERS.iter().flat_map(|chapter| chapter.experiments).map(|experiment| &experiment.file);
    own.chain(OTHERS).find(is_it).map(|file| file.text)
}
