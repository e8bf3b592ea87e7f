# judged: prints-the-answers
import socket
import sys

with socket.create_connection((sys.argv[-2], int(sys.argv[-1]))) as connection:
    connection.sendall(sys.stdin.buffer.read())
    sys.stdout.buffer.write(connection.recv(5))
