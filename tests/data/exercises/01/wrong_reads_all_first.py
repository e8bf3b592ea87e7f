# judged: echoes-a-line
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            whole = b""
            while data := connection.recv(1024):
                whole += data
            connection.sendall(whole)
