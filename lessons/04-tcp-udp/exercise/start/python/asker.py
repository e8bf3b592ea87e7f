import socket
import sys

port = int(sys.argv[-1])

# Ask each line of standard input by UDP at 127.0.0.1 and this port, and print the answer:
for number, line in enumerate(sys.stdin, 1):
    question = f"{number} {line.rstrip()}".encode()
