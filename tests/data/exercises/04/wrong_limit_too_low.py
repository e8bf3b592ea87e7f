# judged: waits-for-the-longest-message
import socket
import sys

LONGEST = 999_999  # one too few


def receive(connection, wanted):
    whole = b""
    while len(whole) < wanted:
        data = connection.recv(wanted - len(whole))
        if not data:
            return None
        whole += data
    return whole


def serve(connection):
    while (head := receive(connection, 4)) is not None:
        length = int.from_bytes(head, "big")
        if length > LONGEST:
            return
        message = receive(connection, length)
        if message is None:
            return
        connection.sendall(head + message[::-1])


with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            serve(connection)
