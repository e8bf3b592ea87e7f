"""recv() on the listening socket."""
import socket
import sys

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            print(listener.recv(1024))


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        print(sock.recv(1024))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
