"""Request bodies, read strictly: what JSON leaves open is an error here, never a guess.

A body that two parsers could read differently (duplicate keys), that cannot be stored (NUL, lone
surrogates), or that costs too much (depth, huge numbers) is malformed: 400.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from rest_framework.parsers import BaseParser

from hypermedia.errors import Malformed
from hypermedia.media import JSON, RESOURCE

MAX_DEPTH = 64
MAX_DIGITS = 40
MAX_EXPONENT = 330  # what a double can have; what such a number is not good for is for its reader to say


class StrictJSONParser(BaseParser):
    """Reads one JSON document in UTF-8 from a stream whose length somebody bounded (`hypermedia.bodies`)."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        return parse_json(stream.read())


class ResourceParser(StrictJSONParser):
    media_type = RESOURCE


class PlainJSONParser(StrictJSONParser):
    media_type = JSON


def parse_json(body: bytes) -> Any:
    """The document in `body`. Raises Malformed, saying what and where as far as it is known."""
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_decimal,
        )
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} at line {error.lineno} column {error.colno}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check(document)
    return document


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Malformed(f"The property {twice!r} stands twice in one object.")
    return document


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is not a JSON value.")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Malformed(f"A number has {len(digits)} digits; at most {MAX_DIGITS} are read.")
    return int(digits)


def _decimal(digits: str) -> Decimal:
    try:
        value = Decimal(digits)
    except InvalidOperation as error:
        raise Malformed("A number is out of range.") from error
    if len(digits) > MAX_DIGITS or abs(value.adjusted()) > MAX_EXPONENT:
        raise Malformed(f"A number is longer than {MAX_DIGITS} digits, or has an exponent beyond {MAX_EXPONENT}.")
    return value


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _check(document: Any) -> None:
    """Depth and text of the whole document, without recursion: a stack of (value, depth)."""
    waiting: list[tuple[Any, int]] = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
        elif isinstance(value, (dict, list)):
            if depth > MAX_DEPTH:
                raise _too_deep()
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                waiting.extend((item, depth + 1) for item in value.values())
            else:
                waiting.extend((item, depth + 1) for item in value)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise Malformed("A text holds the character NUL, which cannot be stored.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Malformed("A text holds half of a surrogate pair, which is no character.") from error
