"""Imports: a worker's rows a second against `COPY` of ready rows into a table with the same columns and indexes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from benchmarks import ledgers, servers
from benchmarks.export import MILLION, owner, peak_of_child
from benchmarks.rows import AtLeast, AtMost, Row, Side
from consumption import limits
from consumption.models import WriteConsumptionBatch
from consumption.sample import LIMITS, SOURCES
from consumption.writing import operation
from datafiles import storage
from datafiles.models import DataFileSet
from datafiles.services import Content, store_set
from jobs.running import run_task
from jobs.states import OperationStatus

ROWS_OF_A_PERSON = 50
BLOCK = 1 << 20
_EMPTY = """
    ALTER TABLE consumption_consumption DISABLE TRIGGER consumption_not_truncated;
    ALTER TABLE consumption_counterperiod DISABLE TRIGGER counter_period_not_truncated;
    TRUNCATE consumption_consumption, consumption_counterperiod, consumption_counter;
    ALTER TABLE consumption_counterperiod ENABLE TRIGGER counter_period_not_truncated;
    ALTER TABLE consumption_consumption ENABLE TRIGGER consumption_not_truncated;
"""
_TABLE = """
    DROP TABLE IF EXISTS ready;
    CREATE TABLE ready (LIKE consumption_consumption INCLUDING DEFAULTS INCLUDING INDEXES);
"""


@contextmanager
def against_copy(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Both sides begin with empty tables; what is copied are the rows that our side wrote."""
    rows = size or MILLION
    ledgers.use(0)
    limits.store(limits=LIMITS, sources=SOURCES)
    data_file_set, ready = _input(rows), servers.here().var / "ready"

    def ours() -> float:
        _execute(_EMPTY)
        batch = operation.start(user_id=owner(), set_id=data_file_set.pk)
        began = time.perf_counter()
        run_task(task_id=batch.task_id)
        seconds = time.perf_counter() - began
        batch = WriteConsumptionBatch.objects.get(pk=batch.pk)
        assert (batch.status, batch.rows_applied) == (OperationStatus.COMPLETED, rows)
        if not ready.exists():
            _copy_out(ready)
        return rows / seconds

    def other() -> float:
        _execute(_TABLE)
        began = time.perf_counter()
        with connection.cursor() as cursor, ready.open("rb") as file, cursor.copy("COPY ready FROM STDIN") as copy:
            while block := file.read(BLOCK):
                copy.write(block)
        return rows / (time.perf_counter() - began)

    yield ours, other


@contextmanager
def memory(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Of a worker's child, after an import into empty tables."""
    ledgers.use(0)
    limits.store(limits=LIMITS, sources=SOURCES)

    def side(rows: int) -> float:
        _execute(_EMPTY)
        data_file_set = _input(rows)
        return peak_of_child(lambda: operation.start(user_id=owner(), set_id=data_file_set.pk))

    yield lambda: side(size or MILLION), lambda: side((size or MILLION) // 10)


def _execute(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements)


def _copy_out(file: Path) -> None:
    everything = "COPY consumption_consumption TO STDOUT"
    with connection.cursor() as cursor, cursor.copy(everything) as copy, file.open("wb") as out:
        for block in copy:
            out.write(block)


def _input(rows: int) -> DataFileSet:
    """A set with one file of NDJSON, as claims come in."""
    with storage.stage() as staged:
        for line in _lines(rows):
            staged.write(line)
        published = staged.publish(row_count=rows)
    content = Content(published, "Consumptions", "application/x-ndjson")
    return store_set(owner_id=owner(), description="Input", contents=[content])


def _lines(rows: int) -> Iterator[bytes]:
    chance = random.Random(1970)  # noqa: S311
    for number in range(rows):
        code, quantity = (
            ("VISITS", '"numberOfUnits": 1')
            if number % 2
            else ("OOPM", f'"amount": {{"value": {chance.randrange(100_000) / 100:.2f}, "currency": "USD"}}')
        )
        person = chance.randrange(1 + rows // ROWS_OF_A_PERSON)
        yield (
            f'{{"limitCode": "{code}", {quantity}, "aggregationLevel": "PERSON",'
            f' "person": {{"code": "1d3d16ce-a3a4-5e9e-1b4d-{person:012d}"}},'
            f' "serviceDate": "{2019 + chance.randrange(5)}-{1 + chance.randrange(12):02d}-18",'
            f' "provider": {{"code": "7ff689b9-ad65-37f6-bd92-{chance.randrange(97):012d}"}},'
            f' "externalId": "c9622181-aab1-b8db-f7c2-{number:012d}", "description": "Encounter for symptom",'
            f' "transactionSourceCode": "SYNTHEA", "referenceCode": "a42e5945-070d-4675-b270-{number:012d}"}}\n'
        ).encode()


ROWS = [
    Row(
        name="import",
        ours="write batch, rows a second",
        other="COPY of ready rows",
        bar=AtLeast(0.4),
        unit="rows/s",
        prepare=against_copy,
        rounds=5,
        warm_up=True,
    ),
    Row(
        name="import-memory",
        ours="peak memory of the worker's child at 10^6 rows",
        other="at 10^5",
        bar=AtMost(1.1),
        unit="MB",
        prepare=memory,
        warm_up=False,
    ),
]
