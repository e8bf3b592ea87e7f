import os
import signal
import socket
import subprocess
import sys
import threading

lock = threading.Lock()
connections, jobs = set(), set()
is_over = False


def run(seconds):
    with lock:
        if is_over:
            return
        job = subprocess.Popen(["sleep", seconds])  # it gets none of our descriptors
        jobs.add(job)
    job.wait()  # collects it
    with lock:
        jobs.remove(job)


def serve(connection):
    try:
        with connection.makefile("r") as lines:
            for line in lines:
                run(line.strip())
                connection.sendall(b"done\n")
    except OSError:
        pass  # this client has broken off, or all is over
    with lock:
        connections.remove(connection)
    connection.close()


def accept(listener):
    while True:
        connection, _ = listener.accept()
        with lock:
            connections.add(connection)
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # in all threads that begin from here on
threading.Thread(target=accept, args=(listener,), daemon=True).start()
signal.sigwait([signal.SIGTERM])
with lock:
    is_over = True
    for connection in connections:
        try:
            connection.sendall(b"goodbye\n")
            connection.shutdown(socket.SHUT_WR)  # no "done" after it
        except OSError:
            pass
    for job in jobs:
        job.kill()
    os._exit(0)
