"""JSON, read strictly."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermedia.errors import Malformed
from hypermedia.parsers import parse_json
from tests.api.hostile import MALFORMED


@pytest.mark.parametrize("name", MALFORMED)
def test_refused(name: str) -> None:
    with pytest.raises(Malformed) as raised:
        parse_json(MALFORMED[name])
    assert str(raised.value)


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"null", None),
        (b' {"a": [1, 2.50, true, "\\u00e9\\ud83d\\ude00"]} ', {"a": [1, Decimal("2.50"), True, "é😀"]}),
        (b"9" * 40, int("9" * 40)),
        (b"-0.0", Decimal("-0.0")),
        (b"1.7976931348623157e308", Decimal("1.7976931348623157e308")),
        (b"5e-324", Decimal("5e-324")),
        (b"[" * 64 + b"]" * 64, None),
        (b'{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
    ],
)
def test_taken(body: bytes, document: Any) -> None:
    parsed = parse_json(body)
    assert document is None or parsed == document


def test_numbers_are_exact() -> None:
    assert str(parse_json(b"0.1000000000000000000000000000000001")) == "0.1000000000000000000000000000000001"


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | texts,
    lambda below: st.lists(below) | st.dictionaries(texts, below),
    max_leaves=20,
)


@settings(deadline=None)
@given(json_values)
def test_what_is_json_is_read(document: Any) -> None:
    assert parse_json(json.dumps(document).encode()) == document
    assert parse_json(json.dumps(document, ensure_ascii=False).encode()) == document


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    try:
        parse_json(body)
    except Malformed:
        return
