"""A line is read to its end."""
import socket
import socketserver
import sys

import port


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        data = self.rfile.readline()
        self.wfile.write(data.upper())


def server(path):
    with socketserver.TCPServer(("127.0.0.1", 0), Echo) as listener:
        port.tell(path, listener.socket)
        listener.handle_request()


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"a line that is longer than sixteen bytes\n")
        print(sock.makefile("rb").readline())


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
