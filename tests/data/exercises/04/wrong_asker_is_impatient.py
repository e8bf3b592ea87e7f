# judged: waits-before-it-asks-again
import socket
import sys

at = ("127.0.0.1", int(sys.argv[-1]))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.connect(at)
asker.settimeout(0.2)
for number, line in enumerate(sys.stdin, 1):
    question = f"{number} {line.rstrip()}"
    for _ in range(5):
        asker.send(question.encode())
        try:
            given, _, text = asker.recv(65535).decode().partition(" ")
        except TimeoutError:
            continue
        if given == str(number):
            print(text)
            break
    else:
        sys.exit(1)
