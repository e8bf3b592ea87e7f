# recv() blocks until something comes: watch it wait.
#   python3 program.py server     in one terminal; what you type is sent,
#                                 Ctrl-D is the end
#   python3 program.py client     in another; it shows how long it waited
import socket
import sys
import time


def server(address):
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        # Blocks too, until a client is there.
        connection, _ = listener.accept()
        with connection:
            print("a client is here: type")
            for line in sys.stdin:
                # Blocks only when the buffers are full.
                connection.sendall(line.encode())


def client(address):
    with socket.create_connection(address) as s:
        data = None
        while data != b"":  # recv() returns b"" at the end
            started = time.monotonic()
            data = s.recv(1024)  # sleeps here, and uses no processor
            waited = time.monotonic() - started
            print(f"recv() waited {waited:.3f} s: {len(data)} bytes")
    print("the end")


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except (OSError, KeyboardInterrupt) as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error!r}")
