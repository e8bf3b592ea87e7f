# judged: prints-what-it-got
import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[-1]))) as connection:
    connection.sendall(sys.stdin.buffer.read())
    connection.shutdown(socket.SHUT_WR)
    answer = b""
    while data := connection.recv(1024):
        answer += data
    sys.stdout.buffer.write(answer)
