import selectors
import socket
import sys

port = int(sys.argv[-1])

# Listen at 127.0.0.1 on this port. To each line that a client sends, send back the line backwards.
# One thread serves all clients: none of its calls waits for one of them alone.
