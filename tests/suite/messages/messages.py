"""Prints the errors that its arguments name, then makes errors happen and prints those, each as the last line of a traceback words it: the error's name, a tab, the text."""

import asyncio
import errno
import http.client
import os
import resource
import select
import socket
import struct
import sys
import threading
import traceback

LOOPBACK = ("127.0.0.1", 0)


def says(name, act):
    try:
        act()
    except Exception as error:
        if name.startswith("E") and not name.startswith("EAI_"):
            assert error.errno == getattr(errno, name), f"{name}: {error!r}"
        last_line = traceback.format_exception_only(type(error), error)[-1]
        print(name, last_line.strip(), sep="\t")
    else:
        sys.exit(f"{name}: no error")


def listener():
    server = socket.socket()
    server.bind(LOOPBACK)
    server.listen()
    return server


def pair():
    """Both ends of a TCP connection."""
    with listener() as server:
        client = socket.create_connection(server.getsockname())
        return client, server.accept()[0]


def tcp():
    return socket.socket()


def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def nobody():
    """An address at which nobody listens: this process keeps it, and does not listen."""
    global held
    held = tcp()
    held.bind(LOOPBACK)
    return held.getsockname()


def reset():
    client, peer = pair()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    client.recv(1)


def broken_pipe():
    client, peer = pair()
    client.shutdown(socket.SHUT_WR)
    client.send(b"x")


def nothing_yet():
    client, peer = pair()
    client.setblocking(False)
    client.recv(1)


def in_progress():
    with listener() as server, tcp() as client:
        client.setblocking(False)
        client.connect(server.getsockname())


def connected_twice():
    client, peer = pair()
    client.connect(peer.getsockname())


def too_many():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    held = []
    try:
        while True:
            held.append(tcp())
    finally:
        held.clear()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def closed():
    client = tcp()
    client.close()
    client.send(b"x")


def not_a_socket():
    with open(os.devnull, "rb") as file:
        socket.socket(fileno=os.dup(file.fileno()))


def timed_out():
    client, peer = pair()
    client.settimeout(0.01)
    client.recv(1)


def beyond_1024():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2048)), hard))
    with tcp() as one:
        high = os.dup2(one.fileno(), 1024)
        try:
            select.select([high], [], [], 0)
        finally:
            os.close(high)


def selected_after_close():
    client = tcp()
    client.close()
    select.select([client], [], [], 0)


def no_answer():
    """A server that reads the request and closes."""
    server = listener()

    def serve():
        peer, _ = server.accept()
        while b"\r\n\r\n" not in peer.recv(65536):
            pass
        peer.close()

    threading.Thread(target=serve).start()
    connection = http.client.HTTPConnection(*server.getsockname())
    connection.request("GET", "/")
    connection.getresponse()


async def half_a_message():
    reader = asyncio.StreamReader()
    reader.feed_data(b"ab")
    reader.feed_eof()
    await reader.readexactly(4)


def named(name):
    number = getattr(errno, name)
    raise OSError(number, os.strerror(number))


for name in sys.argv[1:]:
    says(name, lambda: named(name))

says("ECONNREFUSED", lambda: tcp().connect(nobody()))
says("ECONNREFUSED", lambda: asyncio.run(asyncio.open_connection(*nobody())))
with listener() as taken:
    address = taken.getsockname()
    says("EADDRINUSE", lambda: tcp().bind(address))
    says("EADDRINUSE", lambda: asyncio.run(asyncio.start_server(print, *address)))
says("EADDRNOTAVAIL", lambda: tcp().bind(("203.0.113.1", 0)))
says("ECONNRESET", reset)
says("EPIPE", broken_pipe)
says("EAGAIN", nothing_yet)
says("EINPROGRESS", in_progress)
says("EISCONN", connected_twice)
says("ENOTCONN", lambda: tcp().recv(1))
says("EDESTADDRREQ", lambda: udp().send(b"x"))
says("EMSGSIZE", lambda: udp().sendto(bytes(70_000), nobody()))
says("EMFILE", too_many)
says("EBADF", closed)
says("EINVAL", lambda: tcp().accept())
says("ENOTSOCK", not_a_socket)
says("EAFNOSUPPORT", lambda: socket.socket(99))
says("EPROTONOSUPPORT", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP))
says("EOPNOTSUPP", lambda: udp().listen())
says("ENOPROTOOPT", lambda: tcp().setsockopt(socket.IPPROTO_TCP, 9999, 1))
says("ENOENT", lambda: socket.socket(socket.AF_UNIX).connect("/no/such/socket"))
says("EACCES", lambda: udp().sendto(b"x", ("127.255.255.255", 9)))
says("ENETUNREACH", lambda: tcp().connect(("127.255.255.255", 9)))
says("EAI_SERVICE", lambda: socket.getaddrinfo("localhost", "no-such-service"))
says("EAI_NONAME", lambda: socket.getaddrinfo("no such host", 80, flags=socket.AI_NUMERICHOST))
says("EAI_ADDRFAMILY", lambda: tcp().connect(("::1", 80)))
says("timed-out", timed_out)
says("timed-out", lambda: asyncio.run(asyncio.wait_for(asyncio.sleep(60), 0.01)))
says("descriptor-over-1023", beyond_1024)
says("closed-here", selected_after_close)
says("end-of-stream", no_answer)
says("end-of-stream", lambda: asyncio.run(half_a_message()))
says("cut-character", lambda: "\u4f60".encode()[:2].decode())
says("str-not-bytes", lambda: tcp().send("x"))
says("str-not-bytes", lambda: udp().sendto("x", nobody()))
says("str-not-bytes", lambda: b"a" + "b")
says("str-not-bytes", lambda: "a" + b"b")
says("str-not-bytes", lambda: b"GET /".startswith("GET"))
says("address-form", lambda: tcp().connect("127.0.0.1:80"))
says("address-form", lambda: tcp().connect("127.0.0.1", 80))
says("address-form", lambda: tcp().connect(("127.0.0.1", "80")))
says("address-form", lambda: tcp().connect(("127.0.0.1", 70_000)))
says("address-form", lambda: tcp().bind(("127.0.0.1", 70_000)))
says("address-form", lambda: socket.socket(socket.AF_UNIX).bind("x" * 200))
says("short-data", lambda: struct.unpack("!I", b"ab"))
