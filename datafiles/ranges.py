"""`Range` and `If-Range` (RFC 9110, section 14): which bytes of a file an answer carries."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypermedia.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d*)-(\d*)", re.ASCII | re.IGNORECASE)
_MOST_DIGITS = 19  # no file is that large, so what comes after makes no difference


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
    gets everything. So does any range of an empty file, since clients that always ask for one should get it.
    `If-Range` has to equal one of the `validators` (strong entity tag, last modification) exactly.
    Raises RangeNotSatisfiable when not one of the bytes exists.
    """
    if header is None or size == 0 or (if_range is not None and if_range.strip() not in validators):
        return None
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = map(_number, match.groups())
    if first is not None and last is not None and last < first:
        return None
    start, end = _bounds(first, last, size)
    if start >= end:
        raise RangeNotSatisfiable(f"The file has {size} bytes; {header.strip()[:60]} names none of them.", size=size)
    return ByteRange(start, end - start, size)


def _number(digits: str) -> int | None:
    """None when there are no digits; a number of thousands of them is cut, since Python refuses to read it."""
    return int(digits.lstrip("0")[:_MOST_DIGITS] or "0") if digits else None


def _bounds(first: int | None, last: int | None, size: int) -> tuple[int, int]:
    """[start, end) of `first-last`, where without `first` the last bytes are counted from the end."""
    if first is None:
        return max(0, size - (last or 0)), size
    return first, size if last is None else min(size, last + 1)
