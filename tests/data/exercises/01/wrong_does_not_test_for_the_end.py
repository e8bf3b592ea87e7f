# judged: ends-when-the-client-does
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            while True:
                connection.sendall(connection.recv(1024))
