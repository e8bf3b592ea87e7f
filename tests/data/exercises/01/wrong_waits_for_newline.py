# judged: echoes-any-bytes
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[-1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as lines:
            for line in lines:
                lines.write(line)
                lines.flush()
