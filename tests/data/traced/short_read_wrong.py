"""The length says how many bytes come, and one recv() is to get them."""
import socket
import struct
import sys

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            for _ in range(2):
                (length,) = struct.unpack("!I", conn.recv(4))
                message = conn.recv(length)
                print(len(message))


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        message = bytes(1_000_000)
        for _ in range(2):
            sock.sendall(struct.pack("!I", len(message)) + message)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
