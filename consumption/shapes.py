"""JSON objects from outside, read property by property. Every broken rule is kept, so that all can be told at once.

For rows by the million and for services that know nothing of HTTP; the codes are those of the API's own messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from hypermedia.errors import ResultMessage

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


class Properties:
    """One object of a document. Each method reads a property: its value, or None when it is absent, null or wrong.

    `pointer` is where the object stands (RFC 6901); what is wrong goes to `broken`, which objects within it share.
    """

    def __init__(
        self, document: Any, known: Collection[str], *, broken: list[ResultMessage], pointer: str = ""
    ) -> None:
        self.broken = broken
        self.pointer = pointer
        self.is_object = isinstance(document, dict)
        self._content: dict[str, Any] = document if self.is_object else {}
        if not self.is_object:
            broken.append(ResultMessage(WRONG_SHAPE, "Give an object.", pointer))
        for name in self._content:
            if name not in known:
                self.breaks(UNKNOWN, f"Unknown property {name}; known are {', '.join(known)}.", name)

    def breaks(self, code: str, text: str, name: str | None = None) -> None:
        """Keeps one broken rule, of the property `name` or of the whole object."""
        below = "" if name is None else "/" + name.replace("~", "~0").replace("/", "~1")
        self.broken.append(ResultMessage(code, text, self.pointer + below))

    def has(self, name: str) -> bool:
        return self._content.get(name) is not None

    def text(self, name: str, *, longest: int | None = None, required: bool = False, blank: bool = False) -> str | None:
        """A text of at most `longest` characters that PostgreSQL can store; empty only where `blank` allows it."""
        value = self._value(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            return self.breaks(WRONG_SHAPE, f"{name} has to be a text.", name)
        if not value and not blank:
            return self.breaks(BLANK, f"{name} is empty; give a text, or leave it out.", name)
        if longest is not None and len(value) > longest:
            return self.breaks(TOO_LONG, f"{name} has {len(value)} characters; at most {longest} are kept.", name)
        if not _can_be_stored(value):
            return self.breaks(WRONG_SHAPE, f"{name} holds a character that cannot be stored.", name)
        return value

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """One of `choices`; required."""
        value = self._value(name, required=True)
        if value is not None and value not in choices:
            return self.breaks(NO_CHOICE, f"{name} has to be one of {', '.join(choices)}.", name)
        return value

    def day(self, name: str) -> date | None:
        """An ISO 8601 calendar date; required."""
        value = self._value(name, required=True)
        if value is None:
            return None
        try:
            return date.fromisoformat(value if _DATE.fullmatch(value) else "")
        except (ValueError, TypeError):
            return self.breaks(WRONG_SHAPE, f"{name} has to be a date like 2012-05-11.", name)

    def flag(self, name: str) -> bool:
        """True or false; false when it is absent."""
        value = self._value(name, required=False)
        if value not in (None, True, False) or isinstance(value, (int, float)) and not isinstance(value, bool):
            self.breaks(WRONG_SHAPE, f"{name} has to be true or false.", name)
        return value is True

    def number(self, name: str, *, required: bool = False) -> Decimal | None:
        """An exact number of at most 16 digits before and 4 after the point. A float is none: it was rounded."""
        value = self._value(name, required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            return self.breaks(WRONG_SHAPE, f"{name} has to be an exact number.", name)
        exact = Decimal(value)
        if not exact.is_finite() or abs(exact) >= _TOO_LARGE or exact != exact.quantize(_SMALLEST):
            text = f"{name} has to have at most {INTEGER_DIGITS} digits before and {FRACTION_DIGITS} after the point."
            return self.breaks(WRONG_SHAPE, text, name)
        return exact

    def within(self, name: str, known: Collection[str]) -> Properties | None:
        """An object inside this one."""
        value = self._value(name, required=False)
        if value is None:
            return None
        inside = Properties(value, known, broken=self.broken, pointer=f"{self.pointer}/{name}")
        return inside if inside.is_object else None

    def _value(self, name: str, required: bool) -> Any:
        value = self._content.get(name)
        if value is None and required and self.is_object:
            self.breaks(REQUIRED, f"{name} is missing.", name)
        return value


def _can_be_stored(text: str) -> bool:
    """Neither NUL nor half of a surrogate pair."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
