"""A server that closes first, without SO_REUSEADDR."""
import socket
import sys

import port


def server(path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", number))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            conn.sendall(b"hello")


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        while data := sock.recv(1024):
            print(data)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
