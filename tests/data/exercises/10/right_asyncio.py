# judged: right
import asyncio
import sys


async def serve(reader, writer):
    try:
        writer.write(await asyncio.wait_for(reader.readuntil(b"\n"), float(sys.argv[-1])))
        await writer.drain()
    except (asyncio.TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[-2]))
    await server.serve_forever()


asyncio.run(main())
