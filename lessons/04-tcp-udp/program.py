# Messages over TCP, each behind its length; and the same as datagrams over
# UDP.
#   python3 program.py server tcp     in one terminal (or: server udp)
#   python3 program.py client tcp     in another (or: client udp)
import socket
import sys

MESSAGES = [b"one", b"", b"three words here"]


def tcp_server(address):
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        connection, _ = listener.accept()
    # recv() gives what is there, which may be less than a message. read()
    # calls it until it has all, or the stream ends.
    with connection, connection.makefile("rb") as stream:
        while header := stream.read(4):  # b"": the stream has ended
            length = int.from_bytes(header, "big")
            # Never let a peer decide how much we store.
            message = stream.read(length) if length <= 1 << 20 else b""
            if len(header) < 4 or len(message) < length:
                raise EOFError("a message is cut off, or too long")
            show(message)


def tcp_client(address):
    with socket.create_connection(address) as s:
        # All in one sendall(): TCP keeps no boundaries, the lengths do.
        # A length is four bytes, the high one first.
        s.sendall(b"".join(len(m).to_bytes(4, "big") + m for m in MESSAGES))


def udp_server(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(address)
        print("bound to %s port %d" % s.getsockname())
        while True:  # no connection, so no end; Ctrl-C ends it
            # A datagram is a message. A smaller buffer might cut it.
            show(s.recv(65536))


def udp_client(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for message in MESSAGES:
            s.sendto(message, address)  # nobody tells whether it arrives


def show(message):
    print(f"{len(message)} bytes: {message[:20].decode()}")


roles = {"server tcp": tcp_server, "client tcp": tcp_client}
roles |= {"server udp": udp_server, "client udp": udp_client}
name = " ".join(sys.argv[1:3])
if name not in roles:
    sys.exit("usage: program.py server|client tcp|udp [port]")
port = int(sys.argv[3]) if len(sys.argv) > 3 else 21567
try:
    roles[name](("127.0.0.1", port))
except (OSError, EOFError) as error:
    sys.exit(f"{name}, 127.0.0.1 port {port}: {error}")
except KeyboardInterrupt:
    pass
