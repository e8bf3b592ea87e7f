# judged: right
import os
import signal
import socket
import sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.alarm(10)  # this process is for one client, and no client needs so long
            line = b""
            while not line.endswith(b"\n"):
                line += connection.recv(1)
            for _ in range(int(line) // 1000):
                connection.sendall(b"." * 1000)
            connection.sendall(b"." * (int(line) % 1000))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1000):
                pass
            os._exit(0)
        connection.close()
