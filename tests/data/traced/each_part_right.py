"""A server that says after each recv() how far it has come, and a client that hears all of it."""
import socket
import sys
import threading
import time

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port.tell(path, listener)
        conn, _ = listener.accept()
        with conn:
            got = 0
            while data := conn.recv(16384):
                got += len(data)
                conn.sendall(b"%d\n" % got)


def upload(sock):
    sock.sendall(b"u" * 400_000)
    time.sleep(0.1)
    sock.shutdown(socket.SHUT_WR)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        thread = threading.Thread(target=upload, args=(sock,))
        thread.start()
        print(list(sock.makefile())[-1])
        thread.join()


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
