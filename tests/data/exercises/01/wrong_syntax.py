# judged: listens-at-the-port
import socket
while True
    pass
