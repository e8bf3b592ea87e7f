import selectors
import socket
import sys


class Client:
    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection
        self.line = b""  # what has come of a line that is not complete
        self.unsent = b""
        self.ended = False

    def interest(self):
        return selectors.EVENT_WRITE if self.unsent else selectors.EVENT_READ

    def serve(self):
        """Does what can be done now; false when the connection is over."""
        try:
            if not self.unsent:
                self.receive()
            if self.unsent:
                taken = self.connection.send(self.unsent)
                self.unsent = self.unsent[taken:]
        except BlockingIOError:
            pass  # not now
        except ConnectionError:
            return False  # this client has broken off
        return bool(self.unsent) or not self.ended

    def receive(self):
        data = self.connection.recv(65536)
        self.ended = data == b""
        *lines, self.line = (self.line + data).split(b"\n")
        self.unsent = b"".join(line[::-1] + b"\n" for line in lines)


listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])), backlog=200)
listener.setblocking(False)
waiting = selectors.DefaultSelector()
waiting.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        client = key.data
        if client is None:
            try:
                connection, address = listener.accept()
            except OSError:
                continue  # it has gone already
            client = Client(connection)
            waiting.register(connection, selectors.EVENT_READ, client)
        elif client.serve():
            waiting.modify(client.connection, client.interest(), client)
        else:
            waiting.unregister(client.connection)
            client.connection.close()
