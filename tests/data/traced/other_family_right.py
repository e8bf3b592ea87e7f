"""A server of IPv6, and a client of IPv6."""
import socket
import sys

import port


def server(path):
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen()
        port.tell(path, listener)
        listener.settimeout(30)
        try:
            conn, _ = listener.accept()
            conn.close()
        except TimeoutError:
            print("nobody came")


def client(path):
    with socket.create_connection(("::1", port.ask(path))) as sock:
        print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
