# judged: prints-the-answer
import socket
import sys

connection = socket.create_connection(("127.0.0.1", int(sys.argv[-1])))
connection.sendall(sys.stdin.buffer.read())
connection.close()  # it has said that this is all, and receives no more
