"""An echo server for one client with the module selectors: one thread, nothing that blocks but the selector."""
import selectors
import socket

selector = selectors.DefaultSelector()


def accept(listener):
    connection, _ = listener.accept()
    connection.setblocking(False)
    selector.register(connection, selectors.EVENT_READ, echo)
    selector.unregister(listener)


def echo(connection):
    if data := connection.recv(1024):
        assert connection.send(data) == len(data)
    else:
        selector.unregister(connection)
        connection.close()


with socket.socket() as listener:
    listener.bind(('127.0.0.1', 0))
    with open('port', 'w') as port:
        port.write(str(listener.getsockname()[1]))
    listener.listen()
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, accept)
    while selector.get_map():
        for key, _ in selector.select():
            key.data(key.fileobj)
selector.close()
