"""`Range` (RFC 9110, section 14) against a plain model of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datafiles.ranges import ByteRange, requested
from hypermedia.errors import RangeNotSatisfiable
from tests.api.hostile_headers import RANGES_IGNORED, RANGES_IMPOSSIBLE

SIZE = 10
VALIDATORS = ('"tag"', "Mon, 18 Feb 2019 17:11:51 GMT")


def wanted(header: str | None, if_range: str | None = None, size: int = SIZE) -> ByteRange | None:
    return requested(header, if_range, size=size, validators=VALIDATORS)


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        ("bytes=0-99", 0, 10),
        ("bytes=3-5", 3, 3),
        ("bytes=9-9", 9, 1),
        ("bytes=4-", 4, 6),
        ("bytes=9-", 9, 1),
        ("bytes=-1", 9, 1),
        ("bytes=-10", 0, 10),
        ("bytes=-99", 0, 10),
        ("BYTES=3-5", 3, 3),
        (" bytes= 3-5 ", 3, 3),
        ("bytes=003-0000000000000000000000005", 3, 3),
        ("bytes=0-" + "9" * 5_000, 0, 10),
        ("bytes=-" + "9" * 5_000, 0, 10),
    ],
)
def test_one_range(header: str, start: int, length: int) -> None:
    found = wanted(header)
    assert found == ByteRange(start, length, SIZE)
    assert found.content_range == f"bytes {start}-{start + length - 1}/{SIZE}"


@pytest.mark.parametrize("header", [None, *RANGES_IGNORED], ids=lambda text: ascii(text and text[:30]))
def test_the_whole_file(header: str | None) -> None:
    assert wanted(header) is None


@pytest.mark.parametrize("header", [*RANGES_IMPOSSIBLE, "bytes=10-", "bytes=10-20"], ids=lambda text: text[:30])
def test_none_of_the_bytes(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as raised:
        wanted(header)
    assert raised.value.size == SIZE


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0", "bytes=5-9"])
def test_an_empty_file_is_there_whole(header: str) -> None:
    assert wanted(header, size=0) is None


def test_if_range() -> None:
    for validator in VALIDATORS:
        assert wanted("bytes=3-5", validator) == ByteRange(3, 3, SIZE)
    for other in ('"other"', 'W/"tag"', "tag", "", "*", "Mon, 18 Feb 2019 17:11:52 GMT"):
        assert wanted("bytes=3-5", other) is None
        assert wanted("bytes=99-", other) is None


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20))
def test_against_slices(first: int, last: int, size: int) -> None:
    content = bytes(range(size))
    cases = {
        f"bytes={first}-{last}": content[first : last + 1] if first <= last else content,
        f"bytes={first}-": content[first:],
        f"bytes=-{last}": content[-last:] if last else b"",
    }
    for header, expected in cases.items():
        try:
            found = wanted(header, size=size)
        except RangeNotSatisfiable:
            assert expected == b""
            continue
        part = content if found is None else content[found.start : found.start + found.length]
        assert part == expected != b""
