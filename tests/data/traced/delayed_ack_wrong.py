"""A message in two small sends."""
import socket
import sys

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            for _ in range(10):
                message = b""
                while len(message) < 8:
                    message += conn.recv(8 - len(message))
                conn.sendall(b"ok")


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        for _ in range(10):
            sock.sendall(b"head")
            sock.sendall(b"body")
            sock.recv(1024)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
