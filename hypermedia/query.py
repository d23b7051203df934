"""The query language of searches: `status.eq('Failed').and.id.gt(10)`.

    query     = condition *( ".and." condition )
    condition = field "." operator "(" value *( "," value ) ")"
    field     = name *( "." name )                  ; one that the resource lists
    operator  = eq, ne, lt, lte, gt, gte, in, like  ; as far as the field's kind knows them
    value     = text / literal                      ; blanks around a value are skipped
    text      = "'" *( any character but ' / "''" ) "'"
    literal   = 1*( letter / digit / "-" / "." )    ; numbers, true and false

`in` takes several values, everything else one. In the pattern of `like`, `%` stands for any text, `_` for one
character, and a backslash makes the next character stand for itself. Upper and lower case differ.

The words are those of Oracle Health Insurance's Query API. There is no `.or.`: within one field `in` says it, and
across fields no index could answer it at the price of one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from hypermedia.errors import ResultMessage, RuleBroken
from hypermedia.filters import Field, Fields, Narrowing, is_pattern, narrowing

MOST_CHARACTERS = 2000
MOST_CONDITIONS = 20
MOST_VALUES = 200
CODE = "GEN-IP-018"
_SHOWN = 30

_NAMES = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)+(?=\()", re.ASCII)
_TEXT = re.compile(r"'((?:[^'\x00-\x1f\x7f\ud800-\udfff]|'')*)'")
_LITERAL = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)
_BLANKS = re.compile(r" *")


@dataclass(frozen=True)
class Condition:
    """One comparison, its values read. `name` is the field's on the wire."""

    name: str
    operator: str
    values: tuple[Any, ...]


def compiled(text: str, fields: Fields, *, pointer: str = "/q") -> list[Narrowing]:
    """The conditions on the rows that `text` asks for. Raises RuleBroken, saying where and what was expected."""
    return [narrowing(fields[one.name], one.operator, one.values) for one in parse(text, fields, pointer=pointer)]


def parse(text: str, fields: Fields, *, pointer: str = "/q") -> list[Condition]:
    """The conditions of `text`, in order. Raises RuleBroken; `pointer` says where in the request the text stood."""
    return list(_Parser(text, fields, pointer).conditions())


class _Parser:
    """Reads from left to right; `_at` is where the next thing begins, counted from 0."""

    def __init__(self, text: str, fields: Fields, pointer: str) -> None:
        self._text, self._fields, self._pointer = text, fields, pointer
        self._at = 0

    def conditions(self) -> Iterator[Condition]:
        if len(self._text) > MOST_CHARACTERS:
            self._fail(f"at most {MOST_CHARACTERS} characters", at=MOST_CHARACTERS)
        yield self._condition()
        count = 1
        while self._at < len(self._text):
            if not self._skip(".and."):
                self._fail(".and. or the end")
            if count == MOST_CONDITIONS:
                self._fail(f"at most {MOST_CONDITIONS} conditions")
            yield self._condition()
            count += 1

    def _condition(self) -> Condition:
        name, operator = self._field_and_operator()
        field = self._fields[name]
        values = [self._value(field, operator)]
        while self._skip(","):
            if operator != "in":
                self._fail(f"only one value for {operator}", at=self._at - 1)
            if len(values) == MOST_VALUES:
                self._fail(f"at most {MOST_VALUES} values")
            values.append(self._value(field, operator))
        if not self._skip(")"):
            self._fail("a comma or )" if operator == "in" else ")")
        return Condition(name, operator, tuple(values))

    def _field_and_operator(self) -> tuple[str, str]:
        match = _NAMES.match(self._text, self._at)
        if match is None:
            self._fail("a condition like id.gt(10)")
        name, _, operator = match[0].rpartition(".")
        if name not in self._fields:
            self._fail(f"one of the fields {', '.join(self._fields)}")
        known = self._fields[name].kind.operators
        if operator not in known:
            self._fail(f"one of {', '.join(known)} for {name}", at=match.end() - len(operator))
        self._at = match.end() + 1  # and the bracket
        return name, operator

    def _value(self, field: Field, operator: str) -> Any:
        self._blanks()
        match = (_TEXT if field.kind.quoted else _LITERAL).match(self._text, self._at)
        if match is None:
            self._fail(field.kind.expected)
        written = match[1].replace("''", "'") if field.kind.quoted else match[0]
        try:
            value = written if operator == "like" else field.kind.read(written)
        except (ValueError, KeyError):
            self._fail(field.kind.expected)
        if operator == "like" and not is_pattern(written):
            self._fail("a pattern that does not end with a backslash")
        self._at = match.end()
        self._blanks()
        return value

    def _blanks(self) -> None:
        match = _BLANKS.match(self._text, self._at)
        assert match is not None  # no blanks match as well
        self._at = match.end()

    def _skip(self, expected: str) -> bool:
        found = self._text.startswith(expected, self._at)
        self._at += len(expected) if found else 0
        return found

    def _fail(self, expected: str, at: int | None = None) -> NoReturn:
        at = self._at if at is None else at
        rest = self._text[at : at + _SHOWN]
        found = f"«{rest}»" if rest else "the end"
        text = f"q, column {at + 1}: expected {expected}; found {found}."
        raise RuleBroken(ResultMessage(CODE, text, self._pointer))
