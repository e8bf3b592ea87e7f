# judged: ends-the-answer
import socket
import struct
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
while True:
    connection, _ = listener.accept()
    with connection:
        line = connection.makefile("rb").readline()
        connection.sendall(b"." * int(line))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
