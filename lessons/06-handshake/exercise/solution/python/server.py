import socket
import sys
import time


def read_to_the_end(connection, limit):
    deadline = time.monotonic() + limit
    while (left := deadline - time.monotonic()) > 0:
        connection.settimeout(left)
        if connection.recv(65536) == b"":
            return


def serve(connection):
    line = connection.makefile("rb").readline(100)
    connection.sendall(b"." * int(line))
    connection.shutdown(socket.SHUT_WR)  # the client reads to the end
    read_to_the_end(connection, limit=2)  # what is left unread would make close() send an RST


listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # ends may be in TIME_WAIT
listener.bind(("127.0.0.1", int(sys.argv[-1])))
listener.listen(5)
while True:
    connection, address = listener.accept()
    with connection:
        try:
            serve(connection)
        except (OSError, ValueError):
            pass  # it has broken off, has not closed in time, or has sent no number
