import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[-1]))) as connection:
    try:
        connection.sendall(sys.stdin.buffer.read())
        connection.shutdown(socket.SHUT_WR)  # this is all; we still receive
    except ConnectionError:
        pass  # the server takes no more, but it may have answered
    while True:
        try:
            data = connection.recv(4096)
        except ConnectionError as error:
            sys.exit(f"the server has broken off: {error}")
        if not data:
            break
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
