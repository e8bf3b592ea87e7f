# A server that gives each client a process. Not for Windows, which has no
# fork().
#   python3 program.py server     in one terminal; Ctrl-C ends it
#   python3 program.py client     in others, several at once:
#                                 what you type comes back
import os
import signal
import socket
import sys


def server(address):
    # Else each child that has ended stays a zombie: nobody collects it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        sys.stdout.flush()  # else each child has the line in its buffer
        while True:
            connection, _ = listener.accept()
            # The parent closes its descriptor; the child's keeps the
            # connection open.
            with connection:
                if os.fork() == 0:
                    # Else the port stays taken while the child lives.
                    listener.close()
                    serve(connection)


def serve(connection):
    try:
        connection.sendall(b"process %d serves you\n" % os.getpid())
        while data := connection.recv(1024):
            connection.sendall(data)
    except OSError as error:
        print("a client:", error, file=sys.stderr)
    finally:
        os._exit(0)  # the child must not go on in the parent's loop


def client(address):
    with socket.create_connection(address) as s:
        lines = s.makefile("rb")
        print(lines.readline().decode().rstrip())
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
