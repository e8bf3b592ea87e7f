# What each layer says about one datagram: interface, addresses, ports,
# bytes. Linux; no root needed.
#   python3 program.py
import socket
import struct
import sys

# From <linux/in.h>; not every Python has the names.
IP_PKTINFO, IP_RECVTTL = 8, 12


def main():
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    # A datagram may be lost, and nobody would say so.
    receiver.settimeout(10)
    # Also hand me what the lower layers know.
    for option in (IP_PKTINFO, IP_RECVTTL):
        receiver.setsockopt(socket.IPPROTO_IP, option, 1)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # A field of the IP header.
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 42)
    sender.sendto(b"hello", receiver.getsockname())

    data, lower, flags, (source, source_port) = receiver.recvmsg(1024, 256)
    for level, kind, value in lower:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            index, _, to = struct.unpack("=I4s4s", value)
        if (level, kind) == (socket.IPPROTO_IP, socket.IP_TTL):
            (ttl,) = struct.unpack("=i", value)
    to_port = receiver.getsockname()[1]
    interface, to = socket.if_indextoname(index), socket.inet_ntoa(to)
    print(f"data link:   came in by the interface {interface}")
    print(f"network:     from {source} to {to}, time to live {ttl}")
    print("transport:   UDP, from port", source_port, "to port", to_port)
    print("application:", len(data), "bytes:", data.decode())


try:
    main()
except OSError as error:
    sys.exit(f"a datagram on 127.0.0.1: {error}")
