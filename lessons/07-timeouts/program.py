# A request with a limit. When it is over, the same request again, over a
# new connection.
#   python3 program.py server     in one terminal: it leaves new requests
#                                 unanswered; Ctrl-C ends it
#   python3 program.py client     in another
import os
import socket
import sys
import time


def server(address):
    done = set()  # so that a request made twice is worked on once
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        while True:
            connection, _ = listener.accept()
            try:
                with connection, connection.makefile("rb") as lines:
                    request = lines.readline()
                    if request in done:
                        connection.sendall(b"done\n")
                        print("the same request again: answered")
                    elif request.endswith(b"\n"):
                        done.add(request)
                        print("a new request: done, but no answer")
                        lines.read()  # until the client gives up
            except ConnectionError as error:
                print("a client:", error)


def client(address):
    # Its own number, the same in each attempt.
    request = b"request %s\n" % os.urandom(8).hex().encode()
    for attempt in range(1, 4):
        try:
            # A new connection each time: over the old one a late answer
            # could be taken for the answer to another request.
            with socket.create_connection(address, timeout=1) as s:
                s.sendall(request)
                if s.makefile("rb").readline() == b"done\n":
                    return print(f"attempt {attempt}: done")
            raise ConnectionError("the server closed the connection")
        except OSError as error:  # timed out, refused, reset, closed
            print(f"attempt {attempt}: {error}")
        # Pause, longer each time: perhaps the server is overloaded.
        time.sleep(0.2 * attempt)
    raise TimeoutError("no answer in three attempts")


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except (OSError, KeyboardInterrupt) as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error!r}")
