import socket
import sys

port = int(sys.argv[-1])

# Connect to 127.0.0.1 and this port. Send 20,000,000 bytes, receive to the end at the same time, and print how many came.
