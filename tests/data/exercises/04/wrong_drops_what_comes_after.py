# judged: takes-messages-together
import socket
import sys


def serve(connection):
    while True:
        data, length = b"", 1_000_000
        while len(data) < 4 or len(data) < 4 + length:
            more = connection.recv(65536)
            if not more:
                return
            data += more
            if len(data) >= 4:
                length = int.from_bytes(data[:4], "big")
            if length > 1_000_000:
                return
        connection.sendall(data[:4] + data[4 : 4 + length][::-1])


with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            serve(connection)
