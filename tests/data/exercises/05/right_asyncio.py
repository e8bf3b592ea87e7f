# judged: right
import asyncio
import os
import signal
import sys

writers, jobs = set(), set()


async def serve(reader, writer):
    writers.add(writer)
    try:
        while line := await reader.readline():
            job = await asyncio.create_subprocess_exec("sleep", line.decode().strip())
            jobs.add(job)
            await job.wait()
            jobs.remove(job)
            writer.write(b"done\n")
    except ConnectionError:
        pass
    writers.remove(writer)
    writer.close()


async def main():
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[-1]))
    await over.wait()
    for writer in writers:
        writer.write(b"goodbye\n")
        await writer.drain()
    for job in jobs:
        job.kill()
    os._exit(0)


asyncio.run(main())
