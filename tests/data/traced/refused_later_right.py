"""A connect() that does not wait, and succeeds."""
import asyncio
import socket


async def main():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.close()
        await writer.wait_closed()


asyncio.run(main())
