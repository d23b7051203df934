"""`Range` and `If-Range` (RFC 9110, section 14): which bytes of a file an answer carries."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypermedia.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class ByteRange:
    """The bytes [start, start + length) of a file of `size` bytes."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def requested(header: str | None, if_range: str | None, *, size: int, validators: tuple[str, ...]) -> ByteRange | None:
    """The range to answer with, or None for the whole file.

    One range is served. Several, another unit, or a malformed header are ignored, as the RFC allows: the client then
    gets everything. `If-Range` has to equal one of the `validators` (strong entity tag, last modification) exactly.
    Raises RangeNotSatisfiable when not one of the bytes exists.
    """
    if header is None or (if_range is not None and if_range.strip() not in validators):
        return None
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    start, end = _bounds(first, last, size)
    if start >= size or end <= start:
        raise RangeNotSatisfiable(f"The file has {size} bytes; {header.strip()[:60]} names none of them.", size=size)
    return ByteRange(start, end - start, size)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """[start, end) of `first-last`, where an empty `first` counts the last bytes from the end."""
    if not first:
        return max(0, size - int(last)), size if int(last) else 0
    return int(first), min(size, int(last) + 1) if last else size
