# One thread, many clients: non-blocking sockets, a selector, and for each
# client the bytes that it has still to get.
#   python3 program.py server     in one terminal; Ctrl-C ends it
#   python3 program.py client     in others: what you type comes back
import errno
import selectors
import socket
import sys
from contextlib import suppress
from selectors import EVENT_READ as READ, EVENT_WRITE as WRITE


# Does for one client what can be done now; None once it has left.
def serve(selector, s, unsent):
    try:
        # Where nothing fits, the other clients must not wait for that.
        with suppress(BlockingIOError):
            if not unsent:  # else what it has still to get comes first
                unsent += s.recv(65536)
                if not unsent:
                    raise EOFError("has left")
            del unsent[: s.send(unsent)]  # as much as fits
    except (OSError, EOFError) as why:
        print("a client:", why)
        selector.unregister(s)
        return s.close()
    return selector.modify(s, WRITE if unsent else READ, unsent)


# Takes in one client.
def welcome(selector, listener):
    try:
        s, _ = listener.accept()
        s.setblocking(False)  # not inherited on Linux
        selector.register(s, READ, bytearray())
    except BlockingIOError:
        pass  # another process has taken it
    except OSError as why:
        if why.errno != errno.EMFILE:
            raise
        # No descriptor is free. Do not watch the listener, which would be
        # ready all the time, until a client has left.
        print("accept:", why)
        selector.unregister(listener)


def server(address):
    selector = selectors.DefaultSelector()
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        listener.setblocking(False)
        selector.register(listener, READ)
        while True:
            for key, _ in selector.select():  # the only wait
                if key.fileobj is listener:
                    welcome(selector, listener)
                elif not serve(selector, key.fileobj, key.data):
                    with suppress(KeyError):  # is watched already
                        selector.register(listener, READ)


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
except (OSError, KeyboardInterrupt) as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error!r}")
