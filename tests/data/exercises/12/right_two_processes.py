# judged: right
import os
import signal
import socket
import sys


def connection(role, port):
    if role == "client":
        return socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as listener:
        return listener.accept()[0]


peer = connection(sys.argv[-2], int(sys.argv[-1]))
sender = os.fork()
if sender == 0:
    for line in sys.stdin.buffer:
        peer.sendall(line)
    peer.shutdown(socket.SHUT_WR)
    os._exit(0)
try:
    while data := peer.recv(1024):
        os.write(1, data)
finally:
    os.kill(sender, signal.SIGKILL)
    os.waitpid(sender, 0)
