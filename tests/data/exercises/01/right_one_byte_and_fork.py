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
            while data := connection.recv(1):
                connection.sendall(data)
            os._exit(0)
        connection.close()
