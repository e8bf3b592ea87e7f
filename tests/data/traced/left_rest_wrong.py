"""A client that takes one recv() for the whole answer."""
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
            conn.recv(1024)
            conn.sendall(b"x" * 10_000)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"everything, please")
        print(len(sock.recv(1024)))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
