"""accept() for each message."""
import socket
import sys

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        for _ in range(2):
            conn, _ = listener.accept()
            conn.sendall(conn.recv(1024).upper())


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        for word in (b"hello", b"world"):
            sock.sendall(word)
            print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
