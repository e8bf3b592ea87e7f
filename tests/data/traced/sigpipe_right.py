"""SIGPIPE ignored: send() fails."""
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
            pass


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.recv(1024)
        try:
            for _ in range(20):
                sock.send(b"hello?")
                time.sleep(0.05)
        except BrokenPipeError as error:
            print(error)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
