# judged: sleeps-till-there-is-room
import select
import socket
import sys

message = (bytes(range(251)) * 80_000)[:20_000_000]
connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
connection.setblocking(False)
received = sent = 0
ended = False
while sent < len(message) or not ended:
    writing = [connection] if sent < len(message) else []
    readable, writable, _ = select.select([connection], writing, [])
    if readable:
        data = connection.recv(65536)
        received += len(data)
        ended = data == b""
    if writable:
        sent += connection.send(message[sent : sent + 65536])
        if sent == len(message):
            connection.shutdown(socket.SHUT_WR)
print(received)
