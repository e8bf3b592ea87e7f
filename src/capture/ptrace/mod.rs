//! The learner's own programs, traced with ptrace(2).

pub mod lines;
