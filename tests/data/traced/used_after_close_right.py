"""shutdown() for the thread that receives, and close() when it has ended."""
import socket
import sys
import threading

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            conn.sendall(b"hello")
            while conn.recv(1024):
                pass


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        has_read = threading.Event()

        def read():
            while sock.recv(1024):
                has_read.set()

        reader = threading.Thread(target=read)
        reader.start()
        has_read.wait()
        sock.shutdown(socket.SHUT_RDWR)
        reader.join()


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
