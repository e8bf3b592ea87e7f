//! Where pictures and prose go: a terminal, SVG, or a page.

pub mod html;
pub mod messages;
pub mod sentences;
pub mod svg;
pub mod terminal;
