"""One recv() taken for one message."""
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
            name = conn.recv(16)
            conn.sendall(b"Hello, " + name + b"!")


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"Wolfgang Amadeus Mozart of Salzburg")
        print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
