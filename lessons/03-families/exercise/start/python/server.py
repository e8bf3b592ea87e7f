import socket
import sys

port, path = int(sys.argv[-2]), sys.argv[-1]

# Listen at 127.0.0.1 and ::1 on this port, and at this path. Tell each client its family, then send back what it sends.
