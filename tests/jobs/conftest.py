from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from jobs.running import run_task
from tests.jobs import toys as toy_box
from tests.jobs.toys import Toys


@pytest.fixture
def toys(db: None) -> Iterator[Toys]:
    """In one transaction that is rolled back."""
    with toy_box.installed() as installed:
        yield installed


@pytest.fixture
def real_toys(django_db_setup: None, django_db_blocker: Any) -> Iterator[Toys]:
    """With real commits, for whatever has several connections. Cleans up by itself: `transactional_db` empties and
    fills every table after each test, which takes ten times as long as such a test."""
    with django_db_blocker.unblock():
        try:
            with toy_box.installed() as installed:
                yield installed
        finally:
            toy_box.remove()
            connections.close_all()


@pytest.fixture
def short_lease(settings: Any) -> None:
    settings.LEASE_SECONDS = 2.0
    settings.LEASE_RENEWAL_SECONDS = 0.1


class Worker:
    """A worker in a thread of its own."""

    def __init__(self, task_id: int) -> None:
        self.task_id = task_id
        self.outcome: Any = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.outcome = run_task(task_id=self.task_id)
        except Exception as error:
            self.outcome = error
        finally:
            connections.close_all()


@contextmanager
def running_elsewhere(task_id: int) -> Iterator[Worker]:
    """Runs the task in another thread; leaving waits for its end."""
    worker = Worker(task_id)
    worker.thread.start()
    try:
        yield worker
    finally:
        worker.thread.join(timeout=60)
        assert not worker.thread.is_alive(), "the attempt does not end"


def until(done: Callable[[], Any], seconds: float = 60) -> Any:
    """Asks until the answer is true, and gives it."""
    deadline = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)
    return answer
