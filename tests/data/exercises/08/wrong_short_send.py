# judged: sends-all
import select
import socket
import sys

message = (bytes(range(251)) * 80_000)[:20_000_000]
connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
connection.setblocking(False)
received = 0
at = 0
while True:
    writing = [connection] if at < len(message) else []
    readable, writable, _ = select.select([connection], writing, [])
    if writable:
        connection.send(message[at : at + 5_000_000])  # and what it does not take?
        at += 5_000_000
        if at == len(message):
            connection.shutdown(socket.SHUT_WR)
    if readable:
        data = connection.recv(65536)
        if not data and at == len(message):
            break
        received += len(data)
print(received)
