"""`Prefer: wait=N` in all the ways in which it may be written."""

from __future__ import annotations

import pytest

from hypermedia.preferences import preferred_wait


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=10", 10),
        ("WAIT = 10", 10),
        ('wait="7"', 7),
        ("respond-async, wait=5;x=y", 5),
        ("return=minimal; wait=9", None),
        ("wait=3, wait=9", 3),
        ("wait=0", 0),
        ("wait=31", 30),
        ("wait=999999999", 30),
        ("wait=9999999999", None),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("wait=\u0663", None),
        ("await=5", None),
    ],
)
def test_wait(header: str | None, seconds: int | None) -> None:
    assert preferred_wait(header) == seconds
