//! C, C++, Rust and Go, with and without debug information.

use super::*;
use crate::trace::Note;

pub const C: &str = "\
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
static int ends[2];
static inline __attribute__((always_inline)) long receive(int end, char *buffer) {
    return recv(end, buffer, 10, 0);  // inlined
}
static void *worker(void *unused) {
    char buffer[10];
    long got = recvfrom(ends[0], buffer, sizeof buffer, 0, NULL, NULL);  // worker
    return (void *)got;
}
int main(void) {
    char buffer[10];
    pthread_t thread;
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pthread_create(&thread, NULL, worker, NULL);
    puts(\"ready\");
    fflush(stdout);
    return receive(ends[1], buffer) > 0;
}
";

const CPP: &str = "\
#include <iostream>
#include <sys/socket.h>
#include <thread>
#include <vector>
namespace {
template <typename Bytes> class Connection {
    int end;
public:
    explicit Connection(int end) : end(end) {}
    long receive() {
        Bytes bytes(10);
        return recv(end, bytes.data(), bytes.size(), 0);  // method
    }
};
}
int main() {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    std::thread worker([&] {
        char bytes[10];
        return recv(ends[1], bytes, sizeof bytes, 0);  // lambda
    });
    std::cout << \"ready\" << std::endl;
    return Connection<std::vector<char>>(ends[0]).receive() > 0;
}
";

const RUST: &str = "\
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
fn worker(mut end: UnixStream) {
    let mut byte = [0];
    end.read_exact(&mut byte).unwrap();  // worker
}
fn main() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let clone = theirs.try_clone().unwrap();
    std::thread::spawn(move || worker(clone));
    println!(\"ready\");
    let mut lines = BufReader::new(&ours).lines();
    println!(\"{:?}\", lines.next());  // main
    drop(theirs);
}
";

const GO: &str = "\
package main

import (
	\"fmt\"
	\"syscall\"
)

func wait(end int) {
	buffer := make([]byte, 10)
	syscall.Read(end, buffer) // wait
}

func main() {
	ends, _ := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	fmt.Println(\"ready\")
	wait(ends[0])
}
";

/// Compiles and runs a program, and compares the lines of its threads.
fn expect(name: &str, text: &str, compiler: &str, options: &[&str], expected: &[&str]) {
    let source = Source::new(name, text);
    let Some(program) = source.compiled(compiler, options) else { return };
    let running = Running::start_and_wait(&mut Command::new(program));
    let mut lines = Lines::default();
    let expected: Vec<_> = expected.iter().map(|mark| source.at(mark, None)).collect();
    assert_eq!(running.lines(&mut lines), expected, "{compiler} {options:?}");
    assert_eq!(running.lines(&mut lines), expected, "{compiler} {options:?}, a second time");
    assert_eq!(lines.why_none(running.id()), None);
}

#[test]
fn an_optimised_program_in_c_is_at_its_lines_in_an_inlined_function_too() {
    for options in [
        &["-g", "-O2", "-pthread"][..],
        &["-g", "-O0", "-pthread"],
        &["-g", "-O2", "-pthread", "-static"],
        &["-g", "-O2", "-pthread", "-no-pie", "-fno-omit-frame-pointer"],
        &["-g", "-O2", "-pthread", "-fno-asynchronous-unwind-tables", "-gz"],
    ] {
        expect("server.c", C, "cc", options, &["// inlined", "// worker"]);
    }
}

#[test]
fn a_program_in_cpp_is_at_its_methods_and_lambdas_and_not_in_the_standard_library() {
    for options in [
        &["-g", "-O2", "-pthread"][..],
        &["-g", "-O0", "-pthread"],
        &["-g", "-O2", "-pthread", "-no-pie"],
        &["-g", "-O3", "-pthread", "-flto"],
    ] {
        expect("server.cpp", CPP, "g++", options, &["// method", "// lambda"]);
    }
}

#[test]
fn a_program_in_rust_is_at_its_own_lines_and_not_at_those_of_the_standard_library() {
    for options in [&["-g", "-O"][..], &["-g"]] {
        expect("server.rs", RUST, "rustc", options, &["// main", "// worker"]);
    }
}

#[test]
fn a_program_in_go_is_at_its_own_lines_and_not_at_those_of_the_runtime() {
    let source = Source::new("server.go", GO);
    let Some(program) = source.compiled("go", &["build"]) else { return };
    let running = Running::start(&mut Command::new(program));
    // The runtime moves goroutines from thread to thread.
    let thread = sys::look_until(|| {
        running.threads().into_iter().find(|thread| {
            let probe = sys::Probe::open(running.id(), *thread);
            probe.is_some_and(|mut probe| probe.look().syscall.as_deref() == Some("read"))
        })
    });
    assert_eq!(running.line(thread, &mut Lines::default()), source.at("// wait", None));
}

#[test]
fn a_program_without_debug_information_has_no_lines_and_it_is_said_why() {
    let source = Source::new("server.c", C);
    let Some(program) = source.compiled("cc", &["-O2", "-pthread"]) else { return };
    let running = Running::start_and_wait(&mut Command::new(&program));
    let mut lines = Lines::default();
    assert_eq!(running.lines(&mut lines), [None, None]);
    assert_eq!(lines.why_none(running.id()), Some(Note::NoDebugInformation));
    assert_eq!(lines.why_none(running.id()), None, "it has been said");

    // What the system has is not the learner's to compile.
    let cat = Command::new("cat").stdin(Stdio::piped()).spawn().expect("started");
    let cat = Running(cat);
    sys::look_until(|| sys::is_asleep(cat.id(), cat.id()).filter(|asleep| *asleep));
    assert_eq!(cat.lines(&mut lines), [None]);
    assert_eq!(lines.why_none(cat.id()), None);
}
