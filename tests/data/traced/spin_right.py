"""A non-blocking socket, and select() to wait."""
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
            conn.setblocking(False)
            while True:
                try:
                    print(conn.recv(1024))
                    break
                except BlockingIOError:
                    select.select([conn], [], [])


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        time.sleep(0.5)
        sock.sendall(b"hello")


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
