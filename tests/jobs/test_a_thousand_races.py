"""A thousand races: five hundred for the claim of a task, five hundred for its restart, each with one winner."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from jobs import services
from jobs.errors import WrongState
from jobs.models import InterfacedMessage, Message, Task, TaskAttempt
from jobs.states import TaskStatus
from tests.jobs.toys import Toys

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
RACES, RUNNERS = 500, 4


def race(tasks: list[int], run: Callable[[int], Any]) -> list[int]:
    """Every runner starts for every task at the same moment; how many won each."""
    start = threading.Barrier(RUNNERS, timeout=30)

    def runner() -> list[bool]:
        try:
            won = []
            for task in tasks:
                start.wait()
                try:
                    won.append(run(task) is not None)
                except WrongState:
                    won.append(False)
            return won
        finally:
            connections.close_all()

    with ThreadPoolExecutor(RUNNERS) as threads:
        runs = [future.result() for future in [threads.submit(runner) for _ in range(RUNNERS)]]
    return [sum(winners) for winners in zip(*runs, strict=True)]


def claim(task_id: int) -> Task | None:
    return services.claim(task_id=task_id, owner="me", thread_code="me ( main )", celery_task_id="")


def test_one_winner_each(real_toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ring_on_commit", lambda task_id: None)  # a thousand messages that nobody hears
    tasks = [real_toys.start().pk for _ in range(RACES)]
    assert race(tasks, claim) == [1] * RACES
    assert TaskAttempt.objects.count() == RACES
    Task.objects.update(status=TaskStatus.ERRORED)
    user = real_toys.user.pk
    assert race(tasks, lambda task: services.restart(task_id=task, user_id=user)) == [1] * RACES
    assert set(Task.objects.values_list("status", "restart_count", "epoch")) == {("PENDING", 1, 2)}
    assert Message.objects.filter(code="TSK-IN-001").count() == InterfacedMessage.objects.count() == RACES
