"""A request's body as its server reads it, but never a part of one taken for the whole.

Of a client that goes away in the middle of its body, granian hands out what it got as if that were everything. So the
length is checked, where one was told. Chunks tell none: where half a body could pass for a whole one, ask for a length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BufferedReader, RawIOBase
from typing import IO, Any

from hypermedia.errors import Malformed

_BLOCK = 1 << 16
_LENGTH = re.compile("[0-9]{1,15}")


class _Counted(RawIOBase):
    def __init__(self, stream: IO[bytes], length: int) -> None:
        self._stream = stream
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._stream.read(len(buffer))
        self._left -= len(block)
        if not block and self._left > 0:
            raise Malformed(f"The body ended {self._left} bytes before it was complete.")
        buffer[: len(block)] = block
        return len(block)


def whole(environ: Mapping[str, Any]) -> IO[bytes]:
    """`wsgi.input` of a request; reading raises Malformed when it ends before as much came as was told."""
    stream: IO[bytes] = environ["wsgi.input"]
    if environ.get("REQUEST_METHOD") == "GET" and not _length(environ):
        return stream  # a poll needs no buffer
    return BufferedReader(_Counted(stream, _length(environ)), _BLOCK)


def _length(environ: Mapping[str, Any]) -> int:
    """In bytes; 0 where none was told, or none that is one: that is for others to refuse."""
    told = environ.get("CONTENT_LENGTH", "")
    return int(told) if _LENGTH.fullmatch(told) and "HTTP_TRANSFER_ENCODING" not in environ else 0
