# judged: right
import asyncio
import sys


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readexactly(4)
            length = int.from_bytes(head, "big")
            if length > 1_000_000:
                break
            message = await reader.readexactly(length)
            writer.write(head)
            writer.write(message[::-1])
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[-1]))
    await server.serve_forever()


asyncio.run(main())
