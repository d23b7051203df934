"""Limits, counters, their periods and the ledger's entries as documents. Rows become dicts by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from consumption.models import Limit
from hypermedia.fields import date_time, exact
from hypermedia.links import SELF, link
from hypermedia.readers import Reader

Document = dict[str, Any]


class LimitRow(NamedTuple):
    id: int
    code: str
    description: str
    type: str
    currency: str
    reference: str
    plan_year_start: str
    maximum: Decimal | None


def limit_rows(limits: QuerySet[Any]) -> Iterable[LimitRow]:
    return (LimitRow(*row) for row in limits.values_list(*LimitRow._fields))


def limit_document(limit: LimitRow, reader: Reader) -> Document:
    """`limitType`, since `type` says what the document is."""
    path = f"generic/limits/{limit.id}"
    return _without_nulls(
        {
            "type": "limit",
            "id": limit.id,
            "links": [link(SELF, path)],
            "code": limit.code,
            "description": limit.description or None,
            "limitType": limit.type,
            "currency": limit.currency or None,
            "reference": limit.reference,
            "planYearStart": limit.plan_year_start or None,
            "maximum": quantity(limit.maximum, limit.type, limit.currency),
        }
    )


class CounterRow(NamedTuple):
    id: int
    limit_code: str
    aggregation_level: str
    person_code: str | None
    family_code: str | None
    first_use: date | None


_COUNTER = ("id", "limit__code", *CounterRow._fields[2:])


def counter_rows(counters: QuerySet[Any]) -> Iterable[CounterRow]:
    return (CounterRow(*row) for row in counters.values_list(*_COUNTER))


def counter_document(counter: CounterRow, reader: Reader) -> Document:
    return _without_nulls(
        {
            "type": "counter",
            "id": counter.id,
            "links": [
                link(SELF, counter_path(counter.id)),
                link("counterperiods", f"generic/counterperiods?q=counterId.eq({counter.id})", "GET"),
            ],
            "limitCode": counter.limit_code,
            "aggregationLevel": counter.aggregation_level,
            **_holder(counter.person_code, counter.family_code),
            "firstUse": _day(counter.first_use),
        }
    )


class PeriodRow(NamedTuple):
    id: int
    counter_id: int
    start_date: date
    end_date: date | None
    total: Decimal
    limit_code: str
    limit_type: str
    currency: str
    maximum: Decimal | None
    aggregation_level: str
    person_code: str | None
    family_code: str | None


_PERIOD = (
    *PeriodRow._fields[:5],
    *(f"counter__limit__{name}" for name in ("code", "type", "currency", "maximum")),
    *(f"counter__{name}" for name in PeriodRow._fields[9:]),
)


def period_rows(periods: QuerySet[Any]) -> Iterable[PeriodRow]:
    return (PeriodRow(*row) for row in periods.values_list(*_PERIOD))


def period_document(period: PeriodRow, reader: Reader) -> Document:
    """A counter's period with what was used and, where the limit has a maximum, what remains of it."""

    def of(number: Decimal | None) -> Document | None:
        return quantity(number, period.limit_type, period.currency)

    remaining = None if period.maximum is None else period.maximum - period.total
    return _without_nulls(
        {
            "type": "counterPeriod",
            "id": period.id,
            "links": [
                link(SELF, f"generic/counterperiods/{period.id}"),
                link("counter", counter_path(period.counter_id), "GET"),
                link("consumptions", f"generic/consumptions?q=counterPeriodId.eq({period.id})", "GET"),
            ],
            "limitCode": period.limit_code,
            "counterId": period.counter_id,
            "aggregationLevel": period.aggregation_level,
            **_holder(period.person_code, period.family_code),
            "startDate": _day(period.start_date),
            "endDate": _day(period.end_date),
            "total": of(period.total),
            "maximum": of(period.maximum),
            "remaining": of(remaining),
        }
    )


class EntryRow(NamedTuple):
    id: int
    counter_period_id: int
    transaction_datetime: datetime
    service_date: date
    amount: Decimal | None
    number_of_units: Decimal | None
    provider_code: str | None
    external_id: str | None
    reference_code: str | None
    description: str | None
    withdrawn: bool
    limit_code: str
    currency: str
    counter_id: int
    aggregation_level: str
    person_code: str | None
    family_code: str | None
    source_code: str | None


_ENTRY = (
    *EntryRow._fields[:11],
    "limit__code",
    "limit__currency",
    "counter_period__counter_id",
    *(f"counter_period__counter__{name}" for name in ("aggregation_level", "person_code", "family_code")),
    "transaction_source__code",
)


def entry_rows(entries: QuerySet[Any]) -> Iterable[EntryRow]:
    return (EntryRow(*row) for row in entries.values_list(*_ENTRY))


def entry_path(entry_id: int) -> str:
    return f"generic/consumptions/{entry_id}"


def entry_document(entry: EntryRow, reader: Reader) -> Document:
    """An entry of the ledger, its properties named and ordered as in an export's line."""
    return _without_nulls(
        {
            "type": "consumption",
            "id": entry.id,
            "links": [
                link(SELF, entry_path(entry.id)),
                link("counterperiod", f"generic/counterperiods/{entry.counter_period_id}", "GET"),
            ],
            "limitCode": entry.limit_code,
            "counterId": entry.counter_id,
            "counterPeriodId": entry.counter_period_id,
            "transactionDateTime": date_time(entry.transaction_datetime),
            "serviceDate": _day(entry.service_date),
            "aggregationLevel": entry.aggregation_level,
            **_holder(entry.person_code, entry.family_code),
            "amount": _money(entry.amount, entry.currency),
            "numberOfUnits": None if entry.number_of_units is None else exact(entry.number_of_units),
            "provider": None if entry.provider_code is None else {"code": entry.provider_code},
            "externalId": entry.external_id,
            "transactionSourceCode": entry.source_code,
            "referenceCode": entry.reference_code,
            "description": entry.description,
            "withdrawn": entry.withdrawn,
        }
    )


def counter_path(counter_id: int) -> str:
    return f"generic/counters/{counter_id}"


def quantity(number: Decimal | None, limit_type: str, currency: str) -> Document | None:
    """A number in the limit's unit: `{"amount": {"value", "currency"}}`, `{"numberOfUnits"}` or `{"serviceDays"}`."""
    if number is None:
        return None
    if limit_type == Limit.Type.AMOUNT:
        return {"amount": _money(number, currency)}
    return {"numberOfUnits" if limit_type == Limit.Type.UNITS else "serviceDays": exact(number)}


def _money(number: Decimal | None, currency: str) -> Document | None:
    return None if number is None else {"value": exact(number), "currency": currency}


def _holder(person_code: str | None, family_code: str | None) -> Document:
    return {"familyCode": family_code} if person_code is None else {"person": {"code": person_code}}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _without_nulls(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}
