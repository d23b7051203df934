"""`Accept`, as RFC 9110 reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermedia.media import preferred

OFFERED = ["a/first", "a/second", "b/third"]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "a/first"),
        (" , ", "a/first"),
        ("*/*", "a/first"),
        ("a/*", "a/first"),
        ("b/*", "b/third"),
        ("a/second", "a/second"),
        ("A/SECOND", "a/second"),
        ("a/second, */*", "a/second"),
        ("a/second;q=0.5, */*", "a/first"),
        ("a/*;q=0.5, b/*;q=0.6", "b/third"),
        ("a/first;q=0, a/*", "a/second"),
        ("a/first;q=0.0, a/*;q=0.1, b/*;q=0.05", "a/second"),
        ("*/*;q=0.1, a/*;q=0", "b/third"),
        ("a/second;level=1;q=0.3, b/third;q=0.2", "a/second"),
        ("a/second;q=0.3;q=0.9, a/first;q=0.5", "a/first"),
        ("b/third;Q=0.9, a/first;q=0.8", "b/third"),
        ("b/third ; q=0.9 , a/first ; q=0.8", "b/third"),
        ("b/third;q=nonsense, a/first;q=0.9", "b/third"),
        ("c/fourth", None),
        ("*/*;q=0", None),
        ("a/first;q=0", None),
        ("first", None),
        ("*", None),
        ("a", None),
        ("*/first", None),
    ],
)
def test_choices(accept: str, chosen: str | None) -> None:
    assert preferred(accept, OFFERED) == chosen


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*/;,q=.019 firstecond", max_size=60))
def test_anything_is_answered(accept: str) -> None:
    assert preferred(accept, OFFERED) in {*OFFERED, None}
