"""The wire shapes of values: date-times, texts, lists."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.timezone import get_default_timezone, localtime
from rest_framework import serializers

from hypermedia.messages import StrictSerializer

# ISO 8601 with an offset. Digits beyond the millisecond are read and dropped: the ledger's clock ticks in milliseconds.
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-](?:0\d|1[0-8]):[0-5]\d)", re.ASCII
)


def date_time(moment: datetime) -> dict[str, str]:
    """`{"value": ...}` in the server's time zone, to the millisecond, the fraction left out when it is zero."""
    local = moment.astimezone(get_default_timezone())
    offset = local.utcoffset()
    if offset and offset.seconds % 60:  # local mean time, before there were zones: ISO 8601 has no seconds in an offset
        local = moment.astimezone(UTC)
    return {"value": local.isoformat(timespec="seconds" if local.microsecond < 1000 else "milliseconds")}


def exact(number: Decimal) -> int | Decimal:
    """The number without the zeros behind its last digit, as a JSON number that is never rounded."""
    return int(number) if number == number.to_integral_value() else number.normalize()


def parse_date_time(text: str) -> datetime:
    """The moment that an ISO 8601 text with an offset names, cut to the millisecond. Raises ValueError otherwise."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a date-time with an offset")
    seconds, fraction, offset = match.groups()
    moment = datetime.fromisoformat(f"{seconds}.{(fraction or '0')[:3].ljust(3, '0')}{offset}".upper())
    # A moment outside the calendar once it is moved to UTC cannot be stored; astimezone raises OverflowError then.
    try:
        in_utc = moment.astimezone(UTC)
        localtime(in_utc)
    except OverflowError as error:
        raise ValueError("out of range") from error
    return in_utc


class MomentField(serializers.Field[datetime, Any, str, Any]):
    """Reads one ISO 8601 text with an offset."""

    default_error_messages = {
        "format": "{value} is not an ISO 8601 date-time with an offset, like 2019-02-18T18:11:51.004+01:00.",
    }

    def to_internal_value(self, data: Any) -> datetime:
        try:
            if not isinstance(data, str):
                raise ValueError("not a text")
            return parse_date_time(data)
        except ValueError:
            self.fail("format", value=repr(data)[:60])

    def to_representation(self, value: datetime) -> str:
        return date_time(value)["value"]


class IgnoredField(serializers.Field[Any, Any, Any, Any]):
    """Anything; accepted because clients send it, and ignored."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class DateTimeValueField(StrictSerializer):
    """Reads `{"value": "2019-02-18T18:11:51.004+01:00"}` as a moment; a `timezone` beside it is ignored."""

    value = MomentField()
    timezone = IgnoredField(required=False, allow_null=True)

    default_error_messages = {"invalid": 'Give an object {{"value": "2019-02-18T18:11:51.004+01:00"}}.'}

    def to_internal_value(self, data: Any) -> datetime:
        moment: datetime = super().to_internal_value(data)["value"]
        return moment

    def to_representation(self, instance: datetime) -> dict[str, str]:
        return date_time(instance)


class TextField(serializers.CharField):
    """A text as it was sent: numbers are not turned into texts, blanks are not cut off."""

    default_error_messages = {"invalid": "Give a text."}

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class WholeNumberField(serializers.IntegerField):
    """A whole number; a text is none, whatever its digits."""

    default_error_messages = {"invalid": "Give a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class FlagField(serializers.BooleanField):
    """True or false; no word and no number stands for it."""

    default_error_messages = {"invalid": "Give true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class ChoiceField(serializers.ChoiceField):
    """One of some texts; a refusal names them."""

    default_error_messages = {"invalid_choice": "Give one of {choices}."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", choices=", ".join(map(str, self.choices)))
        return data


class ListField(serializers.ListField):
    """A JSON list; too long a one is refused before its items are looked at."""

    default_error_messages = {"not_a_list": "Give a list."}

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return list(super().to_internal_value(data))
