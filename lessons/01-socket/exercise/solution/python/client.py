import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[-1]))) as connection:
    for line in sys.stdin.buffer:
        connection.sendall(line)
        left = len(line)
        while left:  # the echo may come in pieces
            data = connection.recv(left)
            if not data:
                sys.exit("the server has ended the connection")
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            left -= len(data)
