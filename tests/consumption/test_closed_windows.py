"""A closed window is complete: an export waits for whoever may still write into it, and says who when it is in vain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connections

from consumption.exporting import closing as closed_windows
from consumption.models import Consumption, CounterPeriod, ReadConsumptionBatch
from consumption.services import start_export
from datafiles.models import DataFile
from hypermedia.readers import Role
from jobs.leases import connection_info
from jobs.models import Message, Task
from jobs.running import run_task
from jobs.states import OperationStatus
from tests.factories import CounterPeriodFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = """
    INSERT INTO consumption_consumption (limit_id, counter_period_id, service_date, number_of_units, withdrawn)
    SELECT k.limit_id, p.id, current_date, 1, false
      FROM consumption_counterperiod p JOIN consumption_counter k ON k.id = p.counter_id
    RETURNING transaction_datetime
"""


@pytest.fixture
def writer(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody who writes slowly."""
    with psycopg.connect(connection_info(application_name="slow writer")) as connection:
        yield connection


@pytest.fixture
def start(transactional_db: None) -> Callable[[datetime], ReadConsumptionBatch]:
    owner = UserFactory.create(roles=[Role.CLIENT])

    def export_until(end: datetime) -> ReadConsumptionBatch:
        return start_export(user_id=owner.pk, transaction_start=end - timedelta(days=1), transaction_end=end)

    return export_until


def written_now(connection: psycopg.Connection[Any]) -> datetime:
    """One entry, not committed; the moment that the ledger gave it."""
    CounterPeriodFactory.create()
    row = connection.execute(INSERT).fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


def run_elsewhere(task_id: int) -> None:
    """A worker's thread: with connections of its own, closed at its end."""
    try:
        run_task(task_id=task_id)
    finally:
        connections.close_all()


def test_an_entry_that_is_not_committed_yet_is_waited_for(
    writer: psycopg.Connection[Any], start: Callable[[datetime], ReadConsumptionBatch]
) -> None:
    batch = start(written_now(writer))
    worker = threading.Thread(target=run_elsewhere, args=[batch.task_id])
    worker.start()
    worker.join(timeout=1)
    assert worker.is_alive(), "the export waits"
    writer.commit()
    worker.join(timeout=60)
    assert not worker.is_alive()
    assert DataFile.objects.get().row_count == 2


def test_who_blocks_is_named(
    writer: psycopg.Connection[Any], start: Callable[[datetime], ReadConsumptionBatch], settings: Any
) -> None:
    settings.CLOSED_WINDOW_WAIT = timedelta(seconds=0.3)
    batch = start(written_now(writer))
    run_task(task_id=batch.task_id)
    batch.refresh_from_db()
    assert batch.status == OperationStatus.FAILED
    text = Message.objects.get(severity="Fatal").text
    assert f"process {writer.info.backend_pid} " in text
    assert "application slow writer" in text
    assert "A restart helps once" in text
    assert not DataFile.objects.exists()


def test_whoever_starts_later_is_not_waited_for(
    writer: psycopg.Connection[Any],
    start: Callable[[datetime], ReadConsumptionBatch],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = threading.Event()
    look = closed_windows.writers

    def writers(*arguments: Any, **named: Any) -> Any:
        found = look(*arguments, **named)
        looked.set()
        return found

    monkeypatch.setattr(closed_windows, "writers", writers)
    CounterPeriodFactory.create()
    with psycopg.connect(connection_info()) as first:
        row = first.execute(INSERT).fetchone()
        assert row is not None
        batch = start(row[0])
        worker = threading.Thread(target=run_elsewhere, args=[batch.task_id])
        worker.start()
        assert looked.wait(60)
        writer.execute(INSERT)
    worker.join(timeout=60)
    assert not worker.is_alive(), "the later writer still runs, and cannot write into the closed window"
    assert DataFile.objects.get().row_count == 2


def test_an_open_window_does_not_wait(
    writer: psycopg.Connection[Any], start: Callable[[datetime], ReadConsumptionBatch]
) -> None:
    batch = start(written_now(writer) + timedelta(days=1))
    run_task(task_id=batch.task_id)
    assert DataFile.objects.get().row_count == 0


def test_a_window_that_is_over_waits_for_no_reader(start: Callable[[datetime], ReadConsumptionBatch]) -> None:
    with psycopg.connect(connection_info()) as reader:
        reader.execute("SELECT count(*) FROM consumption_consumption")
        batch = start(datetime.fromisoformat("2020-01-01T00:00:00+00:00"))
        run_task(task_id=batch.task_id)
    assert Task.objects.get().status == "COMPLETED"


def test_the_ledgers_clock_ticks_in_milliseconds_after_the_id(writer: psycopg.Connection[Any]) -> None:
    moment = written_now(writer)
    assert moment.microsecond % 1000 == 0
    writer.commit()
    assert Consumption.objects.get().transaction_id > 0
    assert CounterPeriod.objects.count() == 1
