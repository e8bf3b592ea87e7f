"""The server of Python's standard library: one request, for a file of this folder."""
from http.server import HTTPServer, SimpleHTTPRequestHandler

server = HTTPServer(('127.0.0.1', 0), SimpleHTTPRequestHandler, bind_and_activate=False)
with server:
    server.server_bind()
    with open('port', 'w') as port:
        port.write(str(server.server_address[1]))
    server.server_activate()
    server.handle_request()
