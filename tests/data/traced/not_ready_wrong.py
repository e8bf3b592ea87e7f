"""Whatever select() reports, both clients are read."""
import select
import socket
import sys
import time

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        (ann, _), (ben, _) = listener.accept(), listener.accept()
        select.select([ann, ben], [], [])
        for conn in (ann, ben):
            print(conn.recv(1024))
            conn.close()


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        with socket.create_connection(sock.getpeername()) as other:
            other.sendall(b"Ben is here")
            time.sleep(0.5)
            sock.sendall(b"Ann is late")


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
