"""close() of a socket that another thread goes on using."""
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
        has_read, is_closed = threading.Event(), threading.Event()

        def read():
            print(sock.recv(1024))
            has_read.set()
            is_closed.wait()
            print(sock.recv(1024))

        reader = threading.Thread(target=read)
        reader.start()
        has_read.wait()
        sock.close()
        is_closed.set()
        reader.join()


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
