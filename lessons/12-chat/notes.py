# The chat of the study notes with two threads a side, as they wrote it, in
# Python 3. It is no example to follow: lesson 12 shows what is wrong with it.
#   python3 notes.py server     in one terminal, first
#   python3 notes.py client     in another
import socket
import sys
import threading

HOST, PORT, BUFFER = "127.0.0.1", 21567, 1024


def send(s):
    while True:
        line = input("send message>")
        if not line:
            break
        s.sendall(line.encode())


def receive(s):
    while True:
        data = s.recv(BUFFER)
        if not data:
            break
        print("Jack:", data.decode("utf-8", "replace"))


s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
if sys.argv[1] == "server":
    s.bind((HOST, PORT))
    s.listen(5)
    print("waiting for connection...")
    s, address = s.accept()
    print("connected from:", address)
else:
    s.connect((HOST, PORT))
threading.Thread(target=send, args=(s,)).start()
threading.Thread(target=receive, args=(s,)).start()
while True:
    pass
