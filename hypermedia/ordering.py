"""The order of a collection: `orderBy=id:desc,status`, and finding the rows beyond one of them in that order.

The order is always total: what does not name the id ends with it. So a row's sort keys say exactly where the next page
begins, and an index finds that place at once, however deep it lies: `(creation_date, id) > (x, y)` as one comparison of
rows. Spelt out with OR it would cost hundreds of times as much.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from django.db.models import BooleanField, F, Func, Q, Value

from hypermedia.errors import ResultMessage, RuleBroken
from hypermedia.filters import Fields

CODE = "GEN-IP-019"
MOST_KEYS = 5
_KEY = re.compile(r"([A-Za-z0-9.]+)(?::(asc|desc))?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class SortKey:
    """One column of the table itself, never NULL; rows carry it under the same name. `values`: all that it holds, where
    these are few."""

    column: str
    descending: bool = False
    values: tuple[str, ...] = ()

    @property
    def term(self) -> str:
        return f"-{self.column}" if self.descending else self.column


Order = tuple[SortKey, ...]
BY_ID: Order = (SortKey("id"),)


def parse_order(text: str, fields: Fields, *, pointer: str = "/orderBy") -> Order:
    """The sort keys of `id:desc,status`, up to the id or completed by it. Raises RuleBroken."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MOST_KEYS:
        raise _refused(f"at most {MOST_KEYS} of them", text, pointer)
    keys = [_key(part, fields, pointer) for part in parts]
    columns = [key.column for key in keys]
    if len(set(columns)) < len(columns):
        raise _refused("each of them once", text, pointer)
    _check_ties(keys, fields, text, pointer)
    if "id" in columns:
        return tuple(keys[: columns.index("id") + 1])  # nothing is left to sort after that
    return (*keys, SortKey("id", keys[-1].descending))  # one direction, so that one index serves both


def _key(text: str, fields: Fields, pointer: str) -> SortKey:
    match = _KEY.fullmatch(text)
    sortable = {name: field for name, field in fields.items() if field.sortable}
    if match is None or match[1] not in sortable:
        raise _refused(f"{', '.join(sortable)}, each with :asc or :desc if you like", text, pointer)
    field = sortable[match[1]]
    return SortKey(field.path, (match[2] or "").lower() == "desc", field.values)


def _check_ties(keys: Sequence[SortKey], fields: Fields, text: str, pointer: str) -> None:
    """Where very many rows share a value, sorting these would cost more than a page: only the index's order is left."""
    ties = {field.path: name for name, field in fields.items() if field.ties}
    for key, following in pairwise(keys):
        if key.column in ties and (following.column != "id" or following.descending != key.descending):
            raise _refused(f"nothing but id, in the same direction, after {ties[key.column]}", text, pointer)


def _refused(expected: str, found: str, pointer: str) -> RuleBroken:
    return RuleBroken(ResultMessage(CODE, f"orderBy takes {expected}; found «{found[:60]}».", pointer))


def reverse(order: Order) -> Order:
    return tuple(replace(key, descending=not key.descending) for key in order)


def position(row: Any, order: Order) -> list[Any]:
    """The sort keys of a row: where it stands."""
    return [getattr(row, key.column) for key in order]


def beyond(order: Order, values: Sequence[Any]) -> Q:
    """The rows that come after the position `values`.

    Keys of one direction are compared as one row. Where the direction changes, the first run decides, and among its
    equals the rest does.
    """
    descending, run = next((way, list(keys)) for way, keys in groupby(order, lambda key: key.descending))
    here, rest = list(values[: len(run)]), order[len(run) :]
    after = _compared(run, "<" if descending else ">", here)
    if not rest:
        return after
    same = Q(*((key.column, value) for key, value in zip(run, here, strict=True)))
    not_before = _compared(run, "<=" if descending else ">=", here)  # what an index can use
    return not_before & (after | (same & beyond(rest, values[len(run) :])))


def _compared(keys: Sequence[SortKey], operator: str, values: Sequence[Any]) -> Q:
    sides = (_row([F(key.column) for key in keys]), _row([Value(value) for value in values]))
    return Q(Func(*sides, template="%(expressions)s", arg_joiner=f" {operator} ", output_field=BooleanField()))


def _row(expressions: Sequence[Any]) -> Func:
    return Func(*expressions, template="(%(expressions)s)", output_field=BooleanField())
