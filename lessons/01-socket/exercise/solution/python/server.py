import socket
import sys


def echo(connection):
    while data := connection.recv(4096):  # b"": the client will send no more
        connection.sendall(data)


listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[-1])))
listener.listen(5)
while True:
    connection, address = listener.accept()
    with connection:
        try:
            echo(connection)
        except ConnectionError:
            pass  # this client has broken off
