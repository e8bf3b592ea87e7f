"""A datagram and a buffer of 16 bytes."""
import socket
import sys

import port


def server(path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port.tell(path, sock)
        print(sock.recvfrom(16))


def client(path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"a datagram of thirty-two bytes..", ("127.0.0.1", port.ask(path)))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
