"""A large export reads with two sessions, from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection

from consumption import exports
from consumption.exporting import operation
from consumption.exporting.files import ExportFiles
from consumption.services import start_export
from datafiles.storage import StorageError
from hypermedia.readers import Role
from jobs.running import run_task
from tests.consumption.exporting import END, START, files
from tests.factories import ConsumptionFactory, CounterPeriodFactory, UserFactory
from tests.jobs.conftest import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def every_export_is_large(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[None]]:
    """What it holds counts the second sessions."""
    used: list[None] = []
    share = exports.sharing

    def counting(*sessions: Any) -> AbstractContextManager[None]:
        used.append(None)
        return share(*sessions)

    with monkeypatch.context() as patched:
        patched.setattr(operation, "LARGE", 0)
        patched.setattr(exports, "sharing", counting)
        yield used


def filled() -> None:
    for period in (CounterPeriodFactory.create(), CounterPeriodFactory.create()):
        for description in ("one", "two"):
            ConsumptionFactory.create(counter_period=period, description=description)


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
def test_it_is_the_same_export(format: str, every_export_is_large: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    filled()
    with_two = files(format=format)
    assert len(every_export_is_large) == 1
    monkeypatch.setattr(operation, "LARGE", 10**9)
    assert files(format=format) == with_two
    assert len(every_export_is_large) == 1


def test_what_is_written_in_between_is_seen_by_neither(
    every_export_is_large: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    filled()
    before = files()
    share = exports.sharing

    def late(*sessions: Any) -> AbstractContextManager[None]:
        ConsumptionFactory.create(counter_period=CounterPeriodFactory.create(), description="late")
        return share(*sessions)

    monkeypatch.setattr(exports, "sharing", late)
    assert files() == before
    assert b'"late"' in files()[0].content


def test_a_disk_that_is_full_ends_both(every_export_is_large: list[None], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise StorageError("The disk is full.", "A restart helps once there is room.")

    filled()
    monkeypatch.setattr(ExportFiles, "write", full)
    owner = UserFactory.create(roles=[Role.CLIENT])
    batch = start_export(user_id=owner.pk, transaction_start=START, transaction_end=END)
    assert run_task(task_id=batch.task_id) == "failed"
    until(lambda: sessions(batch.task_id) == 0)


def sessions(task_id: int) -> int:
    with connection.cursor() as cursor:
        name = f"tallyport task {task_id}"
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])
        return int(cursor.fetchone()[0])
