"""A pair of sockets that a selector watches before it is used, as event loops wake themselves up."""
import selectors
import socket
import threading

ours, theirs = socket.socketpair()
with selectors.DefaultSelector() as selector:
    selector.register(ours, selectors.EVENT_READ)
    thread = threading.Thread(target=theirs.send, args=[b'x'])
    thread.start()
    selector.select()
    thread.join()
    ours.recv(1)
ours.close()
theirs.close()
