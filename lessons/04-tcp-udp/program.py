# Messages over TCP, each behind its length; and the same as datagrams over
# UDP.
#   python3 program.py server tcp     in one terminal (or: server udp)
#   python3 program.py client tcp     in another (or: client udp)
import socket
import struct
import sys

MESSAGES = [b"one", b"", b"three words here"]


def receive_exactly(s, length):
    data = b""
    # recv() gives what is there, which may be less.
    while len(data) < length:
        piece = s.recv(length - len(data))
        if not piece:
            raise EOFError("the stream ended in the middle of a message")
        data += piece
    return data


def tcp_server(address):
    with socket.create_server(address, backlog=5) as listener:
        print("listening at %s port %d" % listener.getsockname())
        connection, _ = listener.accept()
        with connection:
            # b"": the stream ends between two messages.
            while first := connection.recv(1):
                header = first + receive_exactly(connection, 3)
                (length,) = struct.unpack("!I", header)
                # Never let a peer decide how much we store.
                if length > 1 << 20:
                    raise ValueError(f"a message of {length} bytes")
                show(receive_exactly(connection, length))


def tcp_client(address):
    with socket.create_connection(address) as s:
        # All in one sendall(): TCP keeps no boundaries, the lengths do.
        # "!I" is four bytes, the high one first.
        s.sendall(b"".join(struct.pack("!I", len(m)) + m for m in MESSAGES))


def udp_server(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(address)
        print("bound to %s port %d" % s.getsockname())
        while True:  # no connection, so no end
            # A datagram is a message; in a smaller buffer its end would be
            # lost.
            show(s.recv(65536))


def udp_client(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for message in MESSAGES:
            s.sendto(message, address)  # nobody tells whether it arrives


def show(message):
    print(f"{len(message)} bytes: {message[:20].decode()}")


roles = (tcp_server, tcp_client, udp_server, udp_client)
name = "_".join(reversed(sys.argv[1:3]))
role = {role.__name__: role for role in roles}.get(name)
if role is None:
    sys.exit("usage: program.py server|client tcp|udp [port]")
port = int(sys.argv[3]) if len(sys.argv) > 3 else 21567
try:
    role(("127.0.0.1", port))
except (OSError, EOFError, ValueError) as error:
    sys.exit(f"{name}, 127.0.0.1 port {port}: {error}")
except KeyboardInterrupt:
    pass
