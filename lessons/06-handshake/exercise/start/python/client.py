import socket
import sys

port = int(sys.argv[-1])
question = sys.stdin.buffer.read()

# Connect to 127.0.0.1 and this port. Send the question, say that this is all, and print the answer.
