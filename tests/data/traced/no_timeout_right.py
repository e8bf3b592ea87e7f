"""A client with a time limit, of a server that says nothing."""
import socket
import sys

import port

with socket.create_connection(("127.0.0.1", port.ask(sys.argv[1]))) as sock:
    sock.settimeout(0.5)
    sock.sendall(b"hello?")
    try:
        print(sock.recv(1024))
    except TimeoutError:
        print("no answer")
