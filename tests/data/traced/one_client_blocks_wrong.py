"""One thread, which waits for one client after the other."""
import socket
import sys
import time

import port


def answer(conn):
    with conn:
        while data := conn.recv(1024):
            conn.sendall(data)


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        for _ in range(2):
            conn, _ = listener.accept()
            answer(conn)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        with socket.create_connection(sock.getpeername()) as other:
            other.sendall(b"hurry")
            time.sleep(0.6)
            sock.sendall(b"slowly")
            print(sock.recv(1024))
            sock.shutdown(socket.SHUT_WR)
            print(other.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
