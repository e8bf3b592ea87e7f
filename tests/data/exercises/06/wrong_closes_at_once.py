# judged: leaves-nothing-unread
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
while True:
    connection, _ = listener.accept()
    with connection:
        line = connection.makefile("rb").readline()
        connection.sendall(b"." * int(line))
