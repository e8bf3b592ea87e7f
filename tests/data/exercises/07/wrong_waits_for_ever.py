# judged: tries-again
import socket
import sys
import uuid

connection = socket.create_connection((sys.argv[-2], int(sys.argv[-1])))
for amount in sys.stdin:
    connection.sendall(f"{uuid.uuid4()} {amount}".encode())
    print(connection.recv(100).split()[1].decode())
