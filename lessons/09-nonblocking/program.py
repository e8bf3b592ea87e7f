# One thread, many clients: non-blocking sockets, a selector, and for each
# client the bytes that it has still to get.
#   python3 program.py server     in one terminal; Ctrl-C ends it
#   python3 program.py client     in others: what you type comes back
import selectors
import socket
import sys

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# While a client has this much still to get, we take no more from it.
MOST = 65536


class Client:
    def __init__(self, s):
        self.s, self.unsent, self.ended = s, bytearray(), False
        s.setblocking(False)  # not inherited from the listening socket

    def serve(self, events):
        """Does what can be done now, and returns what to wait for next."""
        if events & READ:
            data = self.s.recv(4096)
            self.unsent += data
            # The client may still listen: what is unsent goes out first.
            self.ended = not data
        try:
            del self.unsent[: self.s.send(self.unsent)]  # as much as fits
        except BlockingIOError:
            # Nothing fits: this client does not read, and the others must
            # not wait for it.
            pass
        may_read = not self.ended and len(self.unsent) < MOST
        return (READ if may_read else 0) | (WRITE if self.unsent else 0)


def server(address):
    selector = selectors.DefaultSelector()
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        # A client may be gone again before accept().
        listener.setblocking(False)
        selector.register(listener, READ)
        while True:
            for key, events in selector.select():  # the only wait
                try:
                    if key.data is None:
                        connection, _ = listener.accept()
                        new = Client(connection)
                        selector.register(connection, READ, new)
                        continue
                    wanted = key.data.serve(events)
                except BlockingIOError:  # not ready after all
                    continue
                # This client is gone; the others are not.
                except OSError as error:
                    print("a client:", error)
                    wanted = 0
                if wanted:
                    selector.modify(key.fileobj, wanted, key.data)
                elif key.data:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


def client(address):
    with socket.create_connection(address) as s, s.makefile("rb") as lines:
        for line in sys.stdin:
            s.sendall(line.encode())
            print(lines.readline().decode().rstrip())


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except OSError as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error}")
except KeyboardInterrupt:
    pass
