"""shutdown() wakes the thread, and then the socket is closed."""
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
            print(conn.recv(1024))


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        reader = threading.Thread(target=sock.recv, args=[1024])
        reader.start()
        time.sleep(0.2)
        sock.shutdown(socket.SHUT_RDWR)
        reader.join()
        sock.close()
        time.sleep(0.5)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
