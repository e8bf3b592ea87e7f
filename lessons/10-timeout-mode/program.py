# A deadline for a whole answer, over as many recv() as it takes. A timeout
# for each recv() would never strike.
#   python3 program.py server     in one terminal: byte after byte,
#                                 0.3 s apart, without end (Ctrl-C)
#   python3 program.py client     in another: it wants 100 bytes, within 2 s
import socket
import sys
import time


def server(address):
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        while True:
            connection, _ = listener.accept()
            try:
                with connection:
                    while True:
                        connection.sendall(b".")
                        time.sleep(0.3)
            except ConnectionError as error:
                print("the client has left:", error)


def receive_exactly(s, length, seconds):
    # Not time.time(): somebody may set that clock.
    deadline = time.monotonic() + seconds
    data = b""
    while len(data) < length:
        left = deadline - time.monotonic()
        # settimeout(0) would mean: do not wait; a negative number is an
        # error.
        if left <= 0:
            got = f"{len(data)} of {length} bytes"
            raise TimeoutError(f"{got} came within {seconds} s")
        s.settimeout(left)
        try:
            piece = s.recv(length - len(data))
        except TimeoutError:
            continue  # the test above reports it, in one place
        if not piece:
            raise ConnectionError(f"the end, after {len(data)} bytes")
        data += piece
    return data


def client(address):
    with socket.create_connection(address, timeout=2) as s:
        print(receive_exactly(s, 100, seconds=2).decode())


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except (OSError, KeyboardInterrupt) as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error!r}")
