# judged: listens-at-the-port
import socket

with socket.create_server(("127.0.0.1", 0)) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(1024):
                connection.sendall(data)
