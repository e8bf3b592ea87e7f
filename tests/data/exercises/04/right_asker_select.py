# judged: right
import select
import socket
import sys
import time

at = ("127.0.0.1", int(sys.argv[-1]))
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.setblocking(False)
for number, line in enumerate(sys.stdin.read().splitlines(), 1):
    answer, sent = None, 0
    while answer is None and sent < 5:
        asker.sendto(b"%d %s" % (number, line.encode()), at)
        sent += 1
        until = time.monotonic() + 0.3
        while answer is None and select.select([asker], [], [], max(0, until - time.monotonic()))[0]:
            data, source = asker.recvfrom(65535)
            if source == at and data.startswith(b"%d " % number):
                answer = data[data.index(b" ") + 1 :]
    if answer is None:
        sys.exit(1)
    sys.stdout.buffer.write(answer + b"\n")
