# judged: leaves-no-zombie
import os
import signal
import socket
import subprocess
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
children = []


def end(*_):
    for child in children:
        os.kill(child, signal.SIGTERM)
    os._exit(0)


def serve(connection):
    job = None

    def goodbye(*_):
        connection.sendall(b"goodbye\n")
        if job:
            job.kill()
        os._exit(0)

    signal.signal(signal.SIGTERM, goodbye)
    for line in connection.makefile("r"):
        job = subprocess.Popen(["sleep", line.strip()])
        job.wait()
        job = None
        connection.sendall(b"done\n")
    os._exit(0)


signal.signal(signal.SIGTERM, end)
while True:
    connection, _ = listener.accept()
    child = os.fork()
    if child == 0:
        listener.close()
        serve(connection)
    children.append(child)
    connection.close()
