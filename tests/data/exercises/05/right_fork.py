# judged: right
import os
import signal
import socket
import subprocess
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
children = set()


def collect(*_):
    for child in list(children):
        if os.waitpid(child, os.WNOHANG)[0]:
            children.discard(child)


def end(*_):
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for line in connection.makefile("r"):
        job = subprocess.Popen(["sleep", line.strip()])
        job.wait()
        job = None
        connection.sendall(b"done\n")
    os._exit(0)


signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGCHLD, collect)
while True:
    connection, _ = listener.accept()
    child = os.fork()
    if child == 0:
        listener.close()
        serve(connection)
    children.add(child)
    connection.close()
