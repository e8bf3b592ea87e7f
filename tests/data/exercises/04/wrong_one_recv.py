# judged: takes-a-message-in-pieces
import socket
import sys


def serve(connection):
    while data := connection.recv(2_000_000):
        while data:
            length = int.from_bytes(data[:4], "big")
            if length > 1_000_000:
                return
            message, data = data[4 : 4 + length], data[4 + length :]
            connection.sendall(len(message).to_bytes(4, "big") + message[::-1])


with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            serve(connection)
