import socket
import sys
import time
import uuid

at = sys.argv[-2], int(sys.argv[-1])
connection = None


def answer_to(line):
    """The bank's answer, however often it has to be asked. It may be, for it pays each number once."""
    global connection
    while True:
        try:
            if connection is None:
                connection = socket.create_connection(at, timeout=1)
            connection.sendall(line)
            answer = b""
            while not answer.endswith(b"\n"):
                data = connection.recv(100)
                if not data:
                    raise ConnectionError("the bank has ended the connection")
                answer += data
            return answer
        except OSError as error:  # TimeoutError is one too
            print("once more:", error, file=sys.stderr)
            if connection is not None:
                connection.close()  # a late answer on it would be taken for another
                connection = None
            time.sleep(0.1)


for amount in sys.stdin:
    number = uuid.uuid4()
    answer = answer_to(f"{number} {amount.strip()}\n".encode())
    print(answer.split()[1].decode(), flush=True)
