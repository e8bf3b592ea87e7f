//! `explore`: a course on network sockets, whose experiments run and are checked on the learner's own kernel.
//!
//! The modules stand in the order in which data flows, and no import runs back up:
//!
//! | module | what it does |
//! | --- | --- |
//! | [`cli`] | the words of the command line; runs nothing |
//! | [`commands`] | what each command does |
//! | [`lesson`] | a lesson's Markdown becomes steps: prose, prediction, experiment |
//! | [`progress`] | how far a learner is |
//! | [`chat`] | the chat: three ways to talk, and what a hostile peer cannot do |
//! | [`experiments`] | plain Rust on instrumented sockets |
//! | `exercises` | the judges of the exercises |
//! | [`capture`] | where events come from: sockets, actors, the link, the sampler, the recorder |
//! | [`trace`] | what happened: events, packets, recordings |
//! | [`analysis`] | what a recording means: calls, sockets, connections, segments, threads |
//! | [`views`] | pictures of an analysis |
//! | [`picture`] | rows of inked text, which every output draws from |
//! | [`output`] | terminal, SVG, HTML |
//! | [`i18n`], [`labels`], [`reasons`] | sentences, in the reader's language |
//! | [`signals`] | being interrupted |
//! | `atomic_file` | files that are replaced as a whole |
//! | `errno` | the names of the system's errors |
//! | [`citations`] | the sources that prose cites |
//! | [`text`] | which characters may reach a terminal |

pub mod analysis;
mod atomic_file;
pub mod capture;
pub mod chat;
pub mod citations;
pub mod cli;
pub mod commands;
mod errno;
mod exercises;
pub mod experiments;
pub mod i18n;
pub mod labels;
pub mod lesson;
pub mod output;
pub mod picture;
pub mod progress;
pub mod reasons;
pub mod signals;
pub mod text;
pub mod trace;
pub mod views;
