# judged: answers-in-pieces
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[-2]))) as listener:
    while True:
        client, _ = listener.accept()
        with client:
            client.settimeout(float(sys.argv[-1]))
            try:
                client.sendall(client.recv(1024))
            except (TimeoutError, ConnectionError):
                pass
