# judged: serves-all-at-once
import os
import selectors
import signal
import socket
import sys

port, path = int(sys.argv[-2]), sys.argv[-1]
listeners = [
    socket.create_server(("127.0.0.1", port)),
    socket.create_server(("::1", port), family=socket.AF_INET6),
    socket.socket(socket.AF_UNIX),
]
if os.path.exists(path):
    os.unlink(path)
listeners[2].bind(path)
listeners[2].listen(5)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ready = selectors.DefaultSelector()
for listener in listeners:
    ready.register(listener, selectors.EVENT_READ)
try:
    while True:
        for key, _ in ready.select():
            connection, _ = key.fileobj.accept()
            with connection:
                connection.sendall(f"{key.fileobj.family.name}\n".encode())
                while data := connection.recv(4096):
                    connection.sendall(data)
finally:
    os.unlink(path)
