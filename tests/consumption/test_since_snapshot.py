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
from consumption.exporting import series as continuing
from consumption.exporting.lines import consumption_lines
from consumption.exporting.series import OPEN_END
from consumption.models import Consumption, ExportSeries, ReadConsumptionBatch
from consumption.services import start_export
from datafiles import storage
from datafiles.models import DataFile
from hypermedia.fields import date_time
from hypermedia.readers import Role
from jobs import services
from jobs.leases import connection_info
from jobs.models import Message
from jobs.running import run_task
from jobs.states import OperationStatus
from tests.conftest import ApiClient
from tests.consumption.test_closed_windows import INSERT
from tests.factories import ConsumptionFactory, CounterPeriodFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = datetime(1900, 1, 1, tzinfo=UTC)
Export = Callable[[], ReadConsumptionBatch]


@pytest.fixture
def series(transactional_db: None) -> ExportSeries:
    return ExportSeries.objects.create()


@pytest.fixture
def start(series: ExportSeries) -> Export:
    """Requests the next export of the series."""
    owner = UserFactory.create(roles=[Role.CLIENT])

    def request() -> ReadConsumptionBatch:
        return start_export(user_id=owner.pk, transaction_start=BEGIN, transaction_end=OPEN_END, series=series)

    return request


@pytest.fixture
def export(start: Export, work: Callable[[], None]) -> Export:
    """Runs the next export of the series to its end."""

    def run() -> ReadConsumptionBatch:
        batch = start()
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
    second = export()
    slow.commit()
    third = export()
    found = [entries(batch) for batch in (first, second, third)]
    assert [len(ids) for ids in found] == [2, 1, 1]
    late = Consumption.objects.get(pk=found[2][0])
    assert first.snapshot_at is not None
    assert late.transaction_datetime < first.snapshot_at, "by its time alone it would be lost"
    assert sorted(chain.from_iterable(found)) == sorted(Consumption.objects.values_list("pk", flat=True))
    assert entries(export()) == []


def test_counters_of_new_entries_carry_the_whole_total(export: Export) -> None:
    period = CounterPeriodFactory.create()
    other = CounterPeriodFactory.create()
    for one in (period, other):
        ConsumptionFactory.create(counter_period=one)
    export()
    ConsumptionFactory.create(counter_period=period)
    (counter, entry) = lines(export())
    assert (counter["id"], counter["total"]) == (period.pk, {"numberOfUnits": 2})
    assert entry["counterPeriodId"] == period.pk


def test_a_failed_export_can_be_restarted_after_a_later_one(start: Export, export: Export) -> None:
    ConsumptionFactory.create()
    failed = start()
    task = services.claim(task_id=failed.task_id, owner="worker", thread_code="", celery_task_id="")
    assert task is not None
    services.fail(task=task, code="TEST", text="It failed.")
    assert len(entries(export())) == 1
    ConsumptionFactory.create()
    services.restart(task_id=failed.task_id, user_id=failed.created_by_id)
    run_task(task_id=failed.task_id)
    failed.refresh_from_db()
    assert len(entries(failed)) == 1
    assert failed.since_snapshot_at is not None
    assert entries(export()) == []


def test_of_two_at_once_one_completes(start: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second began where the first did. Its restart brings what is new since then."""
    ConsumptionFactory.create()
    slow, quick = start(), start()
    join = continuing.join

    def join_and_be_overtaken(batch: ReadConsumptionBatch) -> None:
        join(batch)
        if batch.pk == slow.pk:
            run_task(task_id=quick.task_id)

    with monkeypatch.context() as patched:
        patched.setattr(continuing, "join", join_and_be_overtaken)
        run_task(task_id=slow.task_id)
    slow.refresh_from_db()
    quick.refresh_from_db()
    assert (slow.status, quick.status) == (OperationStatus.FAILED, OperationStatus.COMPLETED)
    assert Message.objects.get(severity="Fatal").code == "CON-FA-004"
    services.restart(task_id=slow.task_id, user_id=slow.created_by_id)
    run_task(task_id=slow.task_id)
    slow.refresh_from_db()
    assert entries(slow) == []


def test_after_adoption_nobody_can_tell_what_is_new(export: Export, series: ExportSeries) -> None:
    ConsumptionFactory.create()
    assert len(entries(export())) == 1
    clusters.adopt()
    assert export().status == OperationStatus.FAILED
    assert Message.objects.get(severity="Fatal").code == "CON-FA-003"
    series.refresh_from_db()
    assert series.is_lost


def test_the_client_sees_since_when(export: Export, testuser: ApiClient) -> None:
    ConsumptionFactory.create()
    first, second = export(), export()
    for batch in (first, second):
        ReadConsumptionBatch.objects.filter(pk=batch.pk).update(created_by=testuser.user)
    documents = [testuser.get(f"/api/generic/readconsumptionbatches/{batch.pk}").json() for batch in (first, second)]
    assert "sinceSnapshotDateTime" not in documents[0]
    assert first.snapshot_at is not None
    assert documents[1]["sinceSnapshotDateTime"] == date_time(first.snapshot_at)


def test_older_entries_are_not_read(export: Export) -> None:
    """The index on the transaction ids leads to the new ones; its expression is the statement's."""
    ConsumptionFactory.create()
    first = export()
    window = exports.Window(BEGIN, OPEN_END, [exports.ExportedLimit(1, "VERT", "UNITS")], str(first.snapshot))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP INDEX consumption_window, consumption_moment, consumption_of_limit")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + consumption_lines(window).as_string())
        plan = "\n".join(row[0] for row in cursor.fetchall())
        transaction.set_rollback(True)
    assert "consumption_written" in plan
