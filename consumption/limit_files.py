"""The JSON document that limits and transaction sources come in."""

from __future__ import annotations

from typing import Any

from consumption import limits
from consumption.limits import LimitDefinition, SourceDefinition, Stored
from consumption.models import Limit, TransactionSource
from consumption.shapes import WRONG_SHAPE, Entry, Properties, located, longest
from hypermedia.errors import ResultMessage

_LISTS = ("limits", "transactionSources")
_SOURCE = ("code", "description")
_LIMIT = (*_SOURCE, "type", "currency", "reference", "planYearStart", "maximum")
_OF_LIMITS_ONLY = frozenset(_LIMIT) - frozenset(_SOURCE)
_TYPES = tuple(Limit.Type.values)
_REFERENCES = tuple(Limit.Reference.values)


def store(*, document: Any) -> Stored:
    """Stores what a document defines: `[{code, description, type, currency, reference, planYearStart, maximum}]` are
    limits, `[{code, description}]` sources, and `{"limits": [...], "transactionSources": [...]}` both.

    A description or maximum that is left out becomes empty. Raises RuleBroken with every broken rule, its pointer
    leading to the place in the document; then nothing is stored.
    """
    broken: list[ResultMessage] = []
    of_limits, of_sources = _entries(document, broken)
    return limits.store(
        limits=[limit for entry in of_limits if (limit := _limit(*entry, broken))],
        sources=[source for entry in of_sources if (source := _source(*entry, broken))],
        broken=broken,
    )


def _entries(document: Any, broken: list[ResultMessage]) -> tuple[list[Entry], list[Entry]]:
    """What defines limits, and what defines sources."""
    if isinstance(document, list):
        entries = located(document, "")
        return (entries, []) if any(map(_defines_limit, document)) else ([], entries)
    if not isinstance(document, dict):
        broken.append(ResultMessage(WRONG_SHAPE, f"Give a list, or an object with {' and '.join(_LISTS)}.", ""))
    both = Properties(document if isinstance(document, dict) else {}, _LISTS, broken=broken)
    return both.entries("limits"), both.entries("transactionSources")


def _defines_limit(entry: Any) -> bool:
    return isinstance(entry, dict) and not _OF_LIMITS_ONLY.isdisjoint(entry)


def _limit(pointer: str, entry: Any, broken: list[ResultMessage]) -> LimitDefinition | None:
    limit = Properties(entry, _LIMIT, broken=broken, pointer=pointer)
    code = limit.text("code", longest=longest(Limit, "code"), required=True)
    kind = limit.choice("type", _TYPES)
    reference = limit.choice("reference", _REFERENCES)
    currency = limit.text("currency") or ""
    description = limit.text("description", longest=longest(Limit, "description"), blank=True) or ""
    plan_year_start = limit.text("planYearStart") or ""
    maximum = limit.number("maximum")
    if code is None or kind is None or reference is None:
        return None
    return LimitDefinition(code, kind, reference, currency, description, plan_year_start, maximum, pointer)


def _source(pointer: str, entry: Any, broken: list[ResultMessage]) -> SourceDefinition | None:
    source = Properties(entry, _SOURCE, broken=broken, pointer=pointer)
    code = source.text("code", longest=longest(TransactionSource, "code"), required=True)
    description = source.text("description", longest=longest(TransactionSource, "description"), blank=True) or ""
    return SourceDefinition(code, description, pointer) if code is not None else None
