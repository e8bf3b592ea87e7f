# judged: right
import asyncio
import sys


async def serve(reader, writer):
    try:
        while (line := await reader.readline()).endswith(b"\n"):
            writer.write(line[:-1][::-1] + b"\n")
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[-1]))
    await server.serve_forever()


asyncio.run(main())
