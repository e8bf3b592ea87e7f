# judged: ends-when-cut-off
import os
import socket
import sys
from threading import Thread


def connection(role, port):
    if role == "client":
        return socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as listener:
        return listener.accept()[0]


def send():
    for line in sys.stdin.buffer:
        peer.sendall(line)
    peer.shutdown(socket.SHUT_WR)


def receive():
    while data := peer.recv(1024):
        print(data.decode(), end="", flush=True)
    os._exit(0)


peer = connection(sys.argv[-2], int(sys.argv[-1]))
Thread(target=send).start()
Thread(target=receive).start()
