"""Three words to a server that sends each back, with every byte waited for."""
import socket

with socket.create_connection(('127.0.0.1', int(open('port').read()))) as server:
    for word in [b'hello', b'world']:
        server.sendall(word)
        assert server.recv(len(word), socket.MSG_WAITALL) == word
    server.sendmsg([b'a', b'bc'])
    assert server.recvmsg(3, 0, socket.MSG_WAITALL)[0] == b'abc'
    server.shutdown(socket.SHUT_WR)
    assert server.recv(10) == b''
