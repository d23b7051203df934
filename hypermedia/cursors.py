"""The opaque `cursor` of a page's links: the position of a row in one order of one query, signed.

Signed rather than secret: what it holds, the reader has just read. It fits only the collection, the query and the order
that it was made for, and it does not expire.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.signing import BadSignature, Signer

from hypermedia.errors import ResultMessage, RuleBroken

CODE = "GEN-IP-020"
_MOMENT = "t"


@dataclass(frozen=True)
class Cursor:
    """The page that lies beyond a row; `offset` is the number that this page shows, `backwards` its side of the row,
    `skip` how many rows an offset still has to pass over."""

    position: list[Any]
    offset: int
    backwards: bool = False
    skip: int = 0


def write(cursor: Cursor, query: str) -> str:
    values = [_packed(value) for value in cursor.position]
    return _signer(query).sign_object([values, cursor.offset, int(cursor.backwards), cursor.skip])


def read(text: str, query: str) -> Cursor:
    """Raises RuleBroken for what is not, letter by letter, a cursor made for this `query`."""
    try:
        values, offset, backwards, *skip = _signer(query).unsign_object(text)
    except (BadSignature, ValueError) as error:
        told = "The cursor is not one of this query; follow the links next and prev as they are."
        raise RuleBroken(ResultMessage(CODE, told, "/cursor")) from error
    return Cursor([_unpacked(value) for value in values], offset, bool(backwards), *skip)


def _signer(query: str) -> Signer:
    return Signer(salt=f"hypermedia.cursors {query}")


def _packed(value: Any) -> Any:
    return {_MOMENT: value.isoformat()} if isinstance(value, datetime) else value


def _unpacked(value: Any) -> Any:
    return datetime.fromisoformat(value[_MOMENT]) if isinstance(value, dict) else value
