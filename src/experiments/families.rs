//! x
use super::Chapter;
pub(super) static CHAPTER: Chapter = Chapter { experiments: &[], parts: &[] };
