"""One sends, the other answers."""
import socket
import sys

import port


def server(path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port.tell(path, sock)
        question, address = sock.recvfrom(1024)
        sock.sendto(question, address)


def client(path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.sendto(b"hello", ("127.0.0.1", port.ask(path)))
        print(sock.recvfrom(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
