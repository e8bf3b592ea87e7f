# A chat with two threads a side: one sends, one receives, and both end when
# the other leaves. Not for Windows.
#   python3 program.py server     in one terminal, first
#   python3 program.py client     in another; Ctrl-D leaves
import os
import select
import socket
import sys
import threading

HOST, PORT, BUFFER, BACKLOG = "127.0.0.1", 21567, 1024, 5


def send(s, over):
    try:
        while True:
            # The keyboard, or the receiver's word that it is over.
            ready, _, _ = select.select([0, over], [], [])
            if over in ready:
                return
            # Not input(): what its buffer holds is hidden from select().
            data = os.read(0, BUFFER)
            if not data:  # Ctrl-D
                # The other sees the end, and leaves; then our receiver
                # ends.
                return s.shutdown(socket.SHUT_WR)
            s.sendall(data)
    except OSError as error:
        # The receiver sees the same, and ends too.
        print("cannot send:", error)


def receive(s, is_over):
    received = b""
    try:
        while data := s.recv(BUFFER):
            # One recv() is not one message.
            *lines, received = (received + data).split(b"\n")
            for line in lines:
                print("Jack:", line.decode("utf-8", "replace"))
        print("the other has left")
    except OSError as error:
        print("the connection is broken:", error)
    os.close(is_over)  # wakes the sender if it waits in select()
    try:
        s.shutdown(socket.SHUT_RDWR)  # wakes it if it waits in send()
    except OSError:
        pass  # both directions have ended already


def talk(s):
    over, is_over = os.pipe()
    threads = [
        threading.Thread(target=send, args=(s, over)),
        threading.Thread(target=receive, args=(s, is_over)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        # Sleeps; a loop that asks again and again would use a processor.
        thread.join()


def server(address):
    # create_server() sets SO_REUSEADDR (lesson 6).
    with socket.create_server(address, backlog=BACKLOG) as listener:
        print("listening at %s port %d" % listener.getsockname())
        print("waiting for connection...")
        s, peer = listener.accept()
    with s:
        print("connected from: %s port %d" % peer)
        talk(s)


def client(address):
    with socket.create_connection(address) as s:
        talk(s)


roles = {"server": server, "client": client}
if len(sys.argv) < 2 or sys.argv[1] not in roles:
    sys.exit("usage: program.py server|client [port]")
port = int(sys.argv[2]) if len(sys.argv) > 2 else PORT
try:
    roles[sys.argv[1]]((HOST, port))
except OSError as error:
    sys.exit(f"{sys.argv[1]}, {HOST} port {port}: {error}")
except KeyboardInterrupt:
    os._exit(130)  # Ctrl-C leaves at once, with all threads
