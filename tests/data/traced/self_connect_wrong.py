"""A socket that is connected to its own address."""
import socket

with socket.socket() as sock:
    sock.bind(("127.0.0.1", 0))
    sock.connect(sock.getsockname())
    sock.sendall(b"hello, is anybody there?")
    print(sock.recv(1024))
