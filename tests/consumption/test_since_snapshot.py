"""Exports that continue each other by snapshot: nothing is lost between two of them and nothing comes twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from consumption import clusters, exports
from consumption.models import Consumption, ReadConsumptionBatch
from consumption.services import OPEN_END, start_export
from datafiles import storage
from datafiles.models import DataFile
from hypermedia.readers import Role
from jobs.leases import connection_info
from jobs.models import Message
from jobs.states import OperationStatus
from tests.consumption.test_closed_windows import INSERT
from tests.factories import ConsumptionFactory, CounterPeriodFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = datetime(1900, 1, 1, tzinfo=UTC)
Export = Callable[..., ReadConsumptionBatch]


@pytest.fixture
def export(work: Callable[[], None]) -> Export:
    """Runs an export of everything since another one, to its end."""
    owner = UserFactory.create(roles=[Role.CLIENT])

    def run(since: ReadConsumptionBatch | None = None) -> ReadConsumptionBatch:
        batch = start_export(user_id=owner.pk, transaction_start=BEGIN, transaction_end=OPEN_END, since=since)
        work()
        return ReadConsumptionBatch.objects.get(pk=batch.pk)

    return run


@pytest.fixture
def slow(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(connection_info()) as writer:
        yield writer


def lines(batch: ReadConsumptionBatch) -> list[dict[str, Any]]:
    assert batch.status == OperationStatus.COMPLETED, list(Message.objects.values_list("text", flat=True))
    file = DataFile.objects.get(data_file_set=batch.data_file_set)
    content = b"".join(storage.open_range(file.storage_key, 0, file.content_length)).decode()
    return [json.loads(line) for line in content.splitlines()]


def entries(batch: ReadConsumptionBatch) -> list[int]:
    return [line["id"] for line in lines(batch) if line["type"] == "consumption"]


def write(writer: psycopg.Connection[Any]) -> None:
    writer.execute(INSERT)


def test_a_late_commit_is_neither_lost_nor_doubled(export: Export, slow: psycopg.Connection[Any]) -> None:
    CounterPeriodFactory.create()
    with psycopg.connect(connection_info()) as quick:
        write(quick)
    write(slow)
    with psycopg.connect(connection_info()) as quick:
        write(quick)  # after the slow writer took its id and its time, and committed before it
    first = export()
    assert len(entries(first)) == 2
    with psycopg.connect(connection_info()) as quick:
        write(quick)
    second = export(first)
    slow.commit()
    third = export(second)
    found = [entries(batch) for batch in (first, second, third)]
    assert [len(ids) for ids in found] == [2, 1, 1]
    late = Consumption.objects.get(pk=found[2][0])
    assert first.snapshot_at is not None
    assert late.transaction_datetime < first.snapshot_at, "by its time alone it would be lost"
    assert sorted(chain.from_iterable(found)) == sorted(Consumption.objects.values_list("pk", flat=True))
    assert entries(export(third)) == []


def test_counters_of_new_entries_carry_the_whole_total(export: Export) -> None:
    period = CounterPeriodFactory.create()
    other = CounterPeriodFactory.create()
    for one in (period, other):
        ConsumptionFactory.create(counter_period=one)
    first = export()
    ConsumptionFactory.create(counter_period=period)
    (counter, entry) = lines(export(first))
    assert (counter["id"], counter["total"]) == (period.pk, {"numberOfUnits": 2})
    assert entry["counterPeriodId"] == period.pk


def test_after_adoption_the_earlier_export_means_nothing(export: Export) -> None:
    ConsumptionFactory.create()
    first = export()
    second = start_export(user_id=first.created_by_id, transaction_start=BEGIN, transaction_end=OPEN_END, since=first)
    clusters.adopt()
    third = export()
    second.refresh_from_db()
    assert second.status == OperationStatus.FAILED
    assert Message.objects.get(severity="Fatal").code == "CON-FA-003"
    assert len(entries(third)) == 1


def test_older_entries_are_not_read(export: Export) -> None:
    """The index on the transaction ids leads to the new ones; its expression is the statement's."""
    ConsumptionFactory.create()
    first = export()
    window = exports.Window(BEGIN, OPEN_END, [exports.ExportedLimit(1, "VERT", "UNITS")], str(first.snapshot))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX consumption_window, consumption_moment")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + exports.consumption_lines(window).as_string())
        plan = "\n".join(row[0] for row in cursor.fetchall())
        transaction.set_rollback(True)
    assert "consumption_written" in plan
