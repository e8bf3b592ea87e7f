# judged: right
import socket
import sys

with socket.socket() as connection:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    connection.connect((sys.argv[-2], int(sys.argv[-1])))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    for line in sys.stdin.buffer:
        connection.send(line)
    connection.shutdown(socket.SHUT_WR)
    while byte := connection.recv(1):
        sys.stdout.buffer.write(byte)
