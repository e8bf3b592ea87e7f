"""A server that reads to the end."""
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
            time.sleep(0.2)
            while data := conn.recv(5):
                print(data)
            conn.sendall(b"bye")


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"hello")
        sock.sendall(b"world")
        sock.shutdown(socket.SHUT_WR)
        try:
            print(sock.recv(1024))
            print(sock.recv(1024))
        except ConnectionResetError as error:
            print(error)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
