# judged: ignores-strangers
import socket
import sys


at = ("127.0.0.1", int(sys.argv[-1]))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(0.3)


def ask(number, line):
    for _ in range(5):
        asker.sendto(f"{number} {line}".encode(), at)
        try:
            while True:
                given, _, text = asker.recvfrom(65535)[0].decode().partition(" ")
                if int(given) == number:
                    return text
        except TimeoutError:
            pass
    sys.exit(1)


for number, line in enumerate(sys.stdin, 1):
    print(ask(number, line.rstrip()))
