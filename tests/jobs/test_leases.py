"""A worker that lost its lease stops, and can change nothing; one that keeps it may take its time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from jobs import recovery, services
from jobs.leases import EX_LEASE_LOST, connection_info
from jobs.models import Task
from jobs.running import Result, Run, run_task
from jobs.states import TaskStatus
from tests.jobs.conftest import running_elsewhere, until
from tests.jobs.toys import Toys


def sleep_in_the_database(run: Run) -> Result:
    with run.connect() as mine:
        mine.execute("SELECT pg_sleep(60)")
    return Result()


def sleepers() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
            " AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def test_cancelled_work_stops_within_five_seconds(real_toys: Toys) -> None:
    """With the leases of production. A busy machine is late now and then."""
    real_toys.body = sleep_in_the_database
    assert any(stops_in_time(real_toys) for _ in range(3)), "of three one in time"


def stops_in_time(toys: Toys) -> bool:
    task = toys.start()
    with running_elsewhere(task.pk) as worker:
        until(sleepers)
        services.cancel(task_id=task.pk, user_id=toys.user.pk)
        began = time.monotonic()
        until(lambda: not sleepers())
        took = time.monotonic() - began
    assert worker.outcome == "lost"
    toys.check(task.pk)
    return took < 5


def test_a_lease_that_cannot_be_renewed_ends_the_work_in_time(real_toys: Toys, settings: Any) -> None:
    """The renewal hangs: only our own clock can tell."""
    settings.LEASE_SECONDS = 2.0
    settings.LEASE_RENEWAL_SECONDS = 0.1
    real_toys.body = sleep_in_the_database
    task = real_toys.start()
    with psycopg.connect(connection_info()) as blocker, running_elsewhere(task.pk) as worker:
        until(sleepers)
        blocker.execute("SELECT 1 FROM jobs_task WHERE id = %s FOR UPDATE", [task.pk])
        until(lambda: not sleepers(), seconds=20)
    assert worker.outcome == "lost"
    until(recovery.reap)
    assert real_toys.task(task.pk).status == TaskStatus.PENDING
    real_toys.check(task.pk)


def test_work_may_take_longer_than_a_lease(real_toys: Toys, settings: Any) -> None:
    settings.LEASE_SECONDS = 3.0  # a busy machine keeps a renewal waiting now and then
    settings.LEASE_RENEWAL_SECONDS = 0.1

    def body(run: Run) -> Result:
        with run.connect() as mine:
            mine.execute("SELECT pg_sleep(4.5)")
        run.check()
        return Result()

    real_toys.body = body
    task = real_toys.start()
    with running_elsewhere(task.pk) as worker:
        until(lambda: real_toys.task(task.pk).status == TaskStatus.PROCESSING)
        while worker.thread.is_alive():
            assert recovery.reap() == 0
            time.sleep(0.05)
    assert worker.outcome == "completed"
    assert real_toys.task(task.pk).attempt_count == 1


def test_python_notices_too(real_toys: Toys, short_lease: None) -> None:
    """Work that has no statement running looks by itself."""
    begun: list[bool] = []

    def body(run: Run) -> Result:
        while True:
            begun.append(True)
            run.progress(1)
            time.sleep(0.01)

    real_toys.body = body
    task = real_toys.start()
    with running_elsewhere(task.pk) as worker:
        until(lambda: begun)
        services.cancel(task_id=task.pk, user_id=real_toys.user.pk)
    assert worker.outcome == "lost"


def test_who_wakes_after_the_task_was_given_to_another_changes_nothing(real_toys: Toys) -> None:
    task = real_toys.start()
    taken_back: list[bool] = []

    def body(_: Run) -> Result:
        Task.objects.filter(pk=task.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
        assert recovery.reap() == 1
        assert services.claim(task_id=task.pk, owner="other", thread_code="other", celery_task_id="")
        return Result(record=real_toys.record, discard=lambda: taken_back.append(True))

    real_toys.body = body
    assert run_task(task_id=task.pk) == "lost"
    after = real_toys.task(task.pk)
    assert (after.status, after.owner, after.attempt_count) == (TaskStatus.PROCESSING, "other", 2)
    assert not real_toys.recorded()
    assert taken_back == [True]
    real_toys.check(task.pk)


def test_an_end_does_not_look_like_a_loss(real_toys: Toys, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Between the commit and the end of the attempt messages are sent, and a renewal would find no row."""
    settings.LEASE_RENEWAL_SECONDS = 0.01

    def record() -> dict[str, int]:
        transaction.on_commit(lambda: time.sleep(0.6))
        return real_toys.record()

    real_toys.body = lambda _: Result(record=record)
    task = real_toys.start()
    assert run_task(task_id=task.pk) == "completed"
    assert "lease lost" not in caplog.text


def test_an_attempt_that_does_not_stop_is_ended_by_force() -> None:
    """As a process of its own, since it does not survive. The task is not there, so it can never be renewed."""
    script = (
        "import django, time; django.setup()\n"
        "from jobs.leases import Lease\n"
        "with Lease(task_id=0, epoch=1, claimed_at=time.monotonic()):\n"
        "    time.sleep(60)\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LEASE_SECONDS": "0.5",
        "LEASE_RENEWAL_SECONDS": "0.1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, timeout=120, check=False
    )
    assert ended.returncode == EX_LEASE_LOST, ended.stderr
    assert b"the attempt does not stop" in ended.stderr
