# judged: right
import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])))
poll = select.poll()
poll.register(listener, select.POLLIN)
clients = {}
while True:
    for number, _ in poll.poll(500):  # it looks up now and then
        if number == listener.fileno():
            connection, _ = listener.accept()
            connection.setblocking(False)
            clients[connection.fileno()] = [connection, b"", b""]
            poll.register(connection, select.POLLIN)
            continue
        client = clients[number]
        connection, line, unsent = client
        try:
            if unsent:
                unsent = unsent[connection.send(unsent[:5000]) :]
            elif data := connection.recv(5000):
                *lines, line = (line + data).split(b"\n")
                unsent = b"".join(line[::-1] + b"\n" for line in lines)
            else:
                raise ConnectionError
        except ConnectionError:
            poll.unregister(connection)
            connection.close()
            continue
        client[1:] = line, unsent
        poll.modify(connection, select.POLLOUT if unsent else select.POLLIN)
