"""What an export has to contain, worked out in Python from the rows that its stored snapshot sees.

Shares nothing with the service: neither its SQL, which makes the lines in the database, nor its models.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

_ENTRIES = """
    SELECT c.id, l.code, l.type, l.currency, k.id, p.id, k.aggregation_level, k.person_code, k.family_code,
           p.start_date, p.end_date, c.transaction_datetime AT TIME ZONE 'UTC', c.service_date, c.amount,
           c.number_of_units, c.provider_code, c.external_id, s.code, c.reference_code, c.description, c.withdrawn
      FROM consumption_consumption c
      JOIN consumption_counterperiod p ON p.id = c.counter_period_id
      JOIN consumption_counter k ON k.id = p.counter_id
      JOIN consumption_limit l ON l.id = k.limit_id
      LEFT JOIN consumption_transactionsource s ON s.id = c.transaction_source_id
     WHERE pg_visible_in_snapshot(c.transaction_id, %s::text::pg_snapshot)
     ORDER BY c.id
"""

# Entries never change, so whoever sees the same ones expects the same file.
_SEEN = """
    SELECT count(*), sum(id), bit_xor(hashint8extended(id, 1)) FROM consumption_consumption
     WHERE pg_visible_in_snapshot(transaction_id, %s::text::pg_snapshot)
"""


class Entry(NamedTuple):
    id: int
    limit: str
    type: str
    currency: str
    counter: int
    period: int
    level: str
    person: str | None
    family: str | None
    start: date
    end: date | None
    moment: datetime
    service_date: date
    amount: Decimal | None
    units: Decimal | None
    provider: str | None
    external: str | None
    source: str | None
    reference: str | None
    description: str | None
    withdrawn: bool


class Content(NamedTuple):
    """Of a file: how many lines, how many bytes, and the SHA-256 of them in lower-case hex."""

    lines: int
    length: int
    sha256: str


class Total:
    """What a counter period adds up to."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.amount = self.units = Decimal(0)
        self.used: dict[date, int] = defaultdict(int)  # entries that stand, by service date

    def add(self, entry: Entry) -> None:
        self.amount += entry.amount or 0
        self.units += entry.units or 0
        self.used[entry.service_date] += -1 if entry.withdrawn else 1

    def __str__(self) -> str:
        if self.entry.type == "AMOUNT":
            return f'"amount":{{"value":{_number(self.amount)},"currency":"{self.entry.currency}"}}'
        if self.entry.type == "UNITS":
            return f'"numberOfUnits":{_number(self.units)}'
        return f'"serviceDays":{sum(1 for count in self.used.values() if count > 0)}'


_known: dict[tuple[Any, ...], Content] = {}  # by database and the entries seen


def expected(connection: psycopg.Connection[Any], snapshot: str) -> Content:
    """The file of an export of everything; all entries of the snapshot lie in its window."""
    seen = connection.execute(_SEEN, [snapshot]).fetchone()
    assert seen is not None
    key = (connection.info.host, *seen)
    if key not in _known:
        _known[key] = _worked_out(connection, snapshot)
    return _known[key]


def _worked_out(connection: psycopg.Connection[Any], snapshot: str) -> Content:
    digest, lines, length = hashlib.sha256(), 0, 0
    for line in _lines(connection, snapshot):
        data = line.encode() + b"\n"
        digest.update(data)
        lines += 1
        length += len(data)
    return Content(lines, length, digest.hexdigest())


def _lines(connection: psycopg.Connection[Any], snapshot: str) -> Iterator[str]:
    totals: dict[int, Total] = {}
    for entry in _entries(connection, snapshot):
        totals.setdefault(entry.period, Total(entry)).add(entry)
    for _, total in sorted(totals.items()):
        yield _counter_line(total)
    yield from map(_entry_line, _entries(connection, snapshot))


def _entries(connection: psycopg.Connection[Any], snapshot: str) -> Iterator[Entry]:
    """One after the other: there may be a million."""
    with connection.cursor(name="oracle") as cursor:
        cursor.itersize = 10_000
        cursor.execute(_ENTRIES, [snapshot])
        for row in cursor:
            yield Entry(*row)


def _counter_line(total: Total) -> str:
    one = total.entry
    end = f',"endDate":"{one.end}"' if one.end else ""
    return (
        f'{{"type":"counter","id":{one.period},"limitCode":{_text(one.limit)},"counterId":{one.counter}'
        f',"aggregationLevel":"{one.level}"{_holder(one)},"startDate":"{one.start}"{end}'
        f',"total":{{{total}}}}}'
    )


def _entry_line(one: Entry) -> str:
    amount = (
        f',"amount":{{"value":{_number(one.amount)},"currency":"{one.currency}"}}' if one.amount is not None else ""
    )
    units = f',"numberOfUnits":{_number(one.units)}' if one.units is not None else ""
    provider = f',"provider":{{"code":{_text(one.provider)}}}' if one.provider is not None else ""
    texts = {
        "externalId": one.external,
        "transactionSourceCode": one.source,
        "referenceCode": one.reference,
        "description": one.description,
    }
    rest = "".join(f',"{name}":{_text(value)}' for name, value in texts.items() if value is not None)
    return (
        f'{{"type":"consumption","id":{one.id},"limitCode":{_text(one.limit)},"counterId":{one.counter}'
        f',"counterPeriodId":{one.period},"transactionDateTime":{{"value":"{_moment(one.moment)}"}}'
        f',"serviceDate":"{one.service_date}"{_holder(one)}{amount}{units}{provider}{rest}'
        f',"withdrawn":{"true" if one.withdrawn else "false"}}}'
    )


def _holder(one: Entry) -> str:
    if one.person is not None:
        return f',"person":{{"code":{_text(one.person)}}}'
    return f',"familyCode":{_text(one.family)}'


def _text(value: str | None) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(value: Decimal) -> str:
    """Without trailing zeros and without an exponent."""
    return format(value.normalize() + 0, "f")


def _moment(value: datetime) -> str:
    milliseconds = f".{value.microsecond // 1000:03}" if value.microsecond // 1000 else ""
    return f"{value:%Y-%m-%dT%H:%M:%S}{milliseconds}+00:00"
