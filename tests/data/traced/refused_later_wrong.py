"""A connect() that does not wait, and is refused: asyncio asks for the error later."""
import asyncio
import socket


async def main():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        await asyncio.open_connection(*reserved.getsockname())


asyncio.run(main())
