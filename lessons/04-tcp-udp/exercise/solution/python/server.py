import socket
import sys

LONGEST = 1_000_000


def receive(connection, wanted):
    """So many bytes, or None if the client ends before."""
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


listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[-1])))
listener.listen(5)
while True:
    connection, address = listener.accept()
    with connection:
        try:
            serve(connection)
        except ConnectionError:
            pass  # this client has broken off
