"""One sends, the other receives."""
import socket
import sys

import port


def receive(sock):
    left = 20_000_000
    while left and (data := sock.recv(min(left, 65536))):
        left -= len(data)


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            receive(conn)
            conn.sendall(b"x" * 20_000_000)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"x" * 20_000_000)
        receive(sock)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
