import socket
import sys

role, port = sys.argv[-2], int(sys.argv[-1])

if role == "server":
    pass  # Listen at 127.0.0.1 on this port, and take one client.
else:
    pass  # Connect to 127.0.0.1 and this port.

# Then send each line of standard input, and print each line that comes, whichever is first.
