# judged: ends-the-connection
import os
import signal
import socket
import sys

connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
for line in sys.stdin.buffer:
    connection.sendall(line)
    back = b""
    while len(back) < len(line):
        back += connection.recv(len(line) - len(back))
    sys.stdout.buffer.write(back)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGSEGV)
