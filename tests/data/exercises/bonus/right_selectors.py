# judged: right
import selectors
import socket
import sys

names = {}
received = {}
unsent = {}
selector = selectors.DefaultSelector()


def say(guest, text):
    unsent[guest] += text.encode()
    flush(guest)


def flush(guest):
    try:
        unsent[guest] = unsent[guest][guest.send(unsent[guest]) :]
    except OSError:
        pass
    waits = selectors.EVENT_WRITE if unsent[guest] else 0
    selector.modify(guest, selectors.EVENT_READ | waits)


def tell_others(speaker, text):
    for guest in list(names):
        if guest is not speaker:
            say(guest, text)


def leave(guest):
    name = names.pop(guest, None)
    selector.unregister(guest)
    guest.close()
    if name:
        tell_others(guest, f"* {name} has left the room\n")


def hear(guest, line):
    if guest in names:
        tell_others(guest, f"[{names[guest]}] {line}\n")
    elif line.isalnum():
        say(guest, "* here: " + " ".join(names.values()) + "\n")
        names[guest] = line
        tell_others(guest, f"* {line} has entered the room\n")
    else:
        leave(guest)


def receive(guest):
    try:
        data = guest.recv(4096)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if not data:
        return leave(guest)
    received[guest] += data
    while guest.fileno() >= 0 and b"\n" in received[guest]:
        line, _, received[guest] = received[guest].partition(b"\n")
        hear(guest, line.decode("ascii", "replace").strip())


with socket.create_server(("", int(sys.argv[-1]))) as listener:
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():
            if key.fileobj is listener:
                guest, _ = listener.accept()
                guest.setblocking(False)
                received[guest] = b""
                unsent[guest] = b""
                selector.register(guest, selectors.EVENT_READ)
                say(guest, "who?\n")
                continue
            if events & selectors.EVENT_WRITE:
                flush(key.fileobj)
            if events & selectors.EVENT_READ:
                receive(key.fileobj)
