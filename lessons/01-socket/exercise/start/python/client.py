import socket
import sys

port = int(sys.argv[-1])

# Connect to 127.0.0.1 and this port. Send the lines of standard input, and print what comes back:
for line in sys.stdin:
    pass
