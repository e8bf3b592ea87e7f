"""Two servers on one port."""
import socket

with socket.socket() as first, socket.socket() as second:
    first.bind(("127.0.0.1", 0))
    first.listen()
    try:
        second.bind(first.getsockname())
        second.listen()
    except OSError as error:
        print(error)
