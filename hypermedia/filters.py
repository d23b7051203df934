"""Which properties of a resource may be searched and sorted by, and what a condition on one of them means.

A resource lists its `Field`s under their names on the wire. Nothing else of a row can be asked for, so a search can
neither reach into other tables nor compare what no index helps to find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import reduce
from operator import ge, gt, le, lt, ne, or_
from typing import Any

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from hypermedia.fields import parse_date_time

_EQUALITY = ("eq", "ne", "in")
_ORDER = (*_EQUALITY, "lt", "lte", "gt", "gte")
_BOOLEAN = BooleanField()
_TICK = timedelta(milliseconds=1)  # what clients see of a moment: rows keep microseconds
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,6})?", re.ASCII)
_PATTERN = re.compile(r"(?:[^\\]|\\.)*", re.DOTALL)
_LIKE = re.compile(r"\\.|.", re.DOTALL)  # what stands for something in a pattern
_COMPARED = {"ne": ne, "lt": lt, "lte": le, "gt": gt, "gte": ge}


@dataclass(frozen=True)
class Kind:
    """How values of one type are written. `expected` is what an error says; `read` raises ValueError."""

    expected: str
    quoted: bool
    operators: tuple[str, ...]
    read: Callable[[str], Any]
    values: tuple[str, ...] = ()  # all there are, where these are few


@dataclass(frozen=True)
class Field:
    """A property that may be searched: where its value lies (an ORM path), and its kind.

    `sortable` is for columns of the table itself that are never NULL and have an index together with the id: then a
    page costs the same at any depth. The rows of the collection carry such a column under the same name.

    What finding rows may rely on (`seeking.py`): with `leads`, one index has the rows with a value of it in each of the
    collection's orders that one index can have; of those that begin with a column of few values, in that of the id
    behind it. `rare`: few rows share a value, and an index finds them. `indexed`: an index finds them, be
    they few or many; what can be sorted, leads or is rare is so anyway. `ties`: many rows may share a moment, so that
    only the id can come after it in an order.

    `looked_up` is for a value of a small table that `path` refers to: its rows and the value's column there. They are
    found first, since PostgreSQL knows how rare an id is, but not how rare what a join leads to.
    """

    path: str
    kind: Kind
    sortable: bool = False
    looked_up: tuple[Callable[[], QuerySet[Any]], str] | None = None
    leads: bool = False
    rare: bool = False
    indexed: bool = False
    ties: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """All that the column holds, where these are few and one of them is enough for an index."""
        return self.kind.values if self.leads else ()


Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Narrowing:
    """One condition on rows, and what an index can do for it. `index` is an order that lets it find a few quickly."""

    path: str
    operator: str
    q: Q
    leads: bool = False
    is_rare: bool = False
    is_found: bool = False
    index: tuple[str, ...] = ()

    def is_served_by(self, column: str) -> bool:
        """Whether an index in the order of this column has all rows that fit beside each other."""
        return self.path == column and self.operator not in {"ne", "like"}


def narrowing(field: Field, operator: str, values: Sequence[Any]) -> Narrowing:
    if field.kind.values and (operator not in _EQUALITY or (operator == "ne" and field.values)):
        operator, values = "in", _fitting(field.kind.values, operator, values[0])  # so that an index finds them
    is_one = operator == "eq" or (operator == "in" and len(values) == 1)
    is_found = operator not in {"ne", "like"} and (field.indexed or field.leads or field.rare or field.sortable)
    has_index_with_id = field.leads or field.sortable
    return Narrowing(
        path=field.path,
        operator=operator,
        q=condition(field, operator, values),
        leads=field.leads and is_one,
        is_rare=field.rare and operator in {"eq", "in"},
        is_found=is_found,
        index=(field.path, "id") if is_found and has_index_with_id and (is_one or operator != "in") else (),
    )


def _fitting(values: Sequence[str], operator: str, value: str) -> list[str]:
    """Those of a closed list that the comparison holds for; letters are ordered by their numbers."""
    if operator == "like":
        pattern = _LIKE.sub(_in_a_glob, value)
        return [one for one in values if fnmatchcase(one, pattern)]
    return [one for one in values if _COMPARED[operator](one, value)]


def _in_a_glob(part: re.Match[str]) -> str:
    """What a part of a pattern is in the shell's; there a character between brackets stands for itself."""
    literal = part[0][-1]
    return {"%": "*", "_": "?"}.get(part[0]) or (f"[{literal}]" if literal in "*?[" else literal)


def condition(field: Field, operator: str, values: Sequence[Any]) -> Q:
    """The rows whose value fits. `ne` is everything that `eq` is not, so rows without a value too."""
    if field.looked_up is not None:
        rows, column = field.looked_up
        found = rows().filter(condition(Field(column, field.kind), operator, values))
        return Q((f"{field.path}__in", list(found.values_list("pk", flat=True))))
    if operator in {"eq", "in"} and not isinstance(next(iter(values), None), datetime):
        return Q((f"{field.path}__in", list(values)))
    first = values[0]
    if operator == "like":
        return Q(
            Func(F(field.path), Value(first), template="%(expressions)s", arg_joiner=" LIKE ", output_field=_BOOLEAN)
        )
    if isinstance(first, datetime):
        return _moments(field.path, operator, values)
    if operator == "ne":
        return ~Q((field.path, first))
    return Q((f"{field.path}__{operator}", first))


def _moments(path: str, operator: str, moments: Sequence[datetime]) -> Q:
    """Compared to the millisecond, as clients see them: `gt` what was shown does not find the row that showed it."""
    first = moments[0]
    if operator in {"eq", "in", "ne"}:
        ticks = (Q((f"{path}__gte", moment), (f"{path}__lt", moment + _TICK)) for moment in moments)
        same = reduce(or_, ticks)
        return ~same if operator == "ne" else same
    lookup, edge = {
        "lt": ("lt", first),
        "lte": ("lt", first + _TICK),
        "gt": ("gte", first + _TICK),
        "gte": ("gte", first),
    }[operator]
    return Q((f"{path}__{lookup}", edge))


def is_pattern(text: str) -> bool:
    """Whether `like` can use it: a backslash has to be followed by what it makes literal."""
    return _PATTERN.fullmatch(text) is not None


def _integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None or not -(2**63) <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def _decimal(text: str) -> Decimal:
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(text)
    return Decimal(text)


def _moment(text: str) -> datetime:
    moment = parse_date_time(text)
    try:
        moment + _TICK
    except OverflowError as error:
        raise ValueError(text) from error
    return moment


def _date(text: str) -> date:
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


INTEGER = Kind("a whole number, like 42", quoted=False, operators=_ORDER, read=_integer)
DECIMAL = Kind("a number, like 12.50", quoted=False, operators=_ORDER, read=_decimal)
BOOLEAN = Kind("true or false", quoted=False, operators=("eq", "ne"), read={"true": True, "false": False}.__getitem__)
TEXT = Kind("a text in single quotes, like 'VERT'", quoted=True, operators=(*_ORDER, "like"), read=str)
DATE = Kind("a date in single quotes, like '2012-05-11'", quoted=True, operators=_ORDER, read=_date)
DATE_TIME = Kind(
    "a date-time with an offset in single quotes, like '2019-02-18T18:11:51.004+01:00'",
    quoted=True,
    operators=_ORDER,
    read=_moment,
)


def one_of(*values: str) -> Kind:
    """A text out of a closed list: a misspelt status is an error, not an empty answer."""
    listed = ", ".join(f"'{value}'" for value in values)
    known = {value: value for value in values}
    operators = (*_ORDER, "like")
    return Kind(f"one of {listed}", quoted=True, operators=operators, read=known.__getitem__, values=values)
