# judged: answers-each-line
import selectors
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
waiting = selectors.DefaultSelector()
waiting.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is listener:
            waiting.register(listener.accept()[0], selectors.EVENT_READ)
        elif line := key.fileobj.recv(1024):
            key.fileobj.sendall(line.strip()[::-1] + b"\n")
        else:
            waiting.unregister(key.fileobj)
            key.fileobj.close()
