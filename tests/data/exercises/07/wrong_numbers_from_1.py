# judged: another-run-has-other-numbers
import socket
import sys

at = sys.argv[-2], int(sys.argv[-1])
run = "order"
payments = 0


def pay(amount):
    global connection, payments
    while True:
        try:
            connection.sendall(f"{number} {amount}".encode())
            if answer := connection.recv(100):
                return answer.split()[1].decode()
        except OSError:
            pass
        connection.close()
        connection = connect()


def connect():
    while True:
        try:
            return socket.create_connection(at, timeout=1)
        except OSError:
            pass


connection = connect()
for amount in sys.stdin:
    payments += 1
    number = f"{run}-{payments}"
    print(pay(amount))
