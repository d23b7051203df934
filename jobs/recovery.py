"""Tasks that lost their worker or their message: given back, taken away, tried again, rung for again.

The condition always stands in the UPDATE: whatever happened since we looked, the row count tells whether we were
in time, and who was not changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Greatest, Least, Now, Power

from hypermedia.failpoints import hit
from jobs.doorbell import ring_on_commit
from jobs.models import Task, TaskQuerySet
from jobs.services import Outcome, Severity, close_attempts, ended, first_ring, say
from jobs.states import Move, TaskStatus

logger = logging.getLogger(__name__)

_DOUBLED_AT_MOST = 4  # times; a task whose messages were all lost waits no longer than that for a free worker


def give_back_all(*, owner: str) -> int:
    """Gives back what a worker that is shutting down still holds, without spending an attempt; how many tasks."""
    held = Task.objects.filter(owner=owner, status=TaskStatus.PROCESSING).values_list("pk", "epoch")
    return sum(_give_back(task_id, epoch) for task_id, epoch in held)


@transaction.atomic
def _give_back(task_id: int, epoch: int) -> bool:
    unspent = Greatest(F("attempt_count") - 1, 0)
    if not Task.objects.held(task_id, epoch).move(Move.GIVE_BACK, attempt_count=unspent, **_waiting()):
        return False
    close_attempts(task_id, Outcome.GIVEN_BACK)
    say(task_id, Severity.INFORMATIVE, "TSK-IN-003", "The worker was stopped; the operation waits for the next one.")
    ring_on_commit(task_id)
    return True


def _waiting() -> dict[str, Any]:
    """What a task loses with its worker: the epoch is over, so whatever that worker still does is refused."""
    return {"epoch": F("epoch") + 1, "lease_expires_at": None, **first_ring()}


def reap(*, limit: int = 100) -> int:
    """Takes tasks from workers that stopped renewing their lease: back to the queue, or ERRORED after three tries.
    How many tasks. One that cannot be ended does not keep the others."""
    expired = Task.objects.expired().order_by("lease_expires_at").select_related("task_type")[:limit]
    return sum(_reap(task) for task in expired)


def _reap(task: Task) -> bool:
    text = f"The worker {task.thread_code} stopped answering in attempt {task.attempt_count}."
    try:
        reaped = _take_away(task, text)
        hit("reaped")
    except Exception:
        logger.exception("task %s could not be taken from %s", task.pk, task.owner)
        return False
    return reaped


@transaction.atomic
def _take_away(task: Task, text: str) -> bool:
    expired = Task.objects.expired().held(task.pk, task.epoch)
    # Whoever has the row locked is about to renew or to end; a sweep that waited for a frozen one would wait for ever.
    if not expired.select_for_update(skip_locked=True).exists():
        return False
    reaped = _try_again_or_fail(expired, task, text)
    hit("reap.commit")
    return reaped


@transaction.atomic
def try_again_or_fail(*, task: Task, text: str) -> bool:
    """For an attempt that something outside ended (`text` says what): back to the queue, or ERRORED after three."""
    return _try_again_or_fail(Task.objects.held(task.pk, task.epoch), task, text)


def _try_again_or_fail(rows: TaskQuerySet, task: Task, text: str) -> bool:
    """`rows` holds the task under every condition that must still be true."""
    end = _give_up if task.attempt_count >= settings.MAX_ATTEMPTS else _try_again
    return end(rows, task, text)


def _try_again(rows: TaskQuerySet, task: Task, text: str) -> bool:
    if not rows.move(Move.GIVE_BACK, **_waiting()):
        return False
    close_attempts(task.pk, Outcome.LOST)
    say(task.pk, Severity.INFORMATIVE, "TSK-IN-004", f"{text} It will be tried again.")
    ring_on_commit(task.pk)
    return True


def _give_up(rows: TaskQuerySet, task: Task, text: str) -> bool:
    if not rows.move(Move.ERROR, epoch=F("epoch") + 1, lease_expires_at=None):
        return False
    close_attempts(task.pk, Outcome.LOST)
    advice = f"{text} {task.attempt_count} attempts ended this way. A restart can help once the cause is mended."
    say(task.pk, Severity.FATAL, "TSK-FA-002", advice)
    task.status = TaskStatus.ERRORED
    ended(task)
    return True


def tasks_to_ring(*, limit: int = 1000) -> list[int]:
    """Pending tasks whose message may be lost, those that wait longest first."""
    return list(Task.objects.unclaimed().order_by("ring_again_at").values_list("pk", flat=True)[:limit])


@transaction.atomic
def rung(task_ids: Sequence[int]) -> None:
    """The messages of these were sent again. Each is due later and later, so that a long queue stays quiet."""
    doubled = Power(2.0, Least(F("rings") + 1, _DOUBLED_AT_MOST))
    patience = ExpressionWrapper(Value(timedelta(seconds=settings.REPUBLISH_SECONDS)) * doubled, DurationField())
    waiting = Task.objects.filter(pk__in=task_ids, status=TaskStatus.PENDING).select_for_update(skip_locked=True)
    Task.objects.filter(pk__in=waiting.values("pk")).update(rings=F("rings") + 1, ring_again_at=Now() + patience)
