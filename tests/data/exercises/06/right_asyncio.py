# judged: right
import asyncio
import sys


async def serve(reader, writer):
    try:
        number = int(await reader.readline())
        writer.write(b"." * number)
        writer.write_eof()
        async with asyncio.timeout(2):
            while await reader.read(65536):
                pass
    except OSError:
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[-1]))
    await server.serve_forever()


asyncio.run(main())
