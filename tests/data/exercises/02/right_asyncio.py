# judged: right
import asyncio
import sys


async def main():
    reader, writer = await asyncio.open_connection(sys.argv[-2], int(sys.argv[-1]))
    writer.writelines(sys.stdin.buffer.readlines())
    writer.write_eof()
    sys.stdout.buffer.write(await reader.read())
    writer.close()


asyncio.run(main())
