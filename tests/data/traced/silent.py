"""A server that accepts, and says nothing: run outside of the trace."""
import socket
import sys

import port

with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port.tell(sys.argv[1], listener)
    conn, _ = listener.accept()
    sys.stdin.read()
