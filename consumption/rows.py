"""One consumption as it comes in: checked against every rule, its codes replaced by the ids of what they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from consumption.currencies import CURRENCIES
from consumption.models import Consumption, Counter, Limit, TransactionSource
from consumption.periods import Period, period_of
from consumption.shapes import REQUIRED, Properties, longest
from consumption.staging import StagedRow
from hypermedia.errors import ResultMessage, RuleBroken

_AMOUNT = ("value", "currency")
_HOLDERS = {Counter.Level.PERSON: "person", Counter.Level.FAMILY: "familyCode"}
_LEVELS = tuple(Counter.Level.values)
_KNOWN = dict.fromkeys(
    (
        *("limitCode", "aggregationLevel", "person", "familyCode", "serviceDate", "amount", "numberOfUnits"),
        *("counterId", "startDate", "endDate"),
        *("provider", "externalId", "description", "transactionSourceCode", "referenceCode", "withdrawn"),
    )
)
_NEEDS = {
    Limit.Type.AMOUNT: ("amounts", "amount"),
    Limit.Type.UNITS: ("units", "numberOfUnits"),
    Limit.Type.SERVICE_DAYS: ("service days", None),
}


_PERSON = longest(Counter, "person_code")
_FAMILY = longest(Counter, "family_code")
_PROVIDER = longest(Consumption, "provider_code")
_EXTERNAL_ID = longest(Consumption, "external_id")
_REFERENCE = longest(Consumption, "reference_code")


@dataclass(frozen=True)
class KnownLimit:
    """What the rules need to know of a limit."""

    id: int
    code: str
    type: str
    currency: str
    reference: str
    plan_year_start: str = ""


@dataclass(frozen=True)
class Catalogue:
    """The limits and the ids of the transaction sources that there are, by code."""

    limits: Mapping[str, KnownLimit]
    sources: Mapping[str, int]

    @classmethod
    def current(cls) -> Catalogue:
        limits = Limit.objects.values_list("pk", "code", "type", "currency", "reference", "plan_year_start")
        sources = TransactionSource.objects.values_list("code", "pk")
        return cls({row[1]: KnownLimit(*row) for row in limits}, dict(sources))


def read_row(line: int, content: Any, catalogue: Catalogue) -> StagedRow:
    """The row that a JSON object in the shape of contract section 4 gives; `line` is only passed on.

    Numbers have to be int or Decimal. Raises RuleBroken with every rule that is broken.
    """
    broken: list[ResultMessage] = []
    row = Properties(content, _KNOWN, broken=broken)
    if not row.is_object:
        raise RuleBroken(*broken)
    limit = _limit(row, catalogue)
    person_code, family_code = _holder(row)
    period, service_date = _when(row, limit)
    amount, number_of_units = _quantity(row, limit)
    source_id, reference_code = _origin(row, catalogue)
    provider = row.within("provider", ("code",))
    provider_code = provider.text("code", longest=_PROVIDER, required=True) if provider else None
    external_id = row.text("externalId", longest=_EXTERNAL_ID)
    description = row.text("description", blank=True)
    withdrawn = row.flag("withdrawn")
    pinned = row.identifier("counterId"), row.day("startDate", required=False), row.day("endDate", required=False)
    if broken or limit is None or service_date is None:
        raise RuleBroken(*broken)
    return StagedRow(
        line=line,
        limit_id=limit.id,
        aggregation_level=Counter.Level.FAMILY if person_code is None else Counter.Level.PERSON,
        person_code=person_code,
        family_code=family_code,
        start_date=period.start_date if period else None,
        end_date=period.end_date if period else None,
        service_date=service_date,
        amount=amount,
        number_of_units=number_of_units,
        provider_code=provider_code,
        external_id=external_id,
        transaction_source_id=source_id,
        reference_code=reference_code,
        description=description,
        withdrawn=withdrawn,
        pinned_counter=pinned[0],
        pinned_start=pinned[1],
        pinned_end=pinned[2],
    )


def _limit(row: Properties, catalogue: Catalogue) -> KnownLimit | None:
    code = row.text("limitCode", required=True)
    if code is not None and code not in catalogue.limits:
        row.breaks("CON-IP-002", f"Limit code {code} is unknown.", "limitCode")
    return catalogue.limits.get(code or "")


def _holder(row: Properties) -> tuple[str | None, str | None]:
    """The codes of person and family, one of which the aggregation level asks for."""
    level = row.choice("aggregationLevel", _LEVELS)
    person = row.within("person", ("code",))
    person_code = person.text("code", longest=_PERSON, required=True) if person else None
    family_code = row.text("familyCode", longest=_FAMILY)
    for each, name in _HOLDERS.items():
        if level == each and not row.has(name):
            row.breaks(REQUIRED, f"{name} is missing; the aggregation level {level} needs it.", name)
        elif level is not None and level != each and row.has(name):
            row.breaks("CON-IP-011", f"{name} does not go with the aggregation level {level}.", name)
    return person_code, family_code


def _when(row: Properties, limit: KnownLimit | None) -> tuple[Period | None, date | None]:
    service_date = row.day("serviceDate")
    if limit is None or service_date is None:
        return None, service_date
    try:
        return period_of(limit.reference, service_date, limit.plan_year_start), service_date
    except RuleBroken as error:
        row.broken.extend(error.messages)
        return None, service_date


def _quantity(row: Properties, limit: KnownLimit | None) -> tuple[Decimal | None, Decimal | None]:
    """Amount and number of units: what the limit counts, and nothing else."""
    money = row.within("amount", _AMOUNT)
    amount = money.number("value", required=True) if money else None
    number_of_units = row.number("numberOfUnits")
    if limit is not None:
        _quantity_fits(row, limit)
    if money is not None:
        _currency_fits(money, limit)
    return amount, number_of_units


def _quantity_fits(row: Properties, limit: KnownLimit) -> None:
    counted, needed = _NEEDS[Limit.Type(limit.type)]
    for name in ("amount", "numberOfUnits"):
        if name == needed and not row.has(name):
            row.breaks("CON-IP-012", f"{name} is missing; limit {limit.code} counts {counted}.", name)
        elif name != needed and row.has(name):
            row.breaks("CON-IP-012", f"{name} does not go with limit {limit.code}, which counts {counted}.", name)


def _currency_fits(money: Properties, limit: KnownLimit | None) -> None:
    currency = money.text("currency", required=True)
    if currency is None:
        return
    if currency not in CURRENCIES:
        money.breaks("GEN-CURR-001", f"Currency {currency} is unknown; give a code of ISO 4217.", "currency")
    elif limit is not None and limit.currency not in ("", currency):
        money.breaks("CON-IP-013", f"Limit {limit.code} counts {limit.currency}, not {currency}.", "currency")


def _origin(row: Properties, catalogue: Catalogue) -> tuple[int | None, str | None]:
    """The id of the transaction source, and the reference within it."""
    code = row.text("transactionSourceCode")
    reference = row.text("referenceCode", longest=_REFERENCE)
    if row.has("referenceCode") and not row.has("transactionSourceCode"):
        row.breaks("GEN-TRAS-001", "referenceCode needs a transactionSourceCode beside it.", "referenceCode")
    if code is not None and code not in catalogue.sources:
        row.breaks("GEN-TRAS-002", f"Transaction source {code} is unknown.", "transactionSourceCode")
    return catalogue.sources.get(code or ""), reference
