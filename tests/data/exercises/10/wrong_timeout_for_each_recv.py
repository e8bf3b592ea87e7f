# judged: ends-the-slow
import socket
import sys


def request(client, deadline):
    line = b""
    while not line.endswith(b"\n"):
        client.settimeout(deadline)
        data = client.recv(1024)
        if not data:
            return None
        line += data
    return line


with socket.create_server(("127.0.0.1", int(sys.argv[-2]))) as listener:
    while True:
        client, _ = listener.accept()
        deadline = float(sys.argv[-1])
        with client:
            try:
                if line := request(client, deadline):
                    client.sendall(line)
            except (TimeoutError, ConnectionError):
                pass
