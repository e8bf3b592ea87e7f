# judged: one-thread
import socketserver
import sys


class Backwards(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line[:-1][::-1] + b"\n")


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer.request_queue_size = 200
with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[-1])), Backwards) as server:
    server.serve_forever()
