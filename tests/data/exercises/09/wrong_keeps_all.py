# judged: keeps-little
import selectors
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])), backlog=200)
waiting = selectors.DefaultSelector()
waiting.register(listener, selectors.EVENT_READ)
come = {}
unsent = {}
while True:
    for key, events in waiting.select():
        it = key.fileobj
        if it is listener:
            connection, _ = listener.accept()
            connection.setblocking(False)
            waiting.register(connection, selectors.EVENT_READ)
            come[connection] = unsent[connection] = b""
            continue
        try:
            if events & selectors.EVENT_READ:
                data = it.recv(65536)
                if not data and not unsent[it]:
                    raise ConnectionError
                *lines, come[it] = (come[it] + data).split(b"\n")
                unsent[it] += b"".join(line[::-1] + b"\n" for line in lines)
            if unsent[it]:
                interest = selectors.EVENT_READ | selectors.EVENT_WRITE
                waiting.modify(it, interest)
                unsent[it] = unsent[it][it.send(unsent[it]) :]
            if not unsent[it]:
                waiting.modify(it, selectors.EVENT_READ)
        except BlockingIOError:
            pass
        except ConnectionError:
            waiting.unregister(it)
            it.close()
