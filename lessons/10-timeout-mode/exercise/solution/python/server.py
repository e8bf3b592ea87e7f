import socket
import sys
import time


def request(client, deadline):
    """The line that the client sends; None if it is not whole in time."""
    line = b""
    while not line.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:  # settimeout(0) would mean: do not wait
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
            try:
                if line := request(client, deadline):
                    client.sendall(line)
            except (TimeoutError, ConnectionError):
                pass  # its time is over, or it has broken off
