"""Which limits and transaction sources there are: stored from definitions, all of them or none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection, transaction

from consumption.currencies import CURRENCIES
from consumption.models import Counter, Limit, TransactionSource
from hypermedia.errors import ResultMessage, RuleBroken

# A reference, with the start of its years, only until something is counted by it.
_CHANGING = ["description", "reference", "plan_year_start", "maximum"]
_PLAN_YEAR_START = re.compile(r"\d\d-\d\d", re.ASCII)
_COMMON_YEAR = 2023


@dataclass(frozen=True)
class LimitDefinition:
    """A limit as it should be. `pointer` is where it stands in the document it came from, if it came from one."""

    code: str
    type: str
    reference: str
    currency: str = ""
    description: str = ""
    plan_year_start: str = ""
    maximum: Decimal | None = None
    pointer: str = ""


@dataclass(frozen=True)
class SourceDefinition:
    """A transaction source as it should be."""

    code: str
    description: str = ""
    pointer: str = ""


@dataclass(frozen=True)
class Stored:
    """How many rows were made, changed, and as they should be already."""

    created: int
    updated: int
    unchanged: int

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.created + other.created, self.updated + other.updated, self.unchanged + other.unchanged)


@transaction.atomic
def store(
    *,
    limits: Sequence[LimitDefinition] = (),
    sources: Sequence[SourceDefinition] = (),
    broken: Sequence[ResultMessage] = (),
) -> Stored:
    """Makes what is missing and changes what differs; codes, types and currencies never change.

    `broken` is what was found wrong before, with the document they come from; it is told together with the rest.
    Raises RuleBroken with every broken rule; then nothing is stored.
    """
    _one_at_a_time()
    known_limits = {limit.code: limit for limit in _held_limits([each.code for each in limits])}
    broken = [*broken, *_twice(limits), *_twice(sources), *_limit_rules(limits, known_limits)]
    if broken:
        raise RuleBroken(*broken)
    return _store_limits(limits, known_limits) + _store_sources(sources)


def broken_rules(limits: Sequence[LimitDefinition]) -> list[ResultMessage]:
    """What `store` would refuse, without storing anything: for forms that say so beside the field."""
    known = {limit.code: limit for limit in Limit.objects.filter(code__in=[each.code for each in limits])}
    return [*_twice(limits), *_limit_rules(limits, known)]


def _one_at_a_time() -> None:
    """Two at once would both find a code missing and both make it. Readers and the ledger do not wait."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE consumption_limit, consumption_transactionsource IN SHARE ROW EXCLUSIVE MODE")


def _held_limits(codes: Sequence[str]) -> Iterator[Limit]:
    """Locked against the ledger, which counts by the reference while it makes counters."""
    return Limit.objects.select_for_update(no_key=True).filter(code__in=codes).order_by("pk").iterator()


def _twice(definitions: Sequence[LimitDefinition] | Sequence[SourceDefinition]) -> Iterator[ResultMessage]:
    seen: set[str] = set()
    for each in definitions:
        if each.code in seen:
            yield ResultMessage("CON-IP-021", f"The code {each.code} is given twice.", f"{each.pointer}/code")
        seen.add(each.code)


def _limit_rules(limits: Sequence[LimitDefinition], known: dict[str, Limit]) -> Iterator[ResultMessage]:
    for limit in limits:
        yield from _currency_rules(limit)
        yield from _plan_year_rules(limit)
        yield from _maximum_rules(limit)
        if limit.code in known:
            yield from _change_rules(limit, known[limit.code])


def _currency_rules(limit: LimitDefinition) -> Iterator[ResultMessage]:
    where = f"{limit.pointer}/currency"
    if limit.type != Limit.Type.AMOUNT:
        if limit.currency:
            yield ResultMessage("CON-IP-022", f"Limit {limit.code} counts no amounts: it has no currency.", where)
    elif not limit.currency:
        yield ResultMessage("CON-IP-022", f"Limit {limit.code} counts amounts: it needs a currency.", where)
    elif limit.currency not in CURRENCIES:
        yield ResultMessage("GEN-CURR-001", f"Currency {limit.currency} is unknown; give a code of ISO 4217.", where)


def _plan_year_rules(limit: LimitDefinition) -> Iterator[ResultMessage]:
    where = f"{limit.pointer}/planYearStart"
    if limit.reference != Limit.Reference.PLAN_YEAR:
        if limit.plan_year_start:
            text = f"Limit {limit.code} does not count by plan years: it has no planYearStart."
            yield ResultMessage("CON-IP-025", text, where)
    elif not _starts_every_year(limit.plan_year_start):
        text = f"Limit {limit.code} counts by plan years: it needs a planYearStart, a month and day like 07-01."
        yield ResultMessage("CON-IP-025", text, where)


def _starts_every_year(text: str) -> bool:
    """Whether it is a month and a day that every year has: not February 29."""
    try:
        return _PLAN_YEAR_START.fullmatch(text) is not None and bool(date.fromisoformat(f"{_COMMON_YEAR}-{text}"))
    except ValueError:
        return False


def _maximum_rules(limit: LimitDefinition) -> Iterator[ResultMessage]:
    if limit.maximum is not None and limit.maximum < 0:
        yield ResultMessage("CON-IP-026", f"The maximum of limit {limit.code} is negative.", f"{limit.pointer}/maximum")


def _change_rules(limit: LimitDefinition, known: Limit) -> Iterator[ResultMessage]:
    for name in ("type", "currency"):
        before, after = getattr(known, name), getattr(limit, name)
        if before != after:
            text = (
                f"Limit {limit.code} has {name} {before or 'none'}; that never changes, to {after or 'none'} neither."
            )
            yield ResultMessage("CON-IP-023", text, f"{limit.pointer}/{name}")
    if Counter.objects.filter(limit=known).exists():
        yield from _reference_rules(limit, known)


def _reference_rules(limit: LimitDefinition, known: Limit) -> Iterator[ResultMessage]:
    """What counters were made by cannot change under them."""
    for name, property_name in (("reference", "reference"), ("plan_year_start", "planYearStart")):
        before, after = getattr(known, name), getattr(limit, name)
        if before != after:
            text = f"Limit {limit.code} has counters by {before}; the {property_name} can no longer be {after}."
            yield ResultMessage("CON-IP-024", text, f"{limit.pointer}/{property_name}")
            return


def _store_limits(limits: Sequence[LimitDefinition], known: dict[str, Limit]) -> Stored:
    new = [
        Limit(code=o.code, type=o.type, currency=o.currency, **{name: getattr(o, name) for name in _CHANGING})
        for o in limits
        if o.code not in known
    ]
    changed = [known[o.code] for o in limits if o.code in known and _change(known[o.code], o, _CHANGING)]
    Limit.objects.bulk_create(new)
    Limit.objects.bulk_update(changed, _CHANGING)
    return Stored(len(new), len(changed), len(limits) - len(new) - len(changed))


def _store_sources(sources: Sequence[SourceDefinition]) -> Stored:
    known = {source.code: source for source in TransactionSource.objects.filter(code__in=[o.code for o in sources])}
    new = [TransactionSource(code=o.code, description=o.description) for o in sources if o.code not in known]
    changed = [known[o.code] for o in sources if o.code in known and _change(known[o.code], o, ["description"])]
    TransactionSource.objects.bulk_create(new)
    TransactionSource.objects.bulk_update(changed, ["description"])
    return Stored(len(new), len(changed), len(sources) - len(new) - len(changed))


def _change(row: Limit | TransactionSource, to: LimitDefinition | SourceDefinition, names: Sequence[str]) -> bool:
    """Gives the row the values of its definition; whether any of them is new."""
    new = {name: getattr(to, name) for name in names if getattr(row, name) != getattr(to, name)}
    for name, value in new.items():
        setattr(row, name, value)
    return bool(new)
