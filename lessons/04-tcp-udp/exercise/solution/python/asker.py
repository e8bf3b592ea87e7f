import socket
import sys
import time

TIMES = 5
WAIT = 0.3


def answer_to(number, until):
    """The answer to this question, or None if it has not come by then."""
    while (left := until - time.monotonic()) > 0:
        asker.settimeout(left)
        try:
            given, _, text = asker.recv(65535).decode().partition(" ")
        except TimeoutError:
            return None
        if given == str(number):
            return text
    return None


def ask(number, line):
    for _ in range(TIMES):
        asker.send(f"{number} {line}".encode())
        answer = answer_to(number, time.monotonic() + WAIT)
        if answer is not None:
            return answer
    sys.exit(1)


asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.connect(("127.0.0.1", int(sys.argv[-1])))  # what others send does not reach it now
for number, line in enumerate(sys.stdin, 1):
    print(ask(number, line.rstrip("\n")))
