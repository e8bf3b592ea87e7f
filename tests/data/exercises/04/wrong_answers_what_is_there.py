# judged: drops-a-message-that-is-cut
import socket
import sys


def receive(connection, wanted):
    whole = b""
    while len(whole) < wanted and (data := connection.recv(wanted - len(whole))):
        whole += data
    return whole


def serve(connection):
    while head := receive(connection, 4):
        length = int.from_bytes(head, "big")
        if length > 1_000_000:
            return
        message = receive(connection, length)
        connection.sendall(len(message).to_bytes(4, "big") + message[::-1])


with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            serve(connection)
