import socket
import sys

address, port = sys.argv[-2], int(sys.argv[-1])

# Connect to this address and port. Send the lines of standard input in one frame, and print what comes back:
for line in sys.stdin:
    pass
