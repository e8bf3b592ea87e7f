import socket
import sys
import time

port, seconds = int(sys.argv[-2]), float(sys.argv[-1])

# Listen at 127.0.0.1 on this port. Answer the line that each client sends, if it is there within these seconds.
