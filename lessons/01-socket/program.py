# An echo server by hand, and the client for it.
#   python3 program.py server     in one terminal
#   python3 program.py client     in another
import socket
import sys


def server(address):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        # Without this option a restart within a minute may fail: Address
        # already in use (lesson 6).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(5)
        print("listening at %s port %d" % listener.getsockname())
        while True:
            connection, peer = listener.accept()
            with connection:
                try:
                    # b"" is the end: this client has sent all.
                    while data := connection.recv(1024):
                        # send() may take only some of the bytes.
                        connection.sendall(data)
                # One client that breaks off is no reason to stop.
                except ConnectionError as error:
                    print("%s port %d:" % peer, error)
            print("a client has left")


def client(address):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.connect(address)
        s.sendall(b"hello\n")
        s.shutdown(socket.SHUT_WR)  # "I have sent all"
        answer = b""
        while data := s.recv(1024):  # the answer may come in pieces
            answer += data
        print("answer:", answer.decode().strip())


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except OSError as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error}")
except KeyboardInterrupt:
    pass  # Ctrl-C ends the server
