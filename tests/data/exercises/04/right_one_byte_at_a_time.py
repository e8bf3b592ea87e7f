# judged: right
import socketserver
import struct
import sys


class Messages(socketserver.StreamRequestHandler):
    rbufsize = 0

    def receive(self, wanted):
        whole = bytearray()
        for _ in range(wanted):
            byte = self.rfile.read(1) if wanted < 100 else self.request.recv(wanted - len(whole))
            if not byte:
                return None
            whole += byte
            if len(whole) == wanted:
                break
        return bytes(whole)

    def handle(self):
        while (head := self.receive(4)) is not None:
            (length,) = struct.unpack(">I", head)
            message = self.receive(length) if length <= 1_000_000 else None
            if message is None:
                return
            self.wfile.write(head)
            self.wfile.write(message[::-1])


socketserver.ThreadingTCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[-1])), Messages) as server:
    server.serve_forever()
