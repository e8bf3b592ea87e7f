"""An echo server for one client, with a thread for it."""
import socket
import threading


def serve(connection):
    with connection:
        while data := connection.recv(1024):
            connection.sendall(data)


with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('127.0.0.1', 0))
    with open('port', 'w') as port:
        port.write(str(listener.getsockname()[1]))
    listener.listen()
    connection, _ = listener.accept()
    thread = threading.Thread(target=serve, args=[connection])
    thread.start()
    thread.join()
