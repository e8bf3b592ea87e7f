# judged: prints-the-echo
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[-1]))) as connection:
    for line in sys.stdin.buffer:
        connection.sendall(line)
        echo = b""
        while len(echo) < len(line):
            echo += connection.recv(1024)
        print("echo:", echo.decode(), end="")
