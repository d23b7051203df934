"""`python -m benchmarks.receiver PORT SECONDS`: answers every request with 204, so many seconds after it came.

One process with one loop, so that a receiver is never what deliveries wait for.
"""

from __future__ import annotations

import asyncio
import re
import sys
from functools import partial

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            if seconds:
                await asyncio.sleep(seconds)
            writer.write(_ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int, seconds: float) -> None:
    server = await asyncio.start_server(partial(answer, seconds=seconds), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
