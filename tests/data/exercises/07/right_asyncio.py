# judged: right
import asyncio
import sys
import uuid


async def pay(line):
    while True:
        try:
            async with asyncio.timeout(1):
                if not connection:
                    connection.extend(await asyncio.open_connection(*sys.argv[-2:]))
                reader, writer = connection
                for byte in line:
                    writer.write(bytes([byte]))
                    await writer.drain()
                return (await reader.readuntil(b"\n")).split()[1].decode()
        except (OSError, asyncio.IncompleteReadError):
            for stream in connection[1:]:
                stream.close()
            connection.clear()


async def main():
    for amount in sys.stdin:
        print(await pay(f"{uuid.uuid4()} {amount}".encode()))


connection = []
asyncio.run(main())
