"""JSON objects from outside, read property by property. Every broken rule is kept, so that all can be told at once.

For rows by the million, and for services that know nothing of HTTP; the codes are those of the API's own messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from django.db import models

from hypermedia.errors import ResultMessage
from hypermedia.wording import naming, no_object, unknown_property

REQUIRED = "GEN-IP-010"
BLANK = "GEN-IP-011"
UNKNOWN = "GEN-IP-012"
NO_CHOICE = "GEN-IP-013"
TOO_LONG = "GEN-IP-014"
WRONG_SHAPE = "GEN-IP-015"

INTEGER_DIGITS = 16
FRACTION_DIGITS = 4
_TOO_LARGE = Decimal(10) ** INTEGER_DIGITS
_SMALLEST = Decimal(1).scaleb(-FRACTION_DIGITS)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Value = TypeVar("Value")
Entry = tuple[str, Any]  # a pointer (RFC 6901), and what stands there


class Properties:
    """One object of a document. Each method reads a property: its value, or None when it is absent, null or wrong.

    `pointer` is where the object stands; what is wrong goes to `broken`, which the objects of one document share.
    """

    def __init__(
        self, document: Any, known: Collection[str], *, broken: list[ResultMessage], pointer: str = ""
    ) -> None:
        self.broken = broken
        self.pointer = pointer
        self.is_object = isinstance(document, dict)
        self._content: dict[str, Any] = document if self.is_object else {}
        if not self.is_object:
            broken.append(ResultMessage(WRONG_SHAPE, naming(no_object(document, known), pointer), pointer))
        for name in self._content:
            if name not in known:
                self.breaks(UNKNOWN, unknown_property(name, known), name)

    def breaks(self, code: str, text: str, name: str) -> None:
        """Keeps a broken rule of the property `name`."""
        below = name.replace("~", "~0").replace("/", "~1")
        pointer = f"{self.pointer}/{below}"
        self.broken.append(ResultMessage(code, naming(text, pointer), pointer))

    def has(self, name: str) -> bool:
        return self._content.get(name) is not None

    def text(self, name: str, *, longest: int | None = None, required: bool = False, blank: bool = False) -> str | None:
        """A text of at most `longest` characters that PostgreSQL can store; empty only where `blank` allows it."""
        return self._read(name, partial(_text, longest=longest, blank=blank), required)

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """One of `choices`; required."""
        return self._read(name, partial(_choice, choices=choices), required=True)

    def day(self, name: str, *, required: bool = True) -> date | None:
        """An ISO 8601 calendar date."""
        return self._read(name, _day, required)

    def identifier(self, name: str) -> int | None:
        """The id of something: a positive whole number of 63 bits."""
        return self._read(name, _identifier)

    def flag(self, name: str) -> bool:
        """True or false; false when it is absent."""
        return self._read(name, _flag) or False

    def number(self, name: str, *, required: bool = False) -> Decimal | None:
        """An exact number of at most 16 digits before and 4 after the point."""
        return self._read(name, _number, required)

    def within(self, name: str, known: Collection[str]) -> Properties | None:
        """An object inside this one."""
        if not self.has(name):
            return None
        inside = Properties(self._content[name], known, broken=self.broken, pointer=f"{self.pointer}/{name}")
        return inside if inside.is_object else None

    def entries(self, name: str) -> list[Entry]:
        """What a list holds, each with its place; nothing when it is absent."""
        return located(self._read(name, _list) or [], f"{self.pointer}/{name}")

    def _read(self, name: str, convert: Callable[[Any], Value], required: bool = False) -> Value | None:
        value = self._content.get(name)
        try:
            if value is not None:
                return convert(value)
            if required and self.is_object:
                raise _Wrong(REQUIRED, f"{name} is missing.")
        except _Wrong as wrong:
            self.breaks(wrong.code, wrong.text, name)
        return None


def located(items: list[Any], pointer: str) -> list[Entry]:
    """The items of the list that stands at `pointer`."""
    return [(f"{pointer}/{index}", item) for index, item in enumerate(items)]


def longest(model: type[models.Model], name: str) -> int | None:
    """How many characters the field can hold."""
    field = model._meta.get_field(name)
    return field.max_length if isinstance(field, models.CharField) else None


class _Wrong(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def _text(value: Any, *, longest: int | None, blank: bool) -> str:
    if not isinstance(value, str):
        raise _Wrong(WRONG_SHAPE, "Give a text.")
    if not value and not blank:
        raise _Wrong(BLANK, "This text is empty; leave the property out instead.")
    if longest is not None and len(value) > longest:
        raise _Wrong(TOO_LONG, f"This text has {len(value)} characters; there is room for {longest}.")
    if not _can_be_stored(value):
        raise _Wrong(WRONG_SHAPE, "This text holds NUL or half of a surrogate pair, which cannot be stored.")
    return value


def _can_be_stored(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _choice(value: Any, *, choices: Collection[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise _Wrong(NO_CHOICE, f"Give one of {', '.join(choices)}.")
    return value


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) and _DATE.fullmatch(value) else "")
    except ValueError:
        raise _Wrong(WRONG_SHAPE, "Give a date like 2012-05-11.") from None


def _identifier(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise _Wrong(WRONG_SHAPE, "Give an id: a positive whole number.")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(WRONG_SHAPE, "Give true or false.")
    return value


def _number(value: Any) -> Decimal:
    """A float is refused: it has been rounded already."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _Wrong(WRONG_SHAPE, "Give a number, not a text.")
    exact = Decimal(value)
    if not exact.is_finite() or abs(exact) >= _TOO_LARGE or exact != exact.quantize(_SMALLEST):
        digits = f"{INTEGER_DIGITS} digits before and {FRACTION_DIGITS} after the point"
        raise _Wrong(WRONG_SHAPE, f"Give a number of at most {digits}.")
    return exact


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong(WRONG_SHAPE, "Give a list.")
    return value
