# judged: right
import os
import selectors
import socket
import sys


def connection(role, port):
    if role == "client":
        return socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as listener:
        return listener.accept()[0]


peer = connection(sys.argv[-2], int(sys.argv[-1]))
with selectors.DefaultSelector() as selector:
    selector.register(peer, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            data = os.read(key.fd, 1)  # a byte at a time
            if key.fileobj is peer:
                if not data:
                    sys.exit()
                os.write(1, data)
            elif data:
                peer.sendall(data)
            else:
                selector.unregister(0)
                peer.shutdown(socket.SHUT_WR)
