"""A short queue, and a server that is late."""
import socket
import sys
import time

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port.tell(path, listener)
        port.ask(path + ".two")
        time.sleep(2)
        for _ in range(3):
            conn, _ = listener.accept()
            conn.close()


def client(path):
    socks = [socket.create_connection(("127.0.0.1", port.ask(path))) for _ in range(2)]
    port.tell(path + ".two", socks[0])
    socks.append(socket.create_connection(("127.0.0.1", port.ask(path))))
    for sock in socks:
        print(sock.recv(1024))
        sock.close()


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
