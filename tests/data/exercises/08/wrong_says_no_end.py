# judged: says-that-this-is-all
import socket
import sys
import threading

message = (bytes(range(251)) * 80_000)[:20_000_000]
connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
sender = threading.Thread(target=connection.sendall, args=[message])
sender.start()
received = 0
while data := connection.recv(65536):
    received += len(data)
sender.join()
print(received)
