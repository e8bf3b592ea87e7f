# One conversation over three address families: only the address differs.
#   python3 program.py
import os
import socket
import sys
import tempfile


def receive_all(s):
    data = b""
    while piece := s.recv(1024):  # b"" is the end
        data += piece
    return data


def converse(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(5)
        with socket.socket(family, socket.SOCK_STREAM) as client:
            # Succeeds before accept(): the kernel has a queue.
            client.connect(listener.getsockname())
            server, _ = listener.accept()
            with server:
                client.sendall(b"hello")
                client.shutdown(socket.SHUT_WR)
                server.sendall(receive_all(server).upper())
                server.shutdown(socket.SHUT_WR)
                answer = receive_all(client).decode()
                at = server.getsockname()
                print(f"{family.name}: hello -> {answer}, at {at}")


try:
    converse(socket.AF_INET, ("127.0.0.1", 0))
    # Only we may enter this folder, and it goes with the socket's file.
    with tempfile.TemporaryDirectory() as folder:
        converse(socket.AF_UNIX, os.path.join(folder, "door"))
    # Last, since it fails where there is no IPv6.
    converse(socket.AF_INET6, ("::1", 0))
except OSError as error:
    sys.exit(error)
