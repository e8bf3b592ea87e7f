"""poll() for writing only while something is to be written."""
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
        conn, _ = listener.accept()
        with conn:
            poll = select.poll()
            poll.register(conn, select.POLLIN)
            poll.poll()
            print(conn.recv(1024))


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        time.sleep(0.3)
        sock.sendall(b"hello")


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
