import socket
import sys

port = int(sys.argv[-1])

# Listen at 127.0.0.1 on this port. A client sends a line with a number: send it so many dots, and end the connection so that
# nothing is lost.
