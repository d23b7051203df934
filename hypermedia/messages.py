"""REST framework's validation errors as result messages: one row per broken rule, with a JSON pointer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.settings import api_settings

from hypermedia.errors import MOST_MESSAGES, ResultMessage, RuleBroken
from hypermedia.wording import naming, no_object, unknown_property

# What the validators call it -> the code that clients see. A code is stable; the text may improve.
_CODES = {
    "required": "GEN-IP-010",
    "null": "GEN-IP-011",
    "blank": "GEN-IP-011",
    "empty": "GEN-IP-011",
    "unknown": "GEN-IP-012",
    "invalid_choice": "GEN-IP-013",
    "max_length": "GEN-IP-014",
    "min_length": "GEN-IP-014",
}
_DEFAULT = "GEN-IP-015"
# REST framework's own texts do not say how to mend it.
_TEXTS = {
    "null": "null is not taken; give a value, or leave out what is optional.",
    "blank": "it is empty; give at least one character, or leave out what is optional.",
    "empty": "the list is empty; give at least one entry, or leave out what is optional.",
}


def broken_rules(errors: Any) -> RuleBroken:
    """The exception that lists every entry of a ValidationError's `detail`."""
    return RuleBroken(*islice(_walk(errors, ""), MOST_MESSAGES))


def _walk(errors: Any, pointer: str) -> Iterator[ResultMessage]:
    if isinstance(errors, dict):
        for name, below in errors.items():
            own = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _walk(below, pointer if own else f"{pointer}/{_escape(str(name))}")
    elif isinstance(errors, list):
        for index, below in enumerate(errors):
            # A list of messages belongs to the field; a list of dicts is a list of items.
            yield from _walk(below, f"{pointer}/{index}" if isinstance(below, (dict, list)) else pointer)
    else:
        code = str(getattr(errors, "code", ""))
        text = f"{pointer[1:]} is missing." if code == "required" else naming(_TEXTS.get(code, str(errors)), pointer)
        # A rule with a code of its own (GEN-TRAS-001) keeps it.
        yield ResultMessage(code if code.isupper() else _CODES.get(code, _DEFAULT), text, pointer)


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses properties that it does not know: a mistyped filter must not silently export the wrong data."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError(no_object(data, self.fields), code="invalid")
        errors = self._unknown(data)
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            assert isinstance(error.detail, dict)  # of an object, REST framework lists the properties
            errors |= error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return value

    def _unknown(self, data: dict[str, Any]) -> dict[str, Any]:
        unknown = islice((name for name in data if name not in self.fields), MOST_MESSAGES)
        return {
            name: [serializers.ErrorDetail(unknown_property(name, self.fields), code="unknown")] for name in unknown
        }


class NoProperties(StrictSerializer):
    """The body of a request that needs none: nothing at all, or an object without properties."""
