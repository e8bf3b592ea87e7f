# judged: starts-again
import os
import signal
import socket
import sys
import threading

port, path = int(sys.argv[-2]), sys.argv[-1]


def serve(connection, family):
    with connection:
        try:
            connection.sendall(f"{family}\n".encode())
            while data := connection.recv(4096):
                connection.sendall(data)
        except ConnectionError:
            pass


def accept(listener):
    while True:
        connection, _ = listener.accept()
        of_client = (connection, listener.family.name)
        threading.Thread(target=serve, args=of_client, daemon=True).start()


listeners = [socket.socket(it) for it in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)]
listeners[0].bind(("127.0.0.1", port))
listeners[1].bind(("::1", port))
if os.path.exists(path):
    os.unlink(path)
listeners[2].bind(path)
for listener in listeners:
    listener.listen(5)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
try:
    for listener in listeners:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
    signal.sigwait([signal.SIGTERM])
finally:
    os.unlink(path)
