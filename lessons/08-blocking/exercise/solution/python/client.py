import select
import socket
import sys

ALL = 20_000_000
pattern = bytes(range(251)) * 1000  # byte i of all that is sent is pattern[i % len(pattern)]

connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
connection.setblocking(False)
sent = received = 0
ended = False
while sent < ALL or not ended:
    readable = [] if ended else [connection]
    writable = [connection] if sent < ALL else []
    readable, writable, _ = select.select(readable, writable, [])
    if readable:
        data = connection.recv(1 << 20)
        received += len(data)
        ended = data == b""
    if writable:
        start = sent % len(pattern)
        sent += connection.send(pattern[start : start + ALL - sent])
        if sent == ALL:
            connection.shutdown(socket.SHUT_WR)
print(received)
