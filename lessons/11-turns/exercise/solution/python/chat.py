import socket
import sys


def connection(role, port):
    if role == "client":
        return socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as listener:
        return listener.accept()[0]


my_turn = sys.argv[-2] == "client"
peer = connection(sys.argv[-2], int(sys.argv[-1]))
received = b""  # what has come and is no whole line yet
while True:
    if my_turn:
        line = sys.stdin.buffer.readline()
        if not line:
            break
        peer.sendall(line)
    else:
        while b"\n" not in received:
            data = peer.recv(1024)
            if not data:
                sys.exit()
            received += data
        line, _, received = received.partition(b"\n")
        # A whole line, so no character is cut.
        print("Jack:", line.decode("utf-8", "replace"), flush=True)
    my_turn = not my_turn
