# judged: one-connection
import socket
import sys

for line in sys.stdin.buffer:
    with socket.create_connection((sys.argv[-2], int(sys.argv[-1]))) as connection:
        connection.sendall(line)
        sys.stdout.buffer.write(connection.makefile("rb").readline())
