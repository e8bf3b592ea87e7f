"""A message has a length, and is read until it is whole."""
import asyncio
import socket
import sys

import port

SIZE = 600_000


async def answer(reader, writer):
    data = await reader.readexactly(SIZE)
    writer.write(b"got %d bytes" % len(data))
    writer.close()
    served.set_result(None)


async def serve(path):
    global served
    served = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port.tell(path, server.sockets[0])
    await served
    server.close()


def server(path):
    asyncio.run(serve(path))


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"a" * SIZE)
        try:
            print(sock.recv(1024))
        except ConnectionResetError as error:
            print(error)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
