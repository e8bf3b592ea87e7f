"""accept() for each client."""
import socket
import sys

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        while data := conn.recv(1024):
            conn.sendall(data.upper())
        conn.close()


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        for word in (b"hello", b"world"):
            sock.sendall(word)
            print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
