"""A server that refuses and closes at once."""
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
            print(conn.recv(1024))
            conn.sendall(b"too long\n")


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"length: 100000\n")
        try:
            for _ in range(10):
                time.sleep(0.1)
                sock.sendall(b"x" * 10_000)
        except BrokenPipeError as error:
            print(error)
        else:
            print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
