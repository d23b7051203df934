"""What a client may ask of a collection: as parameters of a GET, or in the body of a search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from hypermedia.errors import Malformed, ResultMessage, RuleBroken
from hypermedia.fields import TextField
from hypermedia.messages import StrictSerializer, broken_rules

DEFAULT_LIMIT, MOST = 50, 200
DEEPEST_OFFSET = 10_000
_LARGEST = 2**63 - 1  # what an id can be
_MOST_DIGITS = 19


class NumberField(serializers.Field[int, Any, int, Any]):
    """A whole number; with `digits` also its digits as a text: pages show them that way, and an address knows nothing
    else."""

    def __init__(self, least: int, most: int | None = None, *, digits: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._least, self._most = least, most
        self._taken = (int, str) if digits else int

    def to_internal_value(self, data: Any) -> int:
        text = str(data) if isinstance(data, self._taken) else ""
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else -1
        if not self._least <= number <= (_LARGEST if self._most is None else self._most):
            upper = "" if self._most is None else f" to {self._most}"
            raise serializers.ValidationError(f"Give a whole number from {self._least}{upper}.", code="GEN-IP-016")
        return number

    def to_representation(self, value: int) -> int:
        return value


class FlagField(serializers.Field[bool, Any, bool, Any]):
    """True or false, or the same word as a text."""

    default_error_messages = {"flag": "Give true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, (bool, str)) or str(data).lower() not in {"true", "false"}:
            self.fail("flag")
        return str(data).lower() == "true"

    def to_representation(self, value: bool) -> bool:
        return value


def _not_too_deep(offset: int) -> None:
    if offset > DEEPEST_OFFSET:
        text = f"An offset reaches to {DEEPEST_OFFSET}; follow the links named next to get further."
        raise serializers.ValidationError(text, code="GEN-IP-017")


class SearchResource(StrictSerializer):
    """`{"q", "orderBy", "offset", "limit", "totalResults"}`, each optional."""

    q = TextField(required=False)
    orderBy = TextField(source="order_by", required=False)  # noqa: N815  # the wire's names
    offset = NumberField(0, digits=True, required=False, validators=[_not_too_deep])
    limit = NumberField(1, MOST, digits=True, required=False)
    totalResults = FlagField(source="total_results", required=False)  # noqa: N815


class SearchInput(StrictSerializer):
    """The body of `POST .../search`."""

    resource = SearchResource()


class ListParameters(SearchResource):
    """The parameters of a GET: the same, and the cursor that links carry."""

    cursor = TextField(required=False)


@dataclass(frozen=True)
class Asked:
    """One page of a collection. `pointer` says where in the request it was asked for."""

    q: str | None = None
    order_by: str | None = None
    offset: int = 0
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    total_results: bool = False
    pointer: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """As the parameters of a GET, without the place."""
        given = {"q": self.q, "orderBy": self.order_by, "limit": str(self.limit)}
        if self.total_results:
            given["totalResults"] = "true"
        return {name: value for name, value in given.items() if value is not None}


def read_parameters(parameters: QueryDict, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """What an address asks. Raises Malformed for a parameter that stands twice, RuleBroken with every broken rule."""
    for name, values in parameters.lists():
        if len(values) > 1:
            raise Malformed(f"The parameter {name!r} stands twice.")
    try:
        given: dict[str, Any] = _made(serializer).run_validation(parameters.dict())
    except serializers.ValidationError as error:
        raise broken_rules(error.detail) from error
    return given


@cache
def _made(serializer: type[StrictSerializer]) -> StrictSerializer:
    """Reading leaves no trace in it, and REST framework needs longer to make one than it to read."""
    return serializer()


def in_parameters(parameters: QueryDict) -> Asked:
    """Raises Malformed, RuleBroken."""
    given = read_parameters(parameters, ListParameters)
    if "cursor" in given and "offset" in given:
        raise RuleBroken(
            ResultMessage("GEN-IP-020", "A cursor says where the page begins; leave out offset.", "/offset")
        )
    return Asked(**given)


def in_search(body: dict[str, Any]) -> Asked:
    """What a validated `SearchInput` asks."""
    return Asked(**body["resource"], pointer="/resource")
