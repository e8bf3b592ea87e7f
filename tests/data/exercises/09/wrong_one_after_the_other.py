# judged: half-a-line-stops-nobody
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
while True:
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as lines:
        for line in lines:
            lines.write(line[:-1][::-1] + b"\n")
            lines.flush()
