"""Two words to a server that sends each back, with asyncio's streams."""
import asyncio


async def main():
    port = int(open('port').read())
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    for word in [b'hello', b'world']:
        writer.write(word)
        assert await reader.readexactly(len(word)) == word
    writer.write_eof()
    assert await reader.read() == b''
    writer.close()
    await writer.wait_closed()


asyncio.run(main())
