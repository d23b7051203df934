"""Consumptions from a file, in and out again: what an export says is recounted from the file itself.

The recount shares no code with the service: a dict of Decimal over the lines of the input.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections import Counter as Count
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.timezone import now

from consumption.models import CounterPeriod, ReadConsumptionBatch
from consumption.services import start_export
from datafiles import storage
from datafiles.models import DataFile
from hypermedia.readers import Role
from jobs.models import TaskAttempt
from jobs.running import run_task
from jobs.states import OperationStatus
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

SHARED = Path(settings.BASE_DIR).parent / "shared" / "data"
LIMITS, SOURCES, CONSUMPTIONS = "limits.json", "transaction-sources.json", "claims-consumptions.ndjson"
SUBSTANCE = (
    *("limitCode", "person", "familyCode", "serviceDate", "amount", "numberOfUnits"),
    *("provider", "description", "transactionSourceCode", "referenceCode"),
)
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)

Json = dict[str, Any]
Key = tuple[str, str, str]  # limit, person or family, year or "life"


@pytest.fixture(params=["made", "shared"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with limits, sources and consumptions: one made here, and the real one where it is at hand."""
    if request.param == "made":
        return made(tmp_path)
    if not (SHARED / CONSUMPTIONS).is_file():
        pytest.skip(f"no claims beside the repository ({SHARED})")
    return SHARED


def made(folder: Path) -> Path:
    """Every type and period rule, people and families, corrections, and numbers that a float cannot add up."""
    chance = random.Random(1970)  # noqa: S311
    limits: list[Json] = [
        {"code": "UNITS1", "description": "Units", "type": "UNITS", "reference": "CALENDAR_YEAR"},
        {"code": "MONEY1", "type": "AMOUNT", "currency": "USD", "reference": "CALENDAR_YEAR"},
        {"code": "MONEY2", "type": "AMOUNT", "currency": "EUR", "reference": "LIFETIME"},
    ]
    (folder / LIMITS).write_text(json.dumps(limits))
    (folder / SOURCES).write_text(json.dumps([{"code": "CLAIMS", "description": "Claims"}]))
    lines = (made_line(chance, chance.choice(limits), number) for number in range(500))
    (folder / CONSUMPTIONS).write_text("".join(lines), encoding="utf-8")
    return folder


def made_line(chance: random.Random, limit: Json, number: int) -> str:
    value = f"{chance.choice(['', '-'])}{chance.randrange(10**9)}.{chance.randrange(10**4):04d}"
    holder = (
        {"aggregationLevel": "PERSON", "person": {"code": f"P{chance.randrange(12)}"}}
        if chance.random() < 0.8
        else {"aggregationLevel": "FAMILY", "familyCode": f"F{chance.randrange(4)}"}
    )
    quantity = (
        {"numberOfUnits": "VALUE"}
        if limit["type"] == "UNITS"
        else {"amount": {"value": "VALUE", "currency": limit["currency"]}}
    )
    row = {
        "limitCode": limit["code"],
        **quantity,
        **holder,
        "serviceDate": str(date(2020, 1, 1) + timedelta(days=chance.randrange(1500))),
        "externalId": f"X{number}",
        "description": chance.choice(['quote " and \\', "line\nbreak\u2028", "🧘 Zürich"]),
        "transactionSourceCode": "CLAIMS",
        "withdrawn": chance.random() < 0.1,
    }
    return json.dumps(row, ensure_ascii=False).replace('"VALUE"', value) + "\n"


def test_what_goes_in_comes_out(folder: Path) -> None:
    load(folder)
    exported = export()
    consumptions = [line for line in exported if line["type"] == "consumption"]
    counters = [line for line in exported if line["type"] == "counter"]
    given = read(folder / CONSUMPTIONS)

    assert Count(row["limitCode"] for row in consumptions) == Count(row["limitCode"] for row in given)
    assert sums(consumptions) == sums(given)
    assert {row["externalId"]: substance(row) for row in consumptions} == {
        row["externalId"]: substance(row) for row in given
    }
    by_counter = sums_by_counter(given, references(folder))
    assert {counter_key(line): total_of(line) for line in counters} == by_counter
    assert stored_totals() == by_counter


def load(folder: Path) -> None:
    for command, file in (("load_limits", LIMITS), ("load_limits", SOURCES), ("load_consumptions", CONSUMPTIONS)):
        call_command(command, str(folder / file), stdout=io.StringIO())


def export() -> list[Json]:
    """The lines of an export of everything until now, run as a worker runs it."""
    owner = UserFactory.create(roles=[Role.CLIENT])
    batch = start_export(user_id=owner.pk, transaction_start=BEFORE_ALL, transaction_end=now())
    assert run_task(task_id=batch.task_id) == TaskAttempt.Outcome.COMPLETED
    batch = ReadConsumptionBatch.objects.get(pk=batch.pk)
    assert batch.status == OperationStatus.COMPLETED
    file = DataFile.objects.get(data_file_set=batch.data_file_set)
    content = b"".join(storage.open_range(file.storage_key, 0, file.content_length))
    assert hashlib.sha256(content).hexdigest() == file.sha256
    lines = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in content.splitlines()]
    assert len(lines) == file.row_count
    return lines


def read(file: Path) -> list[Json]:
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in lines]


def references(folder: Path) -> dict[str, str]:
    return {limit["code"]: limit["reference"] for limit in json.loads((folder / LIMITS).read_text())}


def value_of(row: Json) -> Decimal:
    value = row["amount"]["value"] if "amount" in row else row["numberOfUnits"]
    assert isinstance(value, Decimal)
    return value


def holder_of(row: Json) -> str:
    return str(row["person"]["code"] if row["aggregationLevel"] == "PERSON" else row["familyCode"])


def sums(rows: list[Json]) -> dict[str, Decimal]:
    """What each limit comes to."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row["limitCode"]] += value_of(row)
    return found


def sums_by_counter(rows: list[Json], references: dict[str, str]) -> dict[Key, Decimal]:
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for row in rows:
        code = row["limitCode"]
        period = "life" if references[code] == "LIFETIME" else row["serviceDate"][:4]
        found[code, holder_of(row), period] += value_of(row)
    return found


def counter_key(line: Json) -> Key:
    return line["limitCode"], holder_of(line), line["startDate"][:4] if "endDate" in line else "life"


def total_of(line: Json) -> Decimal:
    total = line["total"]
    value = total["amount"]["value"] if "amount" in total else total["numberOfUnits"]
    assert isinstance(value, Decimal)
    return value


def stored_totals() -> dict[Key, Decimal]:
    """The running totals, which no export reads."""
    return {
        (
            period.counter.limit.code,
            str(period.counter.person_code or period.counter.family_code),
            str(period.start_date.year) if period.end_date else "life",
        ): period.total
        for period in CounterPeriod.objects.select_related("counter__limit")
    }


def substance(row: Json) -> Json:
    """What of a consumption is the same going in and coming out."""
    return {name: row[name] for name in SUBSTANCE if name in row} | {"withdrawn": row.get("withdrawn", False)}
