//! `explore`: a course on network sockets in which your own kernel proves every sentence.
//!
//! The modules stand in the order in which data flows, and no import runs back up:
//!
//! | module | what it does |
//! | --- | --- |
//! | [`cli`] | the words of the command line; runs nothing |
//! | [`course`] | a lesson's Markdown becomes steps: prose, prediction, experiment |
//! | [`player`] | walks the steps; runs each experiment in a process of its own; asks, compares, reports |
//! | [`chat`] | the chat: three ways to talk, and what a hostile peer cannot do |
//! | [`experiments`] | one table: name to function; plain Rust on instrumented sockets |
//! | [`lab`] | the instruments: sockets, actors, the kernel's view, claims, the recorder |
//! | [`views`] | pictures of what was recorded: ladder, trace, bars, sockets, boundaries |
//! | [`recording`] | a run's events in order, to and from JSON Lines |
//! | [`terminal`] | width, colour, keys, prose |
//! | [`page`] | a lesson that was run, as one HTML page |
//! | [`svg`] | a picture as SVG, for pages and for the README |
//! | [`words`] | what the program itself says, in one place for its translators |
//! | [`language`] | ground floor: which language is spoken |
//! | [`lexicon`] | ground floor: the words of recordings, in the language that is spoken |
//! | [`stepping`] | ground floor: what a stepped run and whoever steps it say to each other |
//! | [`signals`] | ground floor: being interrupted |
//! | [`text`] | ground floor: which characters may reach a terminal |
//! | [`picture`] | ground floor: rows of inked text, which every output draws from |
//! | [`event`] | ground floor: when, who, what, and how we know |

pub mod chat;
pub mod cli;
pub mod course;
pub mod event;
pub mod experiments;
pub mod lab;
pub mod language;
pub mod lexicon;
pub mod page;
pub mod picture;
pub mod player;
pub mod recording;
pub mod signals;
pub mod stepping;
pub mod svg;
pub mod terminal;
pub mod text;
pub mod views;
pub mod words;
