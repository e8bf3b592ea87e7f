# judged: leaves-no-file
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


listeners = [
    socket.create_server(("127.0.0.1", port)),
    socket.create_server(("::1", port), family=socket.AF_INET6),
    socket.socket(socket.AF_UNIX),
]
if os.path.exists(path):
    os.unlink(path)
listeners[2].bind(path)
listeners[2].listen(5)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
for listener in listeners:
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
signal.sigwait([signal.SIGTERM])
