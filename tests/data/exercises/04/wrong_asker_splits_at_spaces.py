# judged: prints-the-answers
import socket
import sys
import time

asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.connect(("127.0.0.1", int(sys.argv[-1])))


def answer_to(number):
    until = time.monotonic() + 0.3
    while (left := until - time.monotonic()) > 0:
        asker.settimeout(left)
        try:
            words = asker.recv(65535).decode().split()
        except TimeoutError:
            break
        if words[0] == str(number):
            return words[1]  # the first word alone


for number, line in enumerate(sys.stdin, 1):
    for _ in range(5):
        asker.send(f"{number} {line.rstrip()}".encode())
        if (answer := answer_to(number)) is not None:
            print(answer)
            break
    else:
        sys.exit(1)
