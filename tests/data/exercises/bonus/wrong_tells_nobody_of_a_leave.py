# judged: announces-a-leave
import socket
import sys
from threading import RLock, Thread

names = {}  # of each connection that is in the room
lock = RLock()


def tell_others(speaker, text):
    with lock:
        others = [guest for guest in names if guest is not speaker]
        for guest in others:
            try:
                guest.sendall(text.encode())  # waits for one who reads slowly
            except OSError:
                pass  # this one is just leaving, and its own thread says so


def come_in(guest, name):
    with lock:  # who comes next is told after this one
        there = ", ".join(names.values())
        guest.sendall(f"* in the room: {there}\n".encode())
        names[guest] = name
        tell_others(guest, f"* {name} has entered the room\n")


def attend(guest):
    name = None
    try:
        with guest.makefile("r", encoding="ascii", errors="replace", newline="\n") as lines:
            guest.sendall(b"What is your name?\n")
            wanted = lines.readline().rstrip("\r\n")
            if not (wanted.isascii() and wanted.isalnum() and len(wanted) <= 16):
                return guest.sendall(b"* a name has letters and digits alone\n")
            name = wanted
            come_in(guest, name)
            for line in lines:
                text = line.rstrip("\r\n")
                tell_others(guest, f"[{name}] {text}\n")
    except OSError:
        pass  # this one has broken off
    finally:
        with lock:
            names.pop(guest, None)
        guest.close()


with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        guest, _ = listener.accept()
        Thread(target=attend, args=(guest,), daemon=True).start()
