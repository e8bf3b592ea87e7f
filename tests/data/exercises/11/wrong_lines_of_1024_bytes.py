# judged: keeps-long-lines-whole
import socket
import sys


def connection(role, port):
    if role == "client":
        return socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as listener:
        return listener.accept()[0]


my_turn = sys.argv[-2] == "client"
peer = connection(sys.argv[-2], int(sys.argv[-1]))
lines = peer.makefile("rb")
while True:
    if my_turn:
        line = sys.stdin.buffer.readline()
        if not line:
            break
        peer.sendall(line)
    else:
        line = lines.readline(1024)
        if not line:
            break
        print("Jack:", line.decode("utf-8", "replace"), flush=True)
    my_turn = not my_turn
