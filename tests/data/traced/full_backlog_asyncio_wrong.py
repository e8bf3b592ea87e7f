"""A short queue, a server that is late, and a client that waits for all connections at once."""
import asyncio
import socket
import sys
import time

import port


def server(path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port.tell(path, listener)
        port.ask(path + ".two")
        time.sleep(2)
        for _ in range(3):
            conn, _ = listener.accept()
            conn.close()


async def read(path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port.ask(path))
    port.tell(path + ".two", writer.get_extra_info("socket"))
    print(await reader.read(1024))
    writer.close()


async def three(path):
    await asyncio.gather(*(read(path) for _ in range(3)))


def client(path):
    asyncio.run(three(path))


{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
