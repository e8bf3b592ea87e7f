# judged: right
import os
import select
import signal
import socket
import sys

port, path = int(sys.argv[-2]), sys.argv[-1]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
four = socket.create_server(("127.0.0.1", port))
six = socket.create_server(("::1", port), family=socket.AF_INET6)
if os.path.exists(path):
    os.remove(path)
door = socket.socket(socket.AF_UNIX)
door.bind(path)
door.listen()


def end(*_):
    os.remove(path)
    os._exit(0)


signal.signal(signal.SIGTERM, end)
while True:
    for listener in select.select([four, six, door], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            for other in (four, six, door):
                other.close()
            connection.sendall(listener.family.name.encode() + b"\n")
            while data := connection.recv(1):
                connection.sendall(data)
            os._exit(0)
        connection.close()
