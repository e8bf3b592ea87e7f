"""Connections that are kept, and never closed."""
import socket
import sys
import time

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        served = []
        for _ in range(6):
            conn, _ = listener.accept()
            print(conn.recv(1024))
            conn.sendall(b"ok")
            served.append(conn)
        time.sleep(1.5)


def client(path):
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
            sock.sendall(b"hello")
            print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
