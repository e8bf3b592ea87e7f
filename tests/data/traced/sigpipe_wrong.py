"""SIGPIPE as C programs have it: it ends the program."""
import signal
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
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        sock.recv(1024)
        for _ in range(20):
            sock.send(b"hello?")
            time.sleep(0.05)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
