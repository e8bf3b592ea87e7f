import socket
import sys

address, port = sys.argv[-2], int(sys.argv[-1])

for amount in sys.stdin:
    # Send the bank a number and the amount, and print the balance. Try again after a second, with the same number.
    pass
