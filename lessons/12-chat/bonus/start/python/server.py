import socket
import sys

port = int(sys.argv[-1])

# Listen at 127.0.0.1 on this port. Ask each client for its name; then pass on each line of it to all others.
