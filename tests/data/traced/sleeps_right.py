"""A coroutine that sleeps alone."""
import asyncio
import select
import socket
import sys

import port


async def work():
    await asyncio.sleep(3)


async def answer(reader, writer):
    while line := await reader.readline():
        if line == b"slowly\n":
            await work()
        writer.write(line)
        await writer.drain()
    writer.close()
    left.append(writer)
    if len(left) == 2:
        served.set_result(None)


async def serve(path):
    global left, served
    left, served = [], asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port.tell(path, server.sockets[0])
    await served
    server.close()


def server(path):
    asyncio.run(serve(path))


def client(path):
    with socket.create_connection(("127.0.0.1", port.ask(path))) as sock:
        sock.sendall(b"hello\n")
        print(sock.recv(1024))
        with socket.socket() as other:
            sock.sendall(b"slowly\n")
            other.connect(sock.getpeername())
            other.sendall(b"hurry\n")
            waiting = {sock, other}
            while waiting:
                for ready in select.select(waiting, [], [])[0]:
                    print(ready.recv(1024))
                    waiting.remove(ready)


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
