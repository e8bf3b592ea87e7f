"""A message ends with a newline, and is received until then."""
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
            name = b""
            while not name.endswith(b"\n"):
                data = conn.recv(16)
                if not data:
                    break
                name += data
            conn.sendall(b"Hello, " + name)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"Wolfgang Amadeus Mozart of Salzburg\n")
        print(sock.makefile("rb").readline())


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
