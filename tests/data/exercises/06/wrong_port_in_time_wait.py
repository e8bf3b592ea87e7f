# judged: starts-again
import socket
import sys

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", int(sys.argv[-1])))
listener.listen(5)
while True:
    connection, _ = listener.accept()
    with connection:
        line = connection.makefile("rb").readline()
        connection.sendall(b"." * int(line))
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass
