"""An echo server for one client with asyncio's streams."""
import asyncio


async def main():
    done = asyncio.Event()

    async def echo(reader, writer):
        while data := await reader.read(1024):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        done.set()

    # The socket listens only when its port has been written down.
    server = await asyncio.start_server(echo, '127.0.0.1', 0, start_serving=False)
    with open('port', 'w') as port:
        port.write(str(server.sockets[0].getsockname()[1]))
    async with server:
        await server.start_serving()
        await done.wait()


asyncio.run(main())
