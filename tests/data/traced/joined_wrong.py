"""Three messages, which come together, and an answer for each recv()."""
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
            while name := conn.recv(1024):
                conn.sendall(b"Hello, " + name)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        for name in (b"Ann", b"Ben", b"Cid"):
            sock.sendall(name)
        for _ in range(3):
            print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
