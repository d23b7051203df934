"""The connections that a pool's child keeps from one attempt to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import psycopg
import pytest
from celery.app.trace import build_tracer
from celery.signals import task_postrun, task_prerun
from django.db import connection as django

from config.celery import app
from hypermedia.sessions import DjangosOwn, KeepsSession, djangos_own
from jobs.connections import Kept, kept
from jobs.errors import OperationFailed
from jobs.leases import connection_info
from jobs.notifications.tasks import deliver
from jobs.running import Result, Run, run_task
from jobs.states import TaskStatus
from jobs.tasks import run
from tests.jobs.toys import Toys

ByCelery = Callable[[int], None]  # runs the task with this id


@pytest.fixture
def keeping() -> Iterator[Kept]:
    """As in a child of the pool."""
    kept.on = True
    yield kept
    kept.on = False
    kept.drop()
    djangos_own.give_back()


@pytest.fixture
def by_celery() -> Iterator[ByCelery]:
    """Runs a task as a worker does: Celery closes Django's connection before and after it, and stores the result."""
    trace: Any = build_tracer(run.name, run, app=app)
    with celery_closes():
        yield lambda task_id: trace(f"celery-{task_id}", (), {"task_id": task_id}, request={})


@contextmanager
def celery_closes() -> Iterator[None]:
    """Django's connection, before and after each task."""
    fixup = import_module("celery.fixups.django").DjangoWorkerFixup(app)
    task_prerun.connect(fixup.on_task_prerun)
    task_postrun.connect(fixup.on_task_postrun)
    yield
    task_prerun.disconnect(fixup.on_task_prerun)
    task_postrun.disconnect(fixup.on_task_postrun)


def djangos_session(toys: Toys, by_celery: ByCelery) -> int:
    """Runs an attempt; the process id of the session that Django had in it."""
    seen = []

    def body(_: Run) -> Result:
        seen.append(django.connection.info.backend_pid)
        return Result()

    toys.body = body
    task = toys.start()
    by_celery(task.pk)
    assert toys.task(task.pk).status == TaskStatus.COMPLETED
    return int(seen[0])


def session(toys: Toys, *statements: str) -> int:
    """Runs an attempt that executes these; the process id of its session, 0 when the attempt did not complete."""
    seen = [0]

    def body(run: Run) -> Result:
        with run.connect() as mine:
            for statement in statements:
                mine.execute(statement)
            seen.append(mine.info.backend_pid)
        return Result()

    toys.body = body
    completed = run_task(task_id=toys.start().pk) == "completed"
    return seen[-1] if completed else 0


def test_the_next_attempt_gets_the_session_of_the_last(real_toys: Toys, keeping: Kept) -> None:
    assert session(real_toys) == session(real_toys)


def test_elsewhere_each_attempt_has_its_own(real_toys: Toys) -> None:
    assert session(real_toys) != session(real_toys)


def test_nothing_is_left_in_it(real_toys: Toys, keeping: Kept) -> None:
    first = session(real_toys, "SET work_mem = '123MB'", "CREATE TEMPORARY TABLE mine AS SELECT 1 AS one")
    with keeping.take("who looks") as connection:
        assert connection.info.backend_pid == first
        row = connection.execute(
            "SELECT current_setting('work_mem'), to_regclass('mine'), current_setting('application_name'),"
            " current_setting('idle_session_timeout')"
        ).fetchone()
    assert row is not None
    assert row[0] != "123MB"
    assert row[1:] == (None, "who looks", "0")


def test_one_that_the_server_ended_meanwhile_is_replaced(real_toys: Toys, keeping: Kept) -> None:
    first = session(real_toys)
    with psycopg.connect(connection_info(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    second = session(real_toys)
    assert second not in {0, first}


def test_an_error_takes_the_connection_along(real_toys: Toys, keeping: Kept) -> None:
    def body(run: Run) -> Result:
        with run.connect():
            raise OperationFailed("TOY-FA-001", "It went wrong.", "A restart will not help.")

    first = session(real_toys)
    real_toys.body = body
    assert run_task(task_id=real_toys.start().pk) == "failed"
    assert session(real_toys) not in {0, first}


def test_a_lost_lease_takes_the_connection_along(real_toys: Toys, keeping: Kept) -> None:
    first = session(real_toys)
    assert session(real_toys, "UPDATE jobs_task SET epoch = epoch + 1") == 0
    assert session(real_toys) not in {0, first}


def test_celery_does_not_end_djangos_session(real_toys: Toys, keeping: Kept, by_celery: ByCelery) -> None:
    assert djangos_session(real_toys, by_celery) == djangos_session(real_toys, by_celery)


def test_elsewhere_it_does(real_toys: Toys, by_celery: ByCelery) -> None:
    assert djangos_session(real_toys, by_celery) != djangos_session(real_toys, by_celery)


def test_a_session_of_djangos_that_the_server_ended_is_replaced(
    real_toys: Toys, keeping: Kept, by_celery: ByCelery
) -> None:
    first = djangos_session(real_toys, by_celery)
    with psycopg.connect(connection_info(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    assert djangos_session(real_toys, by_celery) != first


def test_a_session_that_lay_idle_for_long_is_not_trusted(
    real_toys: Toys, keeping: Kept, by_celery: ByCelery, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = djangos_session(real_toys, by_celery)
    monkeypatch.setattr(DjangosOwn, "IDLE_SECONDS", 0.0)
    assert djangos_session(real_toys, by_celery) != first


@pytest.mark.django_db(transaction=True)
def test_a_thread_of_senders_keeps_djangos_session() -> None:
    """Each delivery would begin with a new one otherwise."""
    seen: list[int] = []

    def send() -> None:
        django.ensure_connection()
        seen.append(django.connection.info.backend_pid)

    assert isinstance(deliver, KeepsSession)
    task = app.task(base=KeepsSession, name="tests.send")(send)
    trace: Any = build_tracer(task.name, task, app=app)
    with celery_closes():
        for number in range(3):
            trace(f"celery-{number}", (), {}, request={})
            assert django.connection is None, "nothing else finds it"
        djangos_own.give_back()
    del app.tasks["tests.send"]
    assert len(seen) == 3
    assert len(set(seen)) == 1
