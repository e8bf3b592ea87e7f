# judged: ends-the-answer
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
while True:
    connection, _ = listener.accept()
    with connection:
        line = connection.makefile("rb").readline()
        connection.sendall(b"." * int(line))
        while connection.recv(4096):
            pass  # it waits for the client's end, and the client for ours
