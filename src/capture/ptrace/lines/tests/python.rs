//! Python, in whatever version `python3` is; `PYTHONS` may name others, with colons between.

use super::*;

/// Runs a program under each Python, and compares the lines of its threads, twice.
fn expect(text: &str, expected: &[(&str, Option<&str>)]) {
    expect_when_looked_at(2, text, expected);
}

fn expect_when_looked_at(times: u32, text: &str, expected: &[(&str, Option<&str>)]) {
    let others = env::var("PYTHONS").unwrap_or_default();
    for python in others.split(':').filter(|name| !name.is_empty()).chain(["python3"]) {
        if !installed(python) {
            continue;
        }
        let source = Source::new("server.py", text);
        let running = Running::start_and_wait(Command::new(python).arg(&source.path));
        let mut lines = Lines::default();
        let expected: Vec<_> =
            expected.iter().map(|(mark, function)| source.at(mark, *function)).collect();
        for look in 0..times {
            assert_eq!(running.lines(&mut lines), expected, "{python}, look {look}");
        }
    }
}

#[test]
fn each_thread_is_at_its_line_and_named_by_the_function_it_was_started_with() {
    let text = "\
import socket, sys, threading
class Receiver(threading.Thread):
    def run(self):
        silent.recv(10)  # receiver
def wait(sock):
    return sock.accept()  # accept
def serve(sock):
    wait(sock)
def main():
    sock = socket.create_server(('127.0.0.1', 0))
    def sender():
        fill(full)
    for target in (sender, lambda: serve(sock)):
        threading.Thread(target=target, daemon=True).start()
    Receiver(daemon=True).start()
    print('ready', flush=True)
    sys.stdin.read()  # main
def fill(end):
    while True:
        end.send(bytes(100000))  # sender
full, unread = socket.socketpair()
silent, unused = socket.socketpair()
main()
";
    let threads = [
        ("# main", None),
        ("# sender", Some("sender")),
        ("# accept", Some("serve")),
        ("# receiver", Some("Receiver.run")),
    ];
    expect(text, &threads);
}

#[test]
fn a_call_on_several_lines_is_at_the_line_that_a_traceback_shows() {
    let text = "\
import socket, threading
end, other = socket.socketpair()
def call():
    return end.recv(  # call
        10,
    )
def chain():
    return (
        end
        .recv(10)  # chain
    )
def nested():
    print(
        'got',
        end.recv(10),  # nested
    )
for target in (call, chain, nested):
    threading.Thread(target=target, daemon=True).start()
print('ready', flush=True)
end.recv(10)  # main
";
    let threads = [
        ("# main", None),
        ("# call", Some("call")),
        ("# chain", Some("chain")),
        ("# nested", Some("nested")),
    ];
    expect(text, &threads);
}

#[test]
fn generators_decorators_comprehensions_and_the_end_of_a_with_have_their_lines() {
    let text = "\
import contextlib, functools, socket, threading
end, other = socket.socketpair()
def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper
@logged
def decorated():
    return end.recv(10)  # decorated
def pieces():
    while True:
        yield end.recv(10)  # generator
def reader():
    for piece in pieces():
        print(piece)
def listed():
    return [
        end.recv(10)  # comprehension
        for _ in range(3)
    ]
class Waiting:
    def __enter__(self): pass
    def __exit__(self, *_): end.recv(10)  # exit
def leaving():
    with Waiting():
        pass
@contextlib.contextmanager
def waiting():
    yield
    end.recv(10)  # manager
def managed():
    with waiting():
        pass
for target in (decorated, reader, listed, leaving, managed):
    threading.Thread(target=target, daemon=True).start()
print('ready', flush=True)
(lambda: end.recv(10))()  # lambda
";
    let threads = [
        ("# lambda", None),
        // Its name says otherwise, but the code that runs is the decorator's.
        ("# decorated", Some("wrapper")),
        ("# generator", Some("reader")),
        ("# comprehension", Some("listed")),
        ("# exit", Some("leaving")),
        ("# manager", Some("managed")),
    ];
    expect(text, &threads);
}

#[test]
fn in_a_with_that_closes_what_it_opened_the_line_is_that_of_the_with() {
    // SO_LINGER lets close() wait for bytes that nobody acknowledges: those to a socket that is not read.
    let text = "\
import socket, struct
server = socket.create_server(('127.0.0.1', 0))
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
with socket.create_connection(server.getsockname()) as end:  # with
    accepted, _ = server.accept()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 3600))
    end.setblocking(False)
    try:
        while True:
            end.send(bytes(100000))
    except BlockingIOError:
        end.setblocking(True)
    print('ready', flush=True)
";
    // Being stopped interrupts close(), and the program ends.
    expect_when_looked_at(1, text, &[("# with", None)]);
}

#[test]
fn a_coroutine_that_makes_the_call_itself_is_at_its_line_and_the_loop_is_where_it_was_run() {
    let text = "\
import asyncio, socket, threading
end, other = socket.socketpair()
async def inner():
    end.recv(10)  # coroutine
async def outer():
    await asyncio.create_task(inner())
def blocking():
    asyncio.run(outer())
async def forever():
    loop = asyncio.get_running_loop()
    end, other = socket.socketpair()
    end.setblocking(False)
    await loop.sock_recv(end, 10)
def polite():
    asyncio.run(forever())  # run
for target in (blocking, polite):
    threading.Thread(target=target, daemon=True).start()
print('ready', flush=True)
end.recv(10)  # main
";
    let threads = [("# main", None), ("# coroutine", Some("blocking")), ("# run", Some("polite"))];
    expect(text, &threads);
}

#[test]
fn names_outside_ascii_and_a_deep_recursion_are_read() {
    let text = "\
import socket, sys, threading
end, other = socket.socketpair()
sys.setrecursionlimit(3000)
threading.stack_size(64 << 20)
def 好(depth):
    if depth == 0:
        end.recv(10)  # deep
    else:
        好(depth - 1)
def flat():
    end.recv(10)  # flat
threading.Thread(target=好, args=(500,), daemon=True).start()
threading.Thread(target=好, args=(1500,), daemon=True).start()
threading.Thread(target=flat, daemon=True).start()
print('ready', flush=True)
end.recv(10)  # main
";
    let threads =
        [("# main", None), ("# deep", Some("好")), ("# deep", None), ("# flat", Some("flat"))];
    expect(text, &threads);
}
