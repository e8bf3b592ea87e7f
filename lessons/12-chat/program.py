# A chat with two threads a side: one sends, and the main thread receives.
# Both end when the other side leaves. Not for Windows.
#   python3 program.py server     in one terminal, first
#   python3 program.py client     in another; Ctrl-D leaves
import os
import socket
import sys
from contextlib import suppress
from select import select
from threading import Thread


def send(s, over):
    with suppress(OSError):  # a broken connection ends the receiver too
        # `over` is ready once the receiver has closed the pipe's other end.
        while over not in select([0, over], [], [])[0]:
            data = os.read(0, 1024)  # input() hides lines from select()
            if not data:  # Ctrl-D: the other sees the end, and leaves
                return s.shutdown(socket.SHUT_WR)
            s.sendall(data)


def receive(s, is_over):
    try:
        for line in s.makefile("rb"):  # recv() as often as a line needs
            print("Jack:", line.decode("utf-8", "replace").rstrip("\n"))
        print("the other has left")
    except OSError as error:
        print("the connection is broken:", error)
    os.close(is_over)  # wakes the sender if it waits in select()
    with suppress(OSError):  # both directions may have ended already
        s.shutdown(socket.SHUT_RDWR)  # wakes it if it waits in sendall()


def talk(s):
    over, is_over = os.pipe()
    # daemon: Ctrl-C in the main thread ends this one too.
    sender = Thread(target=send, args=(s, over), daemon=True)
    sender.start()
    receive(s, is_over)
    sender.join()  # sleeps until the other thread has ended


def server(address):
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        print("waiting for connection...")
        s, peer = listener.accept()
    print("connected from: %s port %d" % peer)
    talk(s)


def client(address):
    talk(socket.create_connection(address))


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else 21567
try:
    roles[sys.argv[1]](("127.0.0.1", port))
except (OSError, KeyboardInterrupt) as error:
    sys.exit(f"{sys.argv[1]}, 127.0.0.1 port {port}: {error!r}")
