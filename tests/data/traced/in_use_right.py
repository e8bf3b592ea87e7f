"""Two servers on two ports."""
import socket

with socket.socket() as first, socket.socket() as second:
    first.bind(("127.0.0.1", 0))
    first.listen()
    try:
        second.bind(("127.0.0.1", 0))
        second.listen()
    except OSError as error:
        print(error)
