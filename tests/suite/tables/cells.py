"""Runs the Python cells of the lessons' tables, a JSON list of {"place", "code"} in the file named by the argument."""
import codecs
import errno
import json
import os
import select
import selectors
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time


def f():
    pass


def socket_for(code):
    """A socket in the state that the cell's call wants, an address for it, and what has to stay open beside it."""
    loopback = ("127.0.0.1", 0)
    listener = socket.create_server(loopback)
    at = listener.getsockname()
    if ".bind(" in code or ".connect(" in code:
        return socket.socket(), at, listener
    if ".listen(" in code:
        s = socket.socket()
        s.bind(loopback)
        return s, at, listener
    if ".accept(" in code:
        return listener, at, socket.create_connection(at)
    if ".sendto(" in code or ".recvmsg(" in code:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(loopback)
        s.sendto(b"hello", s.getsockname())
        return s, s.getsockname(), listener
    if "IPPROTO_IPV6" in code:
        return socket.socket(socket.AF_INET6), at, listener
    peer = socket.create_connection(at)
    peer.sendall(b"hello\n")
    return listener.accept()[0], at, (listener, peer)


def run(place, code):
    """The error of the first piece of code that fails; None if all run."""
    s, at, kept = socket_for(" ".join(code))
    _, path = tempfile.mkstemp(dir=folder)
    p = subprocess.Popen(["true"])
    t = threading.Thread(target=f)
    t.start()
    variables = dict(globals(), s=s, at=at, path=path, args=["true"], p=p, t=t, f=f, receive=f)
    variables.update(data=b"hello", deadline=time.monotonic() + 1)
    for piece in code:
        try:
            exec(compile(piece, place, "exec"), variables)
        except Exception as error:
            return f"{place}: {piece}: {type(error).__name__}: {error}"
        finally:
            socket.setdefaulttimeout(None)


with open(sys.argv[1], encoding="utf-8") as file:
    cells = json.load(file)
with tempfile.TemporaryDirectory() as folder:
    failed = [failure for cell in cells if (failure := run(cell["place"], cell["code"]))]
sys.exit("\n".join(failed) or 0)
