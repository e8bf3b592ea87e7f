# judged: ignores-late-answers
import socket
import sys


at = ("127.0.0.1", int(sys.argv[-1]))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.connect(at)
asker.settimeout(0.3)


def ask(question):
    for _ in range(5):
        asker.send(question)
        try:
            return asker.recv(65535).decode().partition(" ")[2]
        except TimeoutError:
            pass
    sys.exit(1)


for number, line in enumerate(sys.stdin, 1):
    print(ask(f"{number} {line.rstrip()}".encode()))
