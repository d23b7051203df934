"""The lines of an export as Django's `values().iterator()` brings them, the way one writes it without COPY."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import F, QuerySet, Sum

from consumption.models import Consumption, CounterPeriod

CHUNK = 2_000
Values = dict[str, Any]
_text = json.JSONEncoder(ensure_ascii=False).encode


def write(file: Path, start: datetime, end: datetime) -> tuple[int, str]:
    """Writes counters and consumptions of a window; how many lines, and their SHA-256."""
    digest, rows = hashlib.sha256(), 0
    entries = Consumption.objects.filter(transaction_datetime__range=(start, end))
    with file.open("wb") as output:
        for line in _lines(entries):
            data = line.encode() + b"\n"
            output.write(data)
            digest.update(data)
            rows += 1
    return rows, digest.hexdigest()


def _lines(entries: QuerySet[Consumption]) -> Iterator[str]:
    periods = (
        CounterPeriod.objects.filter(pk__in=entries.values("counter_period"))
        .annotate(amount=Sum("consumptions__amount"), units=Sum("consumptions__number_of_units"))
        .values(
            *("id", "counter_id", "counter__aggregation_level", "start_date", "end_date", "amount", "units"),
            code=F("counter__limit__code"),
            type=F("counter__limit__type"),
            currency=F("counter__limit__currency"),
            person=F("counter__person_code"),
            family=F("counter__family_code"),
        )
        .order_by("id")
    )
    yield from map(_counter, periods.iterator(CHUNK))
    rows = entries.values(
        *("id", "counter_period_id", "transaction_datetime", "service_date", "amount", "number_of_units"),
        *("provider_code", "external_id", "reference_code", "description", "withdrawn"),
        counter_id=F("counter_period__counter_id"),
        code=F("limit__code"),
        currency=F("limit__currency"),
        source=F("transaction_source__code"),
        person=F("counter_period__counter__person_code"),
        family=F("counter_period__counter__family_code"),
    ).order_by("id")
    yield from map(_consumption, rows.iterator(CHUNK))


def _counter(row: Values) -> str:
    end = f',"endDate":"{row["end_date"]}"' if row["end_date"] else ""
    total = _amount(row, "amount") if row["type"] == "AMOUNT" else f'"numberOfUnits":{_number(row["units"])}'
    return (
        f'{{"type":"counter","id":{row["id"]},"limitCode":{_text(row["code"])},"counterId":{row["counter_id"]}'
        f',"aggregationLevel":"{row["counter__aggregation_level"]}"{_holder(row)},"startDate":"{row["start_date"]}"'
        f'{end},"total":{{{total}}}}}'
    )


def _consumption(row: Values) -> str:
    amount = "," + _amount(row, "amount") if row["amount"] is not None else ""
    units = f',"numberOfUnits":{_number(row["number_of_units"])}' if row["number_of_units"] is not None else ""
    provider = f',"provider":{{"code":{_text(row["provider_code"])}}}' if row["provider_code"] is not None else ""
    texts = {
        "externalId": row["external_id"],
        "transactionSourceCode": row["source"],
        "referenceCode": row["reference_code"],
        "description": row["description"],
    }
    rest = "".join(f',"{name}":{_text(value)}' for name, value in texts.items() if value is not None)
    return (
        f'{{"type":"consumption","id":{row["id"]},"limitCode":{_text(row["code"])},"counterId":{row["counter_id"]}'
        f',"counterPeriodId":{row["counter_period_id"]}'
        f',"transactionDateTime":{{"value":"{_moment(row["transaction_datetime"])}"}}'
        f',"serviceDate":"{row["service_date"]}"{_holder(row)}{amount}{units}{provider}{rest}'
        f',"withdrawn":{"true" if row["withdrawn"] else "false"}}}'
    )


def _holder(row: Values) -> str:
    if row["person"] is not None:
        return f',"person":{{"code":{_text(row["person"])}}}'
    return f',"familyCode":{_text(row["family"])}'


def _amount(row: Values, name: str) -> str:
    return f'"amount":{{"value":{_number(row[name])},"currency":"{row["currency"]}"}}'


def _number(value: Decimal) -> str:
    return format(value.normalize() + 0, "f")


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds" if value.microsecond else "seconds")
