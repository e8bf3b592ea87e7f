# A chat by turns: one thread, one connection, and the client types first.
# An empty line is a message too; Ctrl-D leaves.
#   python3 program.py server     in one terminal, first: before it listens
#                                 nobody can connect
#   python3 program.py client     in another
import socket
import sys


def talk(s, my_turn):
    received = b""  # what has come and is no whole line yet
    while True:
        if my_turn:
            try:
                line = input("send message> ")
            except EOFError:  # Ctrl-D
                return
            # The newline is our end of a message: TCP keeps none.
            s.sendall(line.encode() + b"\n")
        else:
            while b"\n" not in received:  # one recv() is not one message
                data = s.recv(1024)
                if not data:
                    return print("the other has left")
                received += data
            line, _, received = received.partition(b"\n")
            # A whole line, so no character is cut.
            print("Jack:", line.decode("utf-8", "replace"))
        my_turn = not my_turn


def server(address):
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        print("waiting for connection...")
        s, peer = listener.accept()
    # The listening socket is closed: a third person is refused, and does
    # not wait in vain.
    with s:
        print("connected from: %s port %d" % peer)
        talk(s, my_turn=False)


def client(address):
    with socket.create_connection(address) as s:
        talk(s, my_turn=True)


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except (OSError, KeyboardInterrupt) as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error!r}")
