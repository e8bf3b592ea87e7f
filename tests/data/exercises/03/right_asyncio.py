# judged: right
import asyncio
import os
import signal
import sys

port, path = int(sys.argv[-2]), sys.argv[-1]


def serve_as(family):
    async def serve(reader, writer):
        try:
            writer.write(family)
            while data := await reader.read(1024):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    return serve


async def main():
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await asyncio.start_server(serve_as(b"AF_INET\n"), "127.0.0.1", port)
    await asyncio.start_server(serve_as(b"AF_INET6\n"), "::1", port)
    await asyncio.start_unix_server(serve_as(b"AF_UNIX\n"), path)
    await over.wait()
    if os.path.exists(path):
        os.unlink(path)


asyncio.run(main())
