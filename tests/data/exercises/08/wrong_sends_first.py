# judged: receives-while-it-sends
import socket
import sys

message = (bytes(range(251)) * 80_000)[:20_000_000]
connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
connection.sendall(message)
connection.shutdown(socket.SHUT_WR)
received = 0
while data := connection.recv(65536):
    received += len(data)
print(received)
