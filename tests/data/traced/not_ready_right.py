"""Who is reported is read."""
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
        waiting = [listener.accept()[0], listener.accept()[0]]
        while waiting:
            for conn in select.select(waiting, [], [])[0]:
                print(conn.recv(1024))
                conn.close()
                waiting.remove(conn)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        with socket.create_connection(sock.getpeername()) as other:
            other.sendall(b"Ben is here")
            time.sleep(0.5)
            sock.sendall(b"Ann is late")


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
