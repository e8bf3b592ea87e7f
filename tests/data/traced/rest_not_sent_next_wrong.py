"""send()'s count ignored; the next message comes too early."""
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
            time.sleep(0.3)
            got = 0
            while data := conn.recv(1 << 20):
                got += len(data)
            print(got)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.setblocking(False)
        sock.send(b"x" * 20_000_000)
        try:
            sock.send(b"end\n")
        except BlockingIOError as error:
            print(error)
        sock.setblocking(True)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1024)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
