"""What send() did not take is sent when there is room."""
import select
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
            got = 0
            while data := conn.recv(1 << 20):
                got += len(data)
            print(got)


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.setblocking(False)
        rest = b"x" * 20_000_000 + b"end\n"
        while rest:
            try:
                rest = rest[sock.send(rest):]
            except BlockingIOError:
                select.select([], [sock], [])
        sock.setblocking(True)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1024)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
