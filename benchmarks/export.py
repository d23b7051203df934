"""Exports: a worker's time and memory against what PostgreSQL and Django take for the same lines."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth.models import User
from psycopg.sql import Composed

from benchmarks import django_lines, ledgers, plain_statements, servers
from benchmarks.rows import AtLeast, AtMost, Prepare, Row, Side
from config.embedded.process import wait_until
from consumption import exports
from consumption.exporting import lines
from consumption.exporting.copying import BINARY, blocks
from consumption.exports import Window
from consumption.models import ReadConsumptionBatch
from consumption.services import start_export
from datafiles import storage
from datafiles.models import DataFile
from jobs.models import Operation
from jobs.running import run_task
from jobs.states import OperationStatus

MILLION = 1_000_000
START, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)
FIFTH = datetime(2020, 7, 2, tzinfo=UTC)  # after a fifth of the sample's time
PATIENCE = 600.0  # seconds
WORKER_PORT = 9161  # stands in the worker's name only
SETTINGS = f"-c work_mem={exports.WORK_MEM} -c jit=off -c timezone={settings.TIME_ZONE}"


@dataclass(frozen=True)
class Exported:
    """One export that was run to its end, its files removed again."""

    seconds: float
    rows: int
    sha256: list[str]


def run_export(**wanted: Any) -> Exported:
    """Runs an export in this process as a worker does, from the claim of its task to the commit of its end."""
    batch = start_export(user_id=owner(), transaction_start=START, transaction_end=END, **wanted)
    began = time.perf_counter()
    run_task(task_id=batch.task_id)
    seconds = time.perf_counter() - began
    batch = ReadConsumptionBatch.objects.get(pk=batch.pk)
    assert batch.status == OperationStatus.COMPLETED, batch.status
    files = list(DataFile.objects.filter(data_file_set=batch.data_file_set))
    for file in files:
        storage.delete(file.storage_key)
    return Exported(seconds, sum(file.row_count or 0 for file in files), [file.sha256 for file in files])


def owner() -> int:
    return User.objects.get(username="testuser1").pk


@contextmanager
def connected() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the ledger in use, as a worker opens one."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def window(connection: psycopg.Connection[Any], codes: list[str] | None = None) -> Window:
    return Window(START, END, exports.find_limits(connection, codes))


@contextmanager
def against_psql(size: int | None) -> Iterator[tuple[Side, Side]]:
    """The statements as `\\copy` in one session of psql, with the settings that the worker gives its own."""
    ledgers.use(size or MILLION)
    psql = servers.postgres_program("psql")
    with connected() as connection:
        every = window(connection)
        wide = replace(every, wide=exports.estimate(connection, every).wide)
        commands = [
            *("-c", _copy_command(connection, lines.counter_lines(wide), "counters")),
            *("-c", _copy_command(connection, lines.consumption_lines(wide), "consumptions")),
        ]

    def other() -> float:
        began = time.perf_counter()
        subprocess.run(  # noqa: S603
            [psql, "-qX", os.environ["DATABASE_URL"], *commands],
            check=True,
            env={**os.environ, "PGOPTIONS": SETTINGS},
        )
        return time.perf_counter() - began

    yield lambda: run_export().seconds, other


def _copy_command(connection: psycopg.Connection[Any], statement: Composed, name: str) -> str:
    line = " ".join(statement.as_string(connection).split("\n"))
    return f"\\copy ({line}) TO '{servers.here().var / name}' (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"


@contextmanager
def against_iterator(size: int | None) -> Iterator[tuple[Side, Side]]:
    """In rows a second; the two sides have to write the same bytes."""
    ledgers.use(size or MILLION)
    file = servers.here().var / "iterator.ndjson"
    hashes: set[str] = set()

    def ours() -> float:
        exported = run_export()
        hashes.update(exported.sha256)
        return exported.rows / exported.seconds

    def other() -> float:
        began = time.perf_counter()
        rows, digest = django_lines.write(file, START, END)
        hashes.add(digest)
        return rows / (time.perf_counter() - began)

    yield ours, other
    assert len(hashes) == 1, "the two sides wrote different lines"


@contextmanager
def against_literals(size: int | None) -> Iterator[tuple[Side, Side]]:
    """A limit with a quarter of the rows, and four fifths of the time: 20 % of the ledger.

    Ours is what a worker runs for a limit code; the other side the plain statement with that limit's id in it.
    """
    ledgers.use(size or MILLION)
    with connected() as connection:

        def copy(make: Callable[[Window], Composed]) -> Side:
            def side() -> float:
                began = time.perf_counter()
                with exports.reading(connection, settings.TIME_ZONE):
                    part = Window(FIFTH, END, exports.find_limits(connection, ["VISITS"]))
                    for _ in blocks(connection, lines.as_binary(make(part)), lambda: MILLION * 100, BINARY):
                        pass
                return time.perf_counter() - began

            return side

        yield copy(lines.consumption_lines), copy(plain_statements.consumption_lines)


@contextmanager
def memory(size: int | None) -> Iterator[tuple[Side, Side]]:
    yield lambda: peak_memory(size or MILLION), lambda: peak_memory(10_000)


@contextmanager
def memory_at_all(size: int | None) -> Iterator[tuple[Side, Side]]:
    yield lambda: peak_memory(size or MILLION), lambda: 120.0


def peak_memory(rows: int) -> float:
    """Megabytes that the child of a new worker had at most in memory, after an export of a ledger of that size."""
    ledgers.use(rows)
    return peak_of_child(lambda: start_export(user_id=owner(), transaction_start=START, transaction_end=END))


def peak_of_child(start: Callable[[], Operation]) -> float:
    """Megabytes that the child of a new worker had at most in memory, once the operation is completed."""
    with servers.program("worker", port=WORKER_PORT) as worker:
        operation = start()
        ended = type(operation)._default_manager.filter(pk=operation.pk).exclude(status=OperationStatus.IN_PROGRESS)
        assert wait_until(ended.exists, PATIENCE), "the operation did not end"
        assert ended.get().status == OperationStatus.COMPLETED
        return max(map(_peak, _children(worker.pid)))


def _children(process_id: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]


def _peak(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def growth(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Microseconds a row, at ten times the size and at the size."""
    large = size or 10 * MILLION

    def side(rows: int) -> float:
        ledgers.use(rows)
        exported = run_export()
        return exported.seconds / exported.rows * 1e6

    yield lambda: side(large), lambda: side(large // 10)


def against_plain(**wanted: str) -> Prepare:
    """An export in another format, or compressed, against the plain one of the same rows."""

    @contextmanager
    def prepare(size: int | None) -> Iterator[tuple[Side, Side]]:
        ledgers.use(size or MILLION)
        yield lambda: run_export(**wanted).seconds, lambda: run_export().seconds

    return prepare


FILE = "export of 10^6 consumptions with their counters, from claim to published file"
STATEMENT = "export statement of a limit, 20 % of the rows"
PEAK = "peak memory of the worker's child at 10^6 rows"
ROWS = [
    Row("export-psql", FILE, "psql \\copy of the same statements", AtMost(1.25), "s", against_psql, starred=True),
    Row(
        "export-iterator",
        "the same",
        "Django values().iterator() writing the same lines",
        AtLeast(3.5),
        "rows/s",
        against_iterator,
        starred=True,
        warm_up=False,
    ),
    Row("export-plan", STATEMENT, "the same with ids as literals", AtMost(1.1), "s", against_literals, starred=True),
    Row("export-memory", PEAK, "at 10^4", AtMost(1.1), "MB", memory, warm_up=False),
    Row("export-memory-total", PEAK, "120 MB", AtMost(1), "MB", memory_at_all, warm_up=False),
    Row("export-growth", "time a row at 10^7", "at 10^6", AtMost(1.3), "us", growth, warm_up=False),
    *(
        Row(f"export-{name}", f"export as {name}", "uncompressed NDJSON", AtMost(bar), "s", against_plain(**wanted))
        for name, bar, wanted in (
            ("zstd", 1.2, {"compression": "zstd"}),
            ("gzip", 1.25, {"compression": "gzip"}),
            ("parquet", 1.5, {"format": "parquet"}),
        )
    ),
]
