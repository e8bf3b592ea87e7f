# judged: right
import socket
import sys
import threading

message = (bytes(range(251)) * 80_000)[:20_000_000]
connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))


def send():
    for at in range(0, len(message), 99_999):
        connection.sendall(message[at : at + 99_999])
    connection.shutdown(socket.SHUT_WR)


threading.Thread(target=send).start()
received = 0
while data := connection.recv(65536):
    received += len(data)
print(received)
