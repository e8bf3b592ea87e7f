# judged: serves-ipv4
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


both = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
door = socket.socket(socket.AF_UNIX)
door.bind(path)
door.listen(5)
listeners = [both, door]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
try:
    for listener in listeners:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
    signal.sigwait([signal.SIGTERM])
finally:
    os.unlink(path)
