# judged: gives-up
import socket
import sys


at = ("127.0.0.1", int(sys.argv[-1]))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.connect(at)
asker.settimeout(0.3)


def ask(number, line):
    while True:
        asker.send(f"{number} {line}".encode())
        try:
            while True:
                given, _, text = asker.recv(65535).decode().partition(" ")
                if int(given) == number:
                    return text
        except TimeoutError:
            pass


for number, line in enumerate(sys.stdin, 1):
    print(ask(number, line.rstrip()))
