"""Three messages, a line each, and an answer for each line."""
import socket
import sys
import time

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            time.sleep(0.3)
            for name in conn.makefile("rb"):
                conn.sendall(b"Hello, " + name)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        for name in (b"Ann", b"Ben", b"Cid"):
            sock.sendall(name + b"\n")
        lines = sock.makefile("rb")
        for _ in range(3):
            print(lines.readline())


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
