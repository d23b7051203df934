"""Two exports whose windows adjoin hold every entry exactly once, however slowly somebody writes at the edge."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction

from consumption import ledger
from consumption.models import Consumption
from consumption.services import start_export
from datafiles import storage
from datafiles.models import DataFile
from hypermedia.readers import Role
from jobs.running import run_task
from tests.consumption.inputs import numbered, units
from tests.factories import LimitFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 6
TICK = timedelta(milliseconds=1)


@pytest.fixture
def owner(transactional_db: None) -> User:
    LimitFactory.create()
    owner: User = UserFactory.create(roles=[Role.CLIENT])
    return owner


def slow_writer(number: int, written: threading.Barrier, go: threading.Event) -> None:
    """Has written when the barrier opens, and commits only when it may."""
    try:
        with transaction.atomic():
            ledger.write(rows=numbered([units(f"P{number}", externalId=f"slow {number}")]))
            written.wait(60)
            assert go.wait(60)
    finally:
        connections.close_all()


@contextmanager
def slow_writers() -> Iterator[threading.Event]:
    """Writers of different persons, none of whom has committed; they do when the event is set."""
    written, go = threading.Barrier(WRITERS + 1), threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(slow_writer, number, written, go) for number in range(WRITERS)]
        try:
            written.wait(60)
            yield go
        finally:
            go.set()
        for one in running:
            one.result(60)


def clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('milliseconds', clock_timestamp())")
        moment: datetime = cursor.fetchone()[0]
        return moment


def exported(owner: User, start: datetime, end: datetime) -> list[int]:
    batch = start_export(user_id=owner.pk, transaction_start=start, transaction_end=end)
    try:
        assert run_task(task_id=batch.task_id) == "completed"
        batch.refresh_from_db()
        file = DataFile.objects.get(data_file_set=batch.data_file_set)
    finally:
        if threading.current_thread() is not threading.main_thread():
            connections.close_all()
    content = b"".join(storage.open_range(file.storage_key, 0, file.content_length))
    lines: list[dict[str, Any]] = [json.loads(line) for line in content.splitlines()]
    return [line["id"] for line in lines if line["type"] == "consumption"]


def test_nothing_is_lost_or_doubled_at_the_edge(owner: User) -> None:
    begin = clock()
    with ThreadPoolExecutor(1) as pool:
        with slow_writers() as go:
            edge = clock()
            ledger.write(rows=numbered([units("Q", externalId="quick, at the edge or after it")]))
            while clock() <= edge:
                time.sleep(0.001)
            first = pool.submit(exported, owner, begin, edge)
            with pytest.raises(TimeoutError):
                first.result(timeout=1)  # it waits for those who write
            go.set()
        before = first.result(timeout=60)
    ledger.write(rows=numbered([units("Q", externalId="after it")]))
    after = exported(owner, edge + TICK, clock())
    everything = sorted(Consumption.objects.values_list("pk", flat=True))
    assert sorted(before + after) == everything
    slow = set(Consumption.objects.filter(external_id__startswith="slow").values_list("pk", flat=True))
    assert len(slow) == WRITERS
    assert slow <= set(before), "they wrote before the edge and committed after it"
