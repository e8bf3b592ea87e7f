# judged: right
import socket
import socketserver
import sys
from threading import Timer


class Serve(socketserver.StreamRequestHandler):
    def handle(self):
        timer = Timer(float(sys.argv[-1]), self.request.shutdown, [socket.SHUT_RDWR])
        timer.start()
        try:
            line = self.rfile.readline()  # 0 bytes, or less than a line, once the timer has struck
            if line.endswith(b"\n"):
                self.wfile.write(line)
        except ConnectionError:
            pass
        timer.cancel()


socketserver.ThreadingTCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[-2])), Serve) as server:
    server.serve_forever()
