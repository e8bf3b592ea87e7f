# judged: right
import asyncio
import sys


async def talk(reader, writer, my_turn):
    while True:
        if my_turn:
            line = await asyncio.to_thread(sys.stdin.buffer.readline)
            if not line:
                break
            writer.write(line)
            await writer.drain()
        else:
            line = await reader.readline()
            if not line:
                break
            print("<", line.decode(), end="", flush=True)
        my_turn = not my_turn
    writer.close()
    await writer.wait_closed()


async def main(role, port):
    if role == "client":
        return await talk(*await asyncio.open_connection("127.0.0.1", port), True)
    over = asyncio.Event()

    async def serve(reader, writer):
        await talk(reader, writer, False)
        over.set()

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        await over.wait()


asyncio.run(main(sys.argv[-2], int(sys.argv[-1])))
