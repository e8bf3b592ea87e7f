# judged: half-a-line-stops-nobody
import selectors
import socket
import sys


def read_line(connection):
    line = b""
    while not line.endswith(b"\n"):
        data = connection.recv(1)  # waits for this client alone
        if not data:
            return None
        line += data
    return line[:-1]


listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
waiting = selectors.DefaultSelector()
waiting.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is listener:
            waiting.register(listener.accept()[0], selectors.EVENT_READ)
        elif (line := read_line(key.fileobj)) is not None:
            key.fileobj.sendall(line[::-1] + b"\n")
        else:
            waiting.unregister(key.fileobj)
            key.fileobj.close()
