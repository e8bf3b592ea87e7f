# judged: serves-the-next
import socket
import sys
import time


def request(client, deadline):
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        client.settimeout(left)
        data = client.recv(1024)
        if not data:
            return None
        line += data
    return line


with socket.create_server(("127.0.0.1", int(sys.argv[-2]))) as listener:
    while True:
        client, _ = listener.accept()
        deadline = time.monotonic() + float(sys.argv[-1])
        with client:
            if line := request(client, deadline):
                client.sendall(line)
