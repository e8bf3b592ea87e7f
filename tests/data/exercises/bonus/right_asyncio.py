# judged: right
import asyncio
import sys

writers = {}


async def broadcast(text, sender):
    for name, writer in list(writers.items()):
        if name != sender:
            writer.write(text.encode())
            await writer.drain()


async def attend(reader, writer):
    writer.write(b"Welcome! What shall I call you?\n")
    name = (await reader.readline()).decode().strip()
    if not name.isalnum():
        writer.close()
        return
    writer.write(f"* The room contains: {', '.join(writers)}\n".encode())
    await broadcast(f"* {name} has entered the room\n", name)
    writers[name] = writer
    try:
        while line := await reader.readline():
            await broadcast(f"[{name}] {line.decode().strip()}\n", name)
    except ConnectionError:
        pass
    del writers[name]
    await broadcast(f"* {name} has left the room\n", name)
    writer.close()


async def main():
    server = await asyncio.start_server(attend, "0.0.0.0", int(sys.argv[-1]))
    await server.serve_forever()


asyncio.run(main())
