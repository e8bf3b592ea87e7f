# judged: right
import signal
import socket
import sys


def over(*_):
    raise TimeoutError


signal.signal(signal.SIGALRM, over)
with socket.create_server(("127.0.0.1", int(sys.argv[-2]))) as listener:
    while True:
        client, _ = listener.accept()
        with client:
            try:
                signal.setitimer(signal.ITIMER_REAL, float(sys.argv[-1]))
                line = b""
                while not line.endswith(b"\n") and (byte := client.recv(1)):
                    line += byte
                signal.setitimer(signal.ITIMER_REAL, 0)
                if line.endswith(b"\n"):
                    client.sendall(line)
            except (TimeoutError, ConnectionError):
                pass
