"""Tasks that nobody came for are rung for again, later and later, and at once when the broker is back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from jobs import recovery, tasks
from jobs.models import Task
from jobs.states import TaskStatus
from tests.jobs.toys import Toys

OVERDUE = Now() - timedelta(seconds=1)


def delay(task: Task) -> float:
    """Seconds from the database's now until the task is rung for again."""
    due, now = Task.objects.filter(pk=task.pk).annotate(now=Now()).values_list("ring_again_at", "now").get()
    assert due is not None
    return (due - now).total_seconds()


def test_later_and_later(toys: Toys, settings: Any) -> None:
    settings.REPUBLISH_SECONDS = 10
    task = toys.start()
    assert 5 < delay(task) <= 10  # however slow the machine is
    assert recovery.tasks_to_ring() == []
    for seconds in (20, 40, 80, 160, 160):
        Task.objects.filter(pk=task.pk).update(ring_again_at=OVERDUE)
        assert recovery.tasks_to_ring() == [task.pk]
        recovery.rung([task.pk])
        assert seconds / 2 < delay(task) <= seconds
        assert recovery.tasks_to_ring() == []


@pytest.mark.parametrize("status", [status for status in TaskStatus if status != TaskStatus.PENDING])
def test_only_for_those_that_wait(toys: Toys, status: TaskStatus) -> None:
    task = toys.in_status(status, ring_again_at=OVERDUE)
    assert recovery.tasks_to_ring() == []
    recovery.rung([task.pk])
    assert toys.task(task.pk).rings == 0


def test_a_broker_that_is_away_makes_nobody_wait_longer(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [toys.in_status(TaskStatus.PENDING, ring_again_at=OVERDUE) for _ in range(3)]
    asked: list[int] = []

    def only_the_first(task_id: int) -> bool:
        asked.append(task_id)
        return len(asked) == 1

    monkeypatch.setattr(tasks, "ring", only_the_first)
    assert tasks.sweep() == {"reaped": 0, "rung": 1}
    assert asked == [task.pk for task in waiting[:2]], "and the others are not tried in vain"
    assert recovery.tasks_to_ring() == [task.pk for task in waiting[1:]]


def test_the_sweep_takes_and_rings(toys: Toys) -> None:
    expired = toys.in_status(TaskStatus.PROCESSING, lease_expires_at=OVERDUE)
    waiting = toys.in_status(TaskStatus.PENDING, ring_again_at=OVERDUE)
    assert tasks.sweep() == {"reaped": 1, "rung": 1}
    assert toys.task(expired.pk).status == TaskStatus.PENDING
    assert toys.task(waiting.pk).rings == 1
    toys.check(expired.pk)
