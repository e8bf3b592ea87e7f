# judged: right
import asyncio
import os
import sys


async def talk(reader, writer):
    async def send():
        stdin = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(stdin)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        while data := await stdin.read(1024):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    sender = asyncio.create_task(send())
    while data := await reader.read(1024):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    sender.cancel()
    os._exit(0)


async def main(role, port):
    if role == "client":
        await talk(*await asyncio.open_connection("127.0.0.1", port))
    else:
        server = await asyncio.start_server(talk, "127.0.0.1", port)
        await server.serve_forever()


asyncio.run(main(sys.argv[-2], int(sys.argv[-1])))
