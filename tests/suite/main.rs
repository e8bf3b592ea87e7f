//! The program as its users meet it. One binary: it links once, and its tests share the machine from beginning to end.

mod catalogues;
#[cfg(unix)]
mod chat;
#[cfg(unix)]
mod chat_terminal;
#[cfg(unix)]
mod code;
mod commands;
#[cfg(unix)]
mod completions;
mod course;
mod course_run;
#[cfg(target_os = "linux")]
mod exercises;
#[cfg(target_os = "linux")]
mod findings;
#[cfg(unix)]
mod further;
#[cfg(unix)]
mod home;
#[cfg(target_os = "linux")]
mod job_control;
mod labels;
mod languages;
#[cfg(unix)]
mod lesson_terminal;
#[cfg(target_os = "linux")]
mod messages;
#[cfg(unix)]
mod moving;
#[cfg(target_os = "linux")]
mod outputs;
mod pages;
#[cfg(unix)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod person;
#[cfg(target_os = "linux")]
mod poor_places;
#[cfg(unix)]
mod predictions;
#[cfg(target_os = "linux")]
mod programs;
#[cfg(unix)]
mod resizing;
#[cfg(target_os = "linux")]
mod sandboxes;
#[cfg(target_os = "linux")]
mod sources;
#[cfg(target_os = "linux")]
mod step;
mod strace;
// What tests of Linux need stands there too.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod support;
#[cfg(target_os = "linux")]
mod tables;
#[cfg(target_os = "linux")]
mod trace;
#[cfg(target_os = "linux")]
mod trace_facts;
#[cfg(target_os = "linux")]
mod trace_processes;
#[cfg(target_os = "linux")]
mod trace_step;
#[cfg(target_os = "linux")]
mod trace_strace;
#[cfg(target_os = "linux")]
mod trace_wire;
#[cfg(target_os = "linux")]
mod traced_apart;
#[cfg(target_os = "linux")]
mod traced_lessons;
#[cfg(target_os = "linux")]
mod why;
#[cfg(unix)]
mod wire;
mod without_the_wire;
