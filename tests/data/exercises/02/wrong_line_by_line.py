# judged: lines-in-one-frame
import socket
import sys

with socket.create_connection((sys.argv[-2], int(sys.argv[-1]))) as connection:
    with connection.makefile("rwb") as server:
        for line in sys.stdin.buffer:
            server.write(line)
            server.flush()
            sys.stdout.buffer.write(server.readline())
