"""A thread that waits for another on an event."""
import socket
import threading

done = threading.Event()


def serve(listener):
    listener.accept()


with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    threading.Thread(target=serve, args=[listener], daemon=True).start()
    done.wait()
