"""A loop over lines, which a library reads: it may call recv() again after 0, and the program does not."""
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
            for line in conn.makefile("rwb"):
                print(line)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"hello")


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
