# judged: receives-while-it-sends
import socket
import sys

message = (bytes(range(251)) * 80_000)[:20_000_000]
connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
received = 0
for at in range(0, len(message), 65536):
    connection.sendall(message[at : at + 65536])
    received += len(connection.recv(65536))
connection.shutdown(socket.SHUT_WR)
while data := connection.recv(65536):
    received += len(data)
print(received)
