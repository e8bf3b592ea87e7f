"""Two lines in two small sends, to a server that reads byte by byte."""
import socket
import sys

import port


def line(conn):
    got = b""
    while not got.endswith(b"\n"):
        data = conn.recv(1)
        if not data:
            break
        got += data
    return got


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            while line(conn) and line(conn):
                conn.sendall(b"ok")


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        for _ in range(10):
            sock.sendall(b"key\n")
            sock.sendall(b"value\n")
            sock.recv(1024)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
