# judged: sends-while-nothing-comes
import socket
import sys

message = (bytes(range(251)) * 80_000)[:20_000_000]
connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
received = 0
while data := connection.recv(65536):
    received += len(data)
connection.sendall(message)
print(received)
