# judged: right
import asyncio
import sys


async def send(writer):
    block = bytes(range(251)) * 100
    left = 20_000_000
    while left:
        part = block[:left]
        writer.write(part)
        await writer.drain()
        left -= len(part)
    writer.write_eof()


async def receive(reader):
    received = 0
    while data := await reader.read(65536):
        received += len(data)
    return received


async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[-1]))
    _, received = await asyncio.gather(send(writer), receive(reader))
    print(received)


asyncio.run(main())
