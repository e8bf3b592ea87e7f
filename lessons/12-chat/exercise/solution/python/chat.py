import os
import socket
import sys
from contextlib import suppress
from select import select
from threading import Thread


def connection(role, port):
    if role == "client":
        return socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as listener:
        return listener.accept()[0]


def send(peer, over):
    with suppress(OSError):  # a connection that breaks ends the other thread too
        # `over` is ready once the receiver has closed the pipe's other end.
        while over not in select([0, over], [], [])[0]:
            data = os.read(0, 1024)  # not input(): select() does not see what is in its buffer
            if not data:
                return peer.shutdown(socket.SHUT_WR)  # goodbye; we still listen
            peer.sendall(data)


def receive(peer, is_over):
    try:
        for line in peer.makefile("rb"):  # as many recv() as a line needs
            print("Jack:", line.decode("utf-8", "replace").rstrip("\n"), flush=True)
        return 0
    except OSError as error:
        print("the connection is broken:", error, flush=True)
        return 1
    finally:
        os.close(is_over)  # wakes the sender if it waits in select()
        with suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)  # wakes it if it waits in sendall()


peer = connection(sys.argv[-2], int(sys.argv[-1]))
over, is_over = os.pipe()
sender = Thread(target=send, args=(peer, over))
sender.start()
status = receive(peer, is_over)
sender.join()
sys.exit(status)
