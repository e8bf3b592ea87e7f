import socket
import sys

lines = sys.stdin.buffer.read()
with socket.create_connection((sys.argv[-2], int(sys.argv[-1]))) as connection:
    connection.sendall(lines)  # one call, one frame
    left = lines.count(b"\n")
    while left > 0:
        data = connection.recv(4096)
        if not data:
            sys.exit("the server has ended the connection")
        sys.stdout.buffer.write(data)
        left -= data.count(b"\n")
