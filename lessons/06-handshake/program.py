# "I have sent all": half-close with shutdown(), then read to the end, then
# close.
#   python3 program.py server     in one terminal; Ctrl-C ends it
#   python3 program.py client     in another
import socket
import sys


def server(address):
    # create_server() sets SO_REUSEADDR.
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        while True:
            connection, peer = listener.accept()
            with connection:
                try:
                    count = 0
                    while data := connection.recv(65536):
                        count += len(data)
                    # b"": no more will come. But the client still receives,
                    # and nothing is left unread.
                    answer = f"{count} bytes have come, then the end\n"
                    connection.sendall(answer.encode())
                    print(f"{count} bytes, answered")
                except ConnectionError as error:
                    print("%s port %d:" % peer, error)


def client(address):
    with socket.create_connection(address) as s:
        s.settimeout(30)  # no wait without a limit (lesson 7)
        s.sendall(b"x" * 1_000_000)
        # Sends the FIN; without it both ends would wait for each other.
        s.shutdown(socket.SHUT_WR)
        answer = b""
        # To the end, before close(): unread bytes would make it a reset.
        while data := s.recv(1024):
            answer += data
        print("answer:", answer.decode().rstrip())


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except OSError as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error}")
except KeyboardInterrupt:
    pass
