"""The queue as a whole: stopping and starting the picking of tasks, and what waits in it.

Stopping ends no work: what was picked goes on. Nobody rings for waiting tasks meanwhile, and whoever comes for one
nevertheless does not get it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, DurationField, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from audit.services import record
from jobs import registry
from jobs.models import Task, TaskProcessing, TaskType
from jobs.states import TaskStatus

_WOKEN_AT_ONCE = 1000  # the sweep rings for so many in one go; the others have their turn by themselves


@dataclass(frozen=True)
class Statistics:
    """Tasks by what keeps them. `ready`: the next free worker takes them, unless the queue is stopped; `waiting`: only
    another version of the service knows their type; `expired`: their worker stopped renewing its lease."""

    waiting: int
    ready: int
    expired: int


def current() -> TaskProcessing:
    """The switch as it stands."""
    return TaskProcessing.objects.filter(pk=TaskProcessing.THE_ROW).first() or TaskProcessing()


def statistics() -> Statistics:
    """Counted over the tasks that have not ended."""
    known = Q(task_type__in=TaskType.objects.filter(code__in=[kind.code for kind in registry.all_operations()]))
    pending = Q(status=TaskStatus.PENDING)
    counted = Task.objects.filter(status__in=[TaskStatus.PENDING, TaskStatus.PROCESSING]).aggregate(
        waiting=Count("pk", filter=pending & ~known),
        ready=Count("pk", filter=pending & known),
        expired=Count("pk", filter=Q(status=TaskStatus.PROCESSING, lease_expires_at__lt=Now())),
    )
    return Statistics(**counted)


def oldest_wait() -> int:
    """Seconds since the oldest waiting task began to wait; 0 without one. One look into an index."""
    waited = ExpressionWrapper(Now() - F("last_updated_date"), DurationField())
    pending = Task.objects.filter(status=TaskStatus.PENDING).order_by("id")
    oldest = pending.annotate(waited=waited).values_list("waited", flat=True).first()
    return max(0, int(oldest.total_seconds())) if oldest is not None else 0


@transaction.atomic
def switch(*, stopped: bool, user_id: int) -> TaskProcessing:
    """Stops or starts the picking of tasks; nothing changes when that is so already."""
    TaskProcessing.objects.get_or_create(pk=TaskProcessing.THE_ROW)
    changed = TaskProcessing.objects.filter(pk=TaskProcessing.THE_ROW, stopped=not stopped).update(
        stopped=stopped, version=F("version") + 1, last_updated_by_id=user_id, last_updated_date=Now()
    )
    if changed and not stopped:
        _wake()
    record("queue.stop" if stopped else "queue.start", user_id=user_id, subject="taskprocessing")
    return current()


def _wake() -> None:
    """Tasks whose messages came while the queue was stopped need new ones; the sweep sends them."""
    asleep = Task.objects.filter(status=TaskStatus.PENDING, ring_again_at__gt=Now()).order_by("ring_again_at")
    Task.objects.filter(pk__in=asleep.values("pk")[:_WOKEN_AT_ONCE], status=TaskStatus.PENDING).update(
        ring_again_at=Now()
    )
